/// The items of a topology file: which keys each has, their defaults, and what they refer to.
import Configuration
import Dispatch

extension TopologyFile.Reader {
    private typealias Kind = TopologyFile.Kind
    private typealias Fields = TopologyFile.Fields

    // MARK: IDCs

    mutating func readIDC(_ item: Document, _ path: String) {
        let known = ["id", "region", "latitude", "longitude", "time_zone", "transport"]
        guard let fields = fields(item, path, known: known) else {
            (knowsAllIDCs, knowsAllRegions) = (false, false)
            return
        }
        let id = fields.needed("id", .name, &problems)
        let region = fields.value("region", .name, &problems)
        if region == nil, fields["region"] != nil { knowsAllRegions = false }
        let coordinates = coordinates(fields)
        let timeZone = fields.value("time_zone", .timeZone, &problems)
        let transport = fields.value("transport", .transport, &problems)
        guard let id else {
            knowsAllIDCs = false
            return
        }
        guard isNew(id, "IDC", fields, "id", \.idcLines) else {
            knowsAllRegions = false
            return
        }
        items["IDC \"\(id)\""] = fields
        idcs.append(
            Topology.IDC(
                id: id, region: region ?? "", coordinates: coordinates, timeZone: timeZone ?? "", transport: transport))
    }

    private mutating func coordinates(_ fields: Fields) -> Coordinates? {
        let latitude = fields.value("latitude", .degrees, &problems)
        let longitude = fields.value("longitude", .degrees, &problems)
        let given = ["latitude", "longitude"].filter { fields[$0] != nil }
        if given.isEmpty { return nil }
        if given.count == 1, let entry = fields[given[0]] {
            let other = given[0] == "latitude" ? "longitude" : "latitude"
            problems.refuse(
                line: entry.line, fields.key(given[0]), "stands without a \(other)", "give both, or neither")
        }
        return Coordinates(latitude: latitude ?? 0, longitude: longitude ?? 0)
    }

    // MARK: Nodes

    mutating func readNode(_ item: Document, _ path: String) {
        let known = ["id", "idc", "roles", "relay", "rtmp", "http", "capacity"]
        guard let fields = fields(item, path, known: known) else { return }
        let id = fields.needed("id", .name, &problems)
        let idc = fields.needed("idc", .name, &problems)
        if let idc { checkIDC(idc, fields, "idc") }
        let roles = roles(fields)
        let addresses = TopologyFile.Addresses(
            relay: relays(fields), rtmp: address("rtmp", fields), http: address("http", fields))
        let capacity = capacity(fields)
        guard let id, isNew(id, "node", fields, "id", \.nodeLines) else { return }
        items["node \"\(id)\""] = fields
        guard let idc = idc.flatMap({ idcLines[$0] == nil ? nil : $0 }) ?? idcs.first?.id else { return }
        nodes.append(
            Topology.Node(id: id, idc: idc, roles: roles, addresses: addresses.listed, capacity: capacity))
    }

    private mutating func roles(_ fields: Fields) -> Roles {
        guard let listed = fields.list("roles", Kind<Roles>.role, &problems) else { return [.ingest, .relay, .edge] }
        var roles: Roles = []
        for (role, line) in listed {
            if !roles.insert(role).inserted {
                problems.refuse(line: line, fields.key("roles"), "lists a role twice", "delete one of them")
            }
        }
        return roles
    }

    /// One address for each transport.
    private mutating func relays(_ fields: Fields) -> [Remote] {
        var relays: [Remote] = []
        for (address, line) in fields.list("relay", .address, &problems) ?? [] {
            claim(address, fields.key("relay"), line)
            if relays.contains(where: { $0.transport == address.transport }) {
                problems.refuse(
                    line: line, fields.key("relay"), "lists two addresses over \(address.transport)",
                    "keep one, and put tls:// or srt:// before what is another transport's")
            } else {
                relays.append(address)
            }
        }
        return relays
    }

    private mutating func address(_ name: String, _ fields: Fields) -> Remote? {
        guard let address = fields.value(name, .address, &problems), let line = fields[name]?.line else { return nil }
        claim(address, fields.key(name), line)
        return address
    }

