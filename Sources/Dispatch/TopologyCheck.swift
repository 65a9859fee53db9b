/// Collects what is wrong with a topology, item by item, up to a limit.
struct TopologyCheck {
    private(set) var problems: [TopologyError.Problem] = []

    /// Mbit/s: far above any machine, low enough that sums of kbit/s stay exact.
    static let megabitLimit = 1e9
    static let sessionLimit = 1e9
    static let rttLimit = 10_000.0
    static let priceLimit = 1e6

    private mutating func note(_ problem: TopologyError.Problem) {
        if problems.count < TopologyError.problemLimit, !problems.contains(problem) { problems.append(problem) }
    }

    mutating func counts(idcs: Int, nodes: Int) {
        if idcs > Topology.idcLimit { note(.tooMany(what: "IDCs", count: idcs, limit: Topology.idcLimit)) }
        if nodes > Topology.nodeLimit { note(.tooMany(what: "nodes", count: nodes, limit: Topology.nodeLimit)) }
        if nodes == 0 || idcs == 0 { note(.empty) }
    }

    mutating func names(_ names: [String], of what: String) -> [String: Int] {
        var positions: [String: Int] = [:]
        for (position, name) in names.enumerated() {
            if name.isEmpty {
                note(.unnamed(what: what, position: position))
            } else if positions.updateValue(position, forKey: name) != nil {
                note(.duplicate(what: what, name: name))
            }
        }
        return positions
    }

    mutating func idc(_ idc: Topology.IDC) {
        guard let place = idc.coordinates, !place.isOnTheGlobe else { return }
        let item = "IDC \"\(idc.id)\""
        range(item, "latitude", place.latitude, -90...90, "-90 to 90 degrees")
        range(item, "longitude", place.longitude, -180...180, "-180 to 180 degrees")
    }

    mutating func node(_ node: Topology.Node, known: [String: Int]) {
        let item = "node \"\(node.id)\""
        if known[node.idc] == nil { note(.unknownIDC(in: item, idc: node.idc)) }
        mark(item, "capacity.out", node.capacity.out, limit: TopologyCheck.megabitLimit, "Mbit/s")
        mark(item, "capacity.in", node.capacity.in, limit: TopologyCheck.megabitLimit, "Mbit/s")
        mark(item, "capacity.sessions", node.capacity.sessions, limit: TopologyCheck.sessionLimit, "sessions")
        mark(item, "capacity.cpu", node.capacity.cpu, limit: 1, "a share")
    }

    mutating func quota(_ quota: Quota, of scope: QuotaScope) {
        for resource in QuotaResource.allCases {
            guard let mark = quota[resource] else { continue }
            let isRate = resource == .out
            self.mark(
                scope.item, "\(resource)", mark,
                limit: isRate ? TopologyCheck.megabitLimit : TopologyCheck.sessionLimit,
                isRate ? "Mbit/s" : "\(resource)")
        }
    }

    /// The links by pair, those that are sound.
    mutating func links(_ links: [Topology.Link], known: [String: Int]) -> [Int: Topology.LinkQuality] {
        var found: [Int: Topology.LinkQuality] = [:]
        for link in links {
            let item = "link \"\(link.from)\" to \"\(link.to)\""
            let before = problems.count
            let from = known[link.from]
            let to = known[link.to]
            if from == nil { note(.unknownIDC(in: item, idc: link.from)) }
            if to == nil { note(.unknownIDC(in: item, idc: link.to)) }
            if from != nil, from == to { note(.sameEnds(idc: link.from)) }
            quality(item, link.quality)
            guard let from, let to, before == problems.count else { continue }
            if found.updateValue(link.quality, forKey: from * known.count + to) != nil {
                note(.duplicate(what: "link", name: "\(link.from)\" to \"\(link.to)"))
            }
        }
        return found
    }

    mutating func linkClass(_ link: Topology.LinkClass, known: [String: Int]) {
        let item = "link class \"\(link.name)\""
        for scope in [link.from, link.to] {
            if case .idc(let name) = scope, known[name] == nil { note(.unknownIDC(in: item, idc: name)) }
        }
        switch link.latency {
        case .fixed(let rtt): range(item, "rtt", rtt, 0...TopologyCheck.rttLimit, "0 to 10000 ms")
        case .greatCircle(let factor, let base):
            range(item, "factor", factor, 1...100, "1 to 100")
            range(item, "base", base, 0...TopologyCheck.rttLimit, "0 to 10000 ms")
        }
        quality(item, Topology.LinkQuality(capacity: link.capacity, rtt: 0, loss: link.loss, price: link.price))
    }

    /// What the first class that fits says of a pair.
    mutating func derived(
        from: Topology.IDC, to: Topology.IDC, classes: [Topology.LinkClass]
    ) -> Topology.LinkQuality? {
        guard let link = classes.first(where: { $0.from.covers(from) && $0.to.covers(to) }) else { return nil }
        let rtt: Double
        switch link.latency {
        case .fixed(let milliseconds): rtt = milliseconds
        case .greatCircle(let factor, let base):
            guard let here = from.coordinates, let there = to.coordinates else {
                note(.noCoordinates(idc: from.coordinates == nil ? from.id : to.id, linkClass: link.name))
                return nil
            }
            rtt = here.fibreRTT(to: there) * factor + base
        }
        return Topology.LinkQuality(
            capacity: link.capacity, rtt: rtt, loss: link.loss, price: link.price, transport: link.transport)
    }

    private mutating func quality(_ item: String, _ quality: Topology.LinkQuality) {
        mark(item, "capacity", quality.capacity, limit: TopologyCheck.megabitLimit, "Mbit/s")
        range(item, "rtt", quality.rtt, 0...TopologyCheck.rttLimit, "0 to 10000 ms")
        range(item, "loss", quality.loss, 0...1, "a share, 0 to 1")
        range(item, "price per Mbit/s", quality.price.perMegabit, 0...TopologyCheck.priceLimit, "0 to 1000000")
        range(item, "price per GB", quality.price.perGigabyte, 0...TopologyCheck.priceLimit, "0 to 1000000")
    }

    private mutating func mark(_ item: String, _ field: String, _ mark: Mark, limit: Double, _ unit: String) {
        guard mark.soft > 0, mark.hard > 0, mark.hard <= limit, mark.soft.isFinite else {
            let value = mark.soft > 0 && mark.soft.isFinite ? mark.hard : mark.soft
            note(.outOfRange(item: item, field: field, value: value, allowed: "above 0, at most \(limit) (\(unit))"))
            return
        }
        if mark.soft > mark.hard {
            note(.softAboveHard(item: item, field: field, soft: mark.soft, hard: mark.hard))
        }
    }

    private mutating func range(
        _ item: String, _ field: String, _ value: Double, _ range: ClosedRange<Double>, _ allowed: String
    ) {
        if !range.contains(value) { note(.outOfRange(item: item, field: field, value: value, allowed: allowed)) }
    }
}
