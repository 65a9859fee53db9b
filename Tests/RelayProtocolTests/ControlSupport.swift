import Testing

@testable import RelayProtocol

extension MessageType {
    /// Those between a node and a dispatcher.
    static let control: [MessageType] = [
        .register, .load, .carry, .want, .unwant, .steer, .room, .raise, .allow, .used,
    ]
}

extension RelayMessage {
    /// The body as a node of the first version would have sent it, where fields were added since: a message that ends
    /// there is whole.
    var firstVersion: [UInt8]? {
        if case .subscribe = self { return Array(bytes[10...].dropLast(16)) }
        guard case .register(let register) = self else { return nil }
        let addresses = [register.relays.first ?? "", register.rtmp, register.http]
        return Array(bytes[10...].prefix(2 + addresses.reduce(0) { $0 + 2 + $1.utf8.count }))
    }
}

/// The longest that names and ids may be.
let longestNode = node(String(repeating: "n", count: RelayLimits.identifier))
let longestAddress = String(repeating: "h", count: RelayLimits.address)
let longestName = RelayStreamName(
    app: String(repeating: "a", count: RelayLimits.streamNamePart),
    name: String(repeating: "s", count: RelayLimits.streamNamePart))!

/// A path of as many nodes as there may be, each id as long as it may be.
func longestPath(to last: NodeID) -> RelayPath {
    let before = (1..<RelayLimits.pathNodes).map { node("\($0)" + String(repeating: "p", count: 63)) }
    return try! RelayPath(before + [last])
}

extension Random {
    mutating func u32() -> UInt32 { UInt32(truncatingIfNeeded: next()) }

    mutating func address() -> String { chance(25) ? "" : "10.0.0.\(below(256)):\(below(65536))" }

    mutating func carried() -> Carried {
        let role: Carried.Role = [.publisher(priority: UInt16(below(65536))), .child(of: id()), .waiting, .gone]
            .randomElement(using: &self)!
        var epoch = number().epoch
        if case .publisher = role {} else if chance(30) { epoch = 0 }
        return Carried(
            name: streamName(), epoch: epoch, role: role, viewers: u32(), kilobits: u32(), isWanted: chance(50))
    }

    mutating func steerParent() -> SteerParent {
        let path = path()
        return SteerParent(place: RelayPlace(node: path.nodes.last!, address: "[::1]:\(below(65536))")!, path: path)
    }

    mutating func quotaName() -> QuotaName {
        let name = streamName()
        return QuotaName(app: name.app, stream: chance(50) ? "" : name.name)!
    }

    mutating func allowedQuota() -> AllowedQuota {
        func amount() -> AllowedQuota.Amount? {
            chance(30) ? nil : AllowedQuota.Amount(limit: u32(), used: u32(), hard: u32())
        }
        let keep = AllowedQuota.Order.keep(viewers: amount(), kilobits: amount(), publishers: amount())
        return AllowedQuota(name: quotaName(), order: [.tell, .forget, keep].randomElement(using: &self)!)
    }

    mutating func control(_ type: MessageType) -> RelayMessage {
        switch type {
        case .register:
            return .register(
                Register(
                    roles: NodeRoles(rawValue: UInt8(below(256))),
                    relays: (0..<below(Register.relayLimit + 1)).map { "10.0.0.\($0):\(below(65536))" },
                    dials: RelayTransports(rawValue: UInt8(below(256))), rtmp: address(), http: address(),
                    isDraining: chance(50)))
        case .load:
            let links = (0..<below(12)).map { _ in
                LinkMeasure(node: id(), roundTripMicroseconds: u32(), lossPerMillion: UInt32(below(1_000_001)))
            }
            return .load(
                Load(
                    kilobitsOut: u32(), kilobitsIn: u32(), sessions: u32(), cpuPermille: UInt16(below(1_001)),
                    fullPermille: UInt16(below(1_001)), links: links))
        case .carry: return .carry(Carry(isWhole: chance(50), streams: (0..<below(8)).map { _ in carried() }))
        case .want:
            let failed = (0..<below(RelayLimits.failedParents + 1)).map { _ in id() }
            return .want(Want(request: UInt32.random(in: 1 ... .max, using: &self), name: streamName(), failed: failed))
        case .unwant: return .unwant(streamName())
        case .steer:
            let parents = (0..<below(RelayLimits.steerParents + 1)).map { _ in steerParent() }
            return .steer(Steer(request: u32(), name: streamName(), parents: parents, why: text(100)))
        case .room:
            let places = (0..<below(RelayLimits.places + 1)).map { _ in
                Room.Place(node: id(), roles: NodeRoles(rawValue: UInt8(below(256))), rtmp: address(), http: address())
            }
            return .room(Room(retrySeconds: UInt16(below(65_536)), places: places))
        case .raise:
            let (a, b) = (number().epoch, number().epoch)
            return .raise(streamName(), from: min(a, b, 1 << 61), to: max(a, b, 1 << 61 + 1))
        case .allow:
            return .allow(Allow(serial: u32(), quotas: (0..<below(8)).map { _ in allowedQuota() }))
        case .used:
            let quotas = (0..<below(8)).map { _ in
                UsedQuota(name: quotaName(), viewers: u32(), kilobits: u32(), publishers: u32())
            }
            return .used(Used(serial: u32(), quotas: quotas))
        default: preconditionFailure("\(type) is not a message of the control link")
        }
    }
}