    private mutating func claim(_ address: Remote, _ key: String, _ line: Int) {
        if let owner = addressOwners[address] {
            problems.refuse(
                line: line, key, "\(address) is also \(owner.key), on line \(owner.line)", "give each port its own")
        } else {
            addressOwners[address] = (key, line)
        }
    }

    private mutating func capacity(_ fields: Fields) -> NodeCapacity {
        var capacity = NodeCapacity(
            out: TopologyFile.standIn, in: TopologyFile.standIn, sessions: TopologyFile.usualSessions)
        guard let entry = fields["capacity"] else {
            fields.missing("capacity", "what the node can bear, such as {out: 8Gbit}", &problems)
            return capacity
        }
        guard case .map(let entries, let line) = entry.value else {
            problems.refuse(
                line: entry.value.line, fields.key("capacity"), "is a map of marks, not a value",
                "write one such as {out: 8Gbit, sessions: 20000}")
            return capacity
        }
        let marks = Fields(
            entries, path: fields.key("capacity"), line: line, known: ["out", "in", "sessions", "cpu"], &problems)
        if let out = neededMark("out", .rate, marks) { (capacity.out, capacity.in) = (out, out) }
        if let into = mark("in", .rate, marks) { capacity.in = into }
        if let sessions = mark("sessions", .count, marks) { capacity.sessions = sessions }
        if let cpu = mark("cpu", .share, marks) { capacity.cpu = cpu }
        return capacity
    }

    // MARK: Marks

    /// A hard mark alone, or a map of both.
    mutating func mark(
        _ name: String, _ kind: TopologyFile.Kind<Double>, _ fields: TopologyFile.Fields
    ) -> Mark? {
        guard let entry = fields[name] else { return nil }
        guard case .map(let entries, let line) = entry.value else {
            return fields.value(name, kind, &problems).map { Mark($0) }
        }
        let marks = Fields(entries, path: fields.key(name), line: line, known: ["soft", "hard"], &problems)
        let hard = marks.needed("hard", kind, &problems)
        let soft = marks.value("soft", kind, &problems)
        guard let hard else { return nil }
        return soft.map { Mark(soft: $0, hard: hard) } ?? Mark(hard)
    }

    private mutating func neededMark(_ name: String, _ kind: Kind<Double>, _ fields: Fields) -> Mark? {
        if fields[name] == nil { fields.missing(name, kind.expectation, &problems) }
        return mark(name, kind, fields)
    }

    // MARK: Links

    mutating func readLink(_ item: Document, _ path: String) {
        let known = ["from", "to", "both", "capacity", "rtt", "loss", "price_per_gb", "price_per_mbit", "transport"]
        guard let fields = fields(item, path, known: known) else {
            knowsAllLinks = false
            return
        }
        let from = fields.needed("from", .name, &problems)
        let to = fields.needed("to", .name, &problems)
        let both = fields.value("both", .flag, &problems) ?? false
        let quality = Topology.LinkQuality(
            capacity: neededMark("capacity", .rate, fields) ?? TopologyFile.standIn,
            rtt: fields.needed("rtt", .roundTrip, &problems) ?? 0,
            loss: fields.value("loss", .loss, &problems) ?? 0, price: price(fields),
            transport: fields.value("transport", .transport, &problems))
        guard let from, let to else {
            knowsAllLinks = false
            return
        }
        let areKnown = [checkIDC(from, fields, "from"), checkIDC(to, fields, "to")] == [true, true]
        if from == to {
            return problems.refuse(
                line: fields.line, path, "leads from \(from) to itself", "delete it: nodes of an IDC need no link")
        }
        for (from, to) in both ? [(from, to), (to, from)] : [(from, to)] {
            let ends = TopologyFile.LinkEnds(from: from, to: to)
            if let first = linkLines[ends] {
                problems.refuse(
                    line: fields.line, path, "the way from \(from) to \(to) is given twice, first on line \(first)",
                    "delete one of them, or the \"both\"")
            } else {
                linkLines[ends] = fields.line
                guard areKnown else {
                    knowsAllLinks = false
                    continue
                }
                items["link \"\(from)\" to \"\(to)\""] = fields
                links.append(Topology.Link(from: from, to: to, quality: quality))
            }
        }
    }

