/// Control plane. The messages between a node and a dispatcher as bytes.
import Media

extension Register {
    func append(to bytes: inout [UInt8]) {
        bytes.append(roles.rawValue)
        bytes.append(flag: isDraining)
        precondition(relays.allSatisfy { !$0.isEmpty }, "who has no relay port gives no address of one")
        for address in [relays.first ?? "", rtmp, http] { bytes.append(address: address) }
        bytes.append(dials.rawValue)
        let others = relays.dropFirst().prefix(Register.relayLimit - 1)
        bytes.append(UInt8(others.count))
        for address in others { bytes.append(address: address) }
    }
}

extension Load {
    /// What stands before the list of links: three rates, a share, and their count.
    private static let fixedSize = 18

    func append(to bytes: inout [UInt8]) {
        bytes.append(u32: kilobitsOut)
        bytes.append(u32: kilobitsIn)
        bytes.append(u32: sessions)
        bytes.append(u16: min(cpuPermille, Load.wholeCPU))
        bytes.append(u16: min(fullPermille, Load.wholeCPU))
        var count: UInt16 = 0
        var list: [UInt8] = []
        for link in links.prefix(RelayLimits.linkMeasures) {
            let end = list.count
            link.append(to: &list)
            guard Load.fixedSize + list.count <= RelayLimits.controlBody else {
                list.removeLast(list.count - end)
                break
            }
            count += 1
        }
        bytes.append(u16: count)
        bytes += list
    }
}

extension LinkMeasure {
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.append(u32: roundTripMicroseconds)
        bytes.append(u32: min(lossPerMillion, LinkMeasure.wholeLoss))
        bytes.append(short: node.name)
    }
}

extension Carry {
    /// What a body has for streams, behind the flag and the count.
    static let bodyRoom = RelayLimits.controlBody - 2

    func append(to bytes: inout [UInt8]) {
        precondition(streams.count <= RelayLimits.carriedStreams, "Carry.messages splits a long list")
        bytes.append(flag: isWhole)
        bytes.append(UInt8(streams.count))
        for stream in streams { stream.append(to: &bytes) }
    }
}

extension Carried {
    /// The bytes that the stream takes in a message.
    var wireSize: Int {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes.count
    }

    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.append(name: name)
        bytes.append(u64: epoch)
        bytes.append(u32: viewers)
        bytes.append(u32: kilobits)
        bytes.append(flag: isWanted)
        bytes.append(role.code)
        switch role {
        case .publisher(let priority): bytes.append(u16: priority)
        case .child(let parent): bytes.append(short: parent.name)
        case .waiting, .gone: break
        }
    }
}

extension Carried.Role {
    fileprivate var code: UInt8 {
        switch self {
        case .waiting: 0
        case .publisher: 1
        case .child: 2
        case .gone: 3
        }
    }
}

extension Want {
    func append(to bytes: inout [UInt8]) {
        precondition(request != 0, "request 0 is a move unasked for")
        bytes.append(u32: request)
        bytes.append(name: name)
        let failed = failed.prefix(RelayLimits.failedParents)
        bytes.append(UInt8(failed.count))
        for node in failed { bytes.append(short: node.name) }
    }
}

extension Steer {
    func append(to bytes: inout [UInt8]) {
        bytes.append(u32: request)
        bytes.append(name: name)
        let parents = parents.prefix(RelayLimits.steerParents)
        bytes.append(UInt8(parents.count))
        for parent in parents {
            bytes.append(place: parent.place)
            bytes.append(path: parent.path)
        }
        bytes.append(text: why)
    }
}

extension Room {
    func append(to bytes: inout [UInt8]) {
        bytes.append(u16: retrySeconds)
        let places = places.prefix(RelayLimits.places)
        bytes.append(UInt8(places.count))
        for place in places {
            bytes.append(short: place.node.name)
            bytes.append(place.roles.rawValue)
            for address in [place.rtmp, place.http] { bytes.append(long: address) }
        }
    }
}

extension Allow {
    func append(to bytes: inout [UInt8]) {
        precondition(quotas.count <= RelayLimits.quotas, "Allow.messages splits a long list")
        bytes.append(u32: serial)
        bytes.append(UInt8(quotas.count))
        for quota in quotas {
            bytes.append(quotaName: quota.name)
            bytes.append(quota.order.code)
            guard case .keep(let viewers, let kilobits, let publishers) = quota.order else { continue }
            for amount in [viewers, kilobits, publishers].compactMap({ $0 }) {
                bytes.append(u32: amount.limit)
                bytes.append(u32: amount.used)
                bytes.append(u32: amount.hard)
            }
        }
    }
}

extension AllowedQuota.Order {
    /// One bit for each amount that follows; with none of them the node tells, or forgets.
    fileprivate var code: UInt8 {
        switch self {
        case .tell: 0
        case .forget: AllowedQuota.Order.forgetCode
        case .keep(let viewers, let kilobits, let publishers):
            AllowedQuota.Order.keepCode | (viewers == nil ? 0 : 1) | (kilobits == nil ? 0 : 2)
                | (publishers == nil ? 0 : 4)
        }
    }

    static let keepCode: UInt8 = 8
    static let forgetCode: UInt8 = 16
}

extension Used {
    func append(to bytes: inout [UInt8]) {
        precondition(quotas.count <= RelayLimits.quotas, "Used.messages splits a long list")
        bytes.append(u32: serial)
        bytes.append(UInt8(quotas.count))
        for quota in quotas {
            bytes.append(quotaName: quota.name)
            bytes.append(u32: quota.viewers)
            bytes.append(u32: quota.kilobits)
            bytes.append(u32: quota.publishers)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(quotaName name: QuotaName) {
        append(long: name.app)
        append(long: name.stream)
    }

    fileprivate mutating func append(flag: Bool) { append(flag ? 1 : 0) }

    fileprivate mutating func append(address: String) {
        precondition(Register.allows(address), "an address is host:port, or empty")
        append(long: address)
    }
}
