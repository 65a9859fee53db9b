/// Control plane. The messages between a node and a dispatcher from their bytes.

extension Register {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let roles = NodeRoles(rawValue: try fields.u8())
        let isDraining = try fields.flag("mark of draining")
        let relay = try fields.address()
        self.init(
            roles: roles, relays: relay.isEmpty ? [] : [relay], rtmp: try fields.address(), http: try fields.address(),
            isDraining: isDraining)
        // A node of the first version ends here.
        guard fields.hasMore else { return }
        dials = RelayTransports(rawValue: try fields.u8())
        relays += try fields.list(Register.relayLimit - 1, "relay addresses") { (fields) throws(RelayError) in
            guard !relay.isEmpty else { throw fields.bad("first relay address") }
            let address = try fields.address()
            guard !address.isEmpty else { throw fields.bad("address") }
            return address
        }
    }
}

extension Load {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let kilobitsOut = try fields.u32()
        let kilobitsIn = try fields.u32()
        let sessions = try fields.u32()
        let cpu = try fields.u16()
        guard cpu <= Load.wholeCPU else { throw fields.bad("share of the processors") }
        let full = try fields.u16()
        guard full <= Load.wholeCPU else { throw fields.bad("share of the limits") }
        let count = Int(try fields.u16())
        let links = try fields.list(count, of: RelayLimits.linkMeasures, "links", LinkMeasure.init)
        self.init(
            kilobitsOut: kilobitsOut, kilobitsIn: kilobitsIn, sessions: sessions, cpuPermille: cpu, fullPermille: full,
            links: links)
    }
}

extension LinkMeasure {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        let roundTrip = try fields.u32()
        let loss = try fields.u32()
        guard loss <= LinkMeasure.wholeLoss else { throw fields.bad("loss") }
        self.init(node: try fields.node(), roundTripMicroseconds: roundTrip, lossPerMillion: loss)
    }
}

extension Carry {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let isWhole = try fields.flag("mark of a whole list")
        self.init(
            isWhole: isWhole, streams: try fields.list(RelayLimits.carriedStreams, "streams", Carried.init))
    }
}

extension Carried {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        let name = try fields.name()
        let epoch = try fields.u64()
        let viewers = try fields.u32()
        let kilobits = try fields.u32()
        let isWanted = try fields.flag("mark of being wanted")
        let role = try Role(&fields)
        guard FrameNumber(startOf: epoch).isValid || epoch == 0 && !role.isPublisher else {
            throw fields.bad("epoch")
        }
        self.init(name: name, epoch: epoch, role: role, viewers: viewers, kilobits: kilobits, isWanted: isWanted)
    }
}

extension Carried.Role {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        switch try fields.u8() {
        case 0: self = .waiting
        case 1: self = .publisher(priority: try fields.u16())
        case 2: self = .child(of: try fields.node())
        case 3: self = .gone
        default: throw fields.bad("role")
        }
    }

    fileprivate var isPublisher: Bool {
        if case .publisher = self { return true }
        return false
    }
}

extension Want {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let request = try fields.u32()
        guard request != 0 else { throw fields.bad("request") }
        let name = try fields.name()
        let failed = try fields.list(RelayLimits.failedParents, "failed parents") { (fields) throws(RelayError) in
            try fields.node()
        }
        self.init(request: request, name: name, failed: failed)
    }
}

extension Steer {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let request = try fields.u32()
        let name = try fields.name()
        let parents = try fields.list(RelayLimits.steerParents, "parents", SteerParent.init)
        self.init(request: request, name: name, parents: parents, why: try fields.text())
    }
}

extension SteerParent {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        let node = try fields.node()
        guard let place = RelayPlace(node: node, address: try fields.address()) else { throw fields.bad("address") }
        let path = try fields.path()
        // A path that leaves the parent out would hide a loop.
        guard path.nodes.last == node else { throw fields.bad("end of a parent's path") }
        self.init(place: place, path: path)
    }
}

extension Room {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let retry = try fields.u16()
        let places = try fields.list(RelayLimits.places, "places") { (fields) throws(RelayError) in
            Place(
                node: try fields.node(), roles: NodeRoles(rawValue: try fields.u8()), rtmp: try fields.address(),
                http: try fields.address())
        }
        self.init(retrySeconds: retry, places: places)
    }
}

extension Allow {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let serial = try fields.u32()
        let quotas = try fields.list(RelayLimits.quotas, "quotas") { (fields) throws(RelayError) in
            AllowedQuota(name: try fields.quotaName(), order: try AllowedQuota.Order(&fields))
        }
        self.init(serial: serial, quotas: quotas)
    }
}

extension AllowedQuota.Order {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        switch try fields.u8() {
        case 0: self = .tell
        case Self.forgetCode: self = .forget
        case let code where code & ~7 == Self.keepCode:
            self = .keep(
                viewers: code & 1 == 0 ? nil : try AllowedQuota.Amount(&fields),
                kilobits: code & 2 == 0 ? nil : try AllowedQuota.Amount(&fields),
                publishers: code & 4 == 0 ? nil : try AllowedQuota.Amount(&fields))
        default: throw fields.bad("order about a quota")
        }
    }
}

extension AllowedQuota.Amount {
    fileprivate init(_ fields: inout FieldReader) throws(RelayError) {
        self.init(limit: try fields.u32(), used: try fields.u32(), hard: try fields.u32())
    }
}

extension Used {
    init(_ fields: inout FieldReader) throws(RelayError) {
        let serial = try fields.u32()
        let quotas = try fields.list(RelayLimits.quotas, "quotas") { (fields) throws(RelayError) in
            UsedQuota(
                name: try fields.quotaName(), viewers: try fields.u32(), kilobits: try fields.u32(),
                publishers: try fields.u32())
        }
        self.init(serial: serial, quotas: quotas)
    }
}

extension FieldReader {
    /// Only 0 and 1, so that what is read is what was meant.
    fileprivate mutating func flag(_ field: String) throws(RelayError) -> Bool {
        switch try u8() {
        case 0: return false
        case 1: return true
        default: throw bad(field)
        }
    }

    /// An address, or none.
    fileprivate mutating func address() throws(RelayError) -> String {
        let count = Int(try u16())
        guard count <= RelayLimits.address else { throw bad("length of the address") }
        guard let address = String(validating: try fixed(count), as: UTF8.self), Register.allows(address) else {
            throw bad("address")
        }
        return address
    }
}