    private mutating func price(_ fields: Fields) -> Price {
        Price(
            perMegabit: fields.value("price_per_mbit", .price, &problems) ?? 0,
            perGigabyte: fields.value("price_per_gb", .price, &problems) ?? 0)
    }

    // MARK: Classes

    mutating func readClass(_ item: Document, _ path: String) {
        let known = [
            "name", "from", "to", "both", "rtt", "capacity", "loss", "price_per_gb", "price_per_mbit", "transport",
        ]
        guard let fields = fields(item, path, known: known) else { return }
        let name = fields.needed("name", .name, &problems)
        let from = scope("from", fields)
        let to = scope("to", fields)
        let both = fields.value("both", .flag, &problems) ?? false
        let latency = fields.value("rtt", .latency, &problems)
        let capacity = neededMark("capacity", .rate, fields) ?? TopologyFile.standIn
        let loss = fields.value("loss", .loss, &problems) ?? 0
        let price = price(fields)
        let transport = fields.value("transport", .transport, &problems)
        guard let name, isNew(name, "class", fields, "name", \.classLines) else { return }
        items["link class \"\(name)\""] = fields
        // Where the scope or the round trip is wrong, a fixed one keeps `Topology` from asking for coordinates.
        let isWrong = from == nil || to == nil || (latency == nil && fields["rtt"] != nil)
        let ends = (from ?? .anywhere, to ?? .anywhere)
        for (from, to) in both && ends.0 != ends.1 ? [ends, (ends.1, ends.0)] : [ends] {
            classes.append(
                Topology.LinkClass(
                    name: name, from: from, to: to, latency: isWrong ? .fixed(0) : latency ?? .greatCircle(),
                    capacity: capacity, loss: loss, price: price, transport: transport))
        }
    }

    /// Nil where it is wrong, which is then reported.
    private mutating func scope(_ name: String, _ fields: Fields) -> Topology.LinkClass.Scope? {
        guard let line = fields[name]?.value.line else { return .anywhere }
        guard let scope = fields.value(name, .scope, &problems) else { return nil }
        switch scope {
        case .anywhere: return scope
        case .idc(let id): return checkIDC(id, fields, name) ? scope : nil
        case .region(let region):
            if knowsAllRegions, !idcs.contains(where: { $0.region == region }) {
                let regions = Set(idcs.map(\.region)).subtracting([""]).sorted()
                problems.refuse(
                    line: line, fields.key(name), "no IDC has the region \(quoted(region))",
                    Spelling.nearest(to: region, in: regions).map { "did you mean region \($0)?" }
                        ?? "give an IDC that region, or correct the name")
                return nil
            }
            return scope
        }
    }

    // MARK: Names

    /// Whether there is such an IDC. A name that nobody has is reported, unless an IDC's own id could not be read.
    @discardableResult
    private mutating func checkIDC(_ id: String, _ fields: Fields, _ name: String) -> Bool {
        if idcLines[id] != nil { return true }
        if knowsAllIDCs, let line = fields[name]?.value.line {
            problems.refuse(
                line: line, fields.key(name), "there is no IDC \(quoted(id))",
                Spelling.nearest(to: id, in: idcs.map(\.id)).map { "did you mean \($0)?" }
                    ?? "list it under idcs, or correct the name")
        }
        return false
    }

    private mutating func isNew(
        _ id: String, _ what: String, _ fields: Fields, _ name: String,
        _ lines: WritableKeyPath<TopologyFile.Reader, [String: Int]>
    ) -> Bool {
        let line = fields[name]?.value.line ?? fields.line
        if let first = self[keyPath: lines][id] {
            problems.refuse(
                line: line, fields.key(name), "\(what) \(quoted(id)) is given twice, first on line \(first)",
                "rename or delete one of them")
            return false
        }
        self[keyPath: lines][id] = line
        return true
    }
}

extension TopologyFile {
    /// For a mark that is wrong or missing, in a file that is refused.
    fileprivate static let standIn = Mark(1)
    /// As many as a node serves whose settings do not say otherwise.
    fileprivate static let usualSessions = Mark(Double(Settings().limits.sessions))
}
