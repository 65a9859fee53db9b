/// Small networks for tests: by hand where a sentence needs one, by seed where a property does.
@testable import Dispatch

/// SplitMix64: the same everywhere from the same seed.
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return scramble(state &- 0x9E37_79B9_7F4A_7C15)
    }
}

enum Lab {
    static func capacity(_ megabits: Double = 100_000, sessions: Double = 100_000) -> NodeCapacity {
        NodeCapacity(out: Mark(megabits), in: Mark(megabits), sessions: Mark(sessions))
    }

    static func idcs(_ names: [String]) -> [Topology.IDC] { names.map { Topology.IDC(id: $0) } }

    /// Nodes named after their IDC: `a1` stands in `a`.
    static func node(_ id: String, _ roles: Roles, _ capacity: NodeCapacity = Lab.capacity()) -> Topology.Node {
        Topology.Node(id: id, idc: String(id.prefix(1)), roles: roles, capacity: capacity)
    }

    /// Both directions: `ab` joins `a` and `b`.
    static func both(
        _ ends: String, rtt: Double, price: Double = 0, capacity: Double = 100_000, loss: Double = 0
    ) -> [Topology.Link] {
        let quality = Topology.LinkQuality(
            capacity: Mark(capacity), rtt: rtt, loss: loss, price: Price(perGigabyte: price))
        let (one, other) = (String(ends.prefix(1)), String(ends.suffix(1)))
        return [
            Topology.Link(from: one, to: other, quality: quality),
            Topology.Link(from: other, to: one, quality: quality),
        ]
    }

    /// Three IDCs in a full mesh. In each two relays that take publishers, and two edges: `a1 a2` and `a3 a4`.
    static func triangle(
        capacity: NodeCapacity = Lab.capacity(), settings: DispatchSettings = DispatchSettings()
    ) throws -> Dispatcher {
        let nodes = ["a", "b", "c"].flatMap { idc in
            (1...4).map { node("\(idc)\($0)", $0 < 3 ? [.ingest, .relay] : .edge, capacity) }
        }
        let links =
            both("ab", rtt: 20, price: 0.02) + both("bc", rtt: 20, price: 0.02) + both("ac", rtt: 30, price: 0.05)
        return Dispatcher(
            topology: try Topology(idcs: idcs(["a", "b", "c"]), nodes: nodes, links: links), settings: settings)
    }

    /// A network at random: every IDC has a relay; pairs are linked with a probability, each direction for itself.
    static func random(
        _ chance: inout Chance, idcs count: Int, nodesPerIDC: ClosedRange<Int> = 1...4, linked: Double = 0.7,
        megabits: ClosedRange<Double> = 100_000...100_000, linkMegabits: ClosedRange<Double> = 100_000...100_000,
        reserve: Bool = false
    ) throws -> Topology {
        let names = (0..<count).map { "idc\($0)" }
        var nodes: [Topology.Node] = []
        for name in names {
            for number in 0..<Int.random(in: nodesPerIDC, using: &chance) {
                var roles: Roles = number == 0 || Bool.random(using: &chance) ? [.ingest, .relay] : .edge
                if Bool.random(using: &chance) { roles.insert(.edge) }
                if reserve, number > 0, Int.random(in: 0..<6, using: &chance) == 0 { roles = .reserve }
                nodes.append(
                    Topology.Node(
                        id: "\(name)-\(number)", idc: name, roles: roles,
                        capacity: capacity(.random(in: megabits, using: &chance))))
            }
        }
        var links: [Topology.Link] = []
        for from in names {
            for to in names where from != to && Double.random(in: 0..<1, using: &chance) < linked {
                links.append(
                    Topology.Link(
                        from: from, to: to,
                        quality: Topology.LinkQuality(
                            capacity: Mark(.random(in: linkMegabits, using: &chance)),
                            rtt: .random(in: 5...200, using: &chance), loss: .random(in: 0...0.01, using: &chance),
                            price: Price(perGigabyte: .random(in: 0.01...0.15, using: &chance)))))
            }
        }
        return try Topology(idcs: idcs(names), nodes: nodes, links: links)
    }
}

extension Dispatcher {
    func node(_ name: String) -> NodeIndex { topology.node(named: name) ?? NodeIndex(-1) }

    func idc(_ name: String) -> IDCIndex { topology.idc(named: name) ?? IDCIndex(-1) }

    /// A stream that is published at a node.
    mutating func published(_ name: String, at node: String, megabits: Double = 4) -> StreamIndex {
        let stream = stream(name) ?? StreamIndex(-1)
        _ = publish(stream, at: self.node(node), epoch: 1, megabits: megabits)
        return stream
    }

    /// Joins and gives the parents' names, the primary first.
    mutating func parents(_ stream: StreamIndex, at node: String, viewers: Int? = nil) -> [String] {
        (join(stream, at: self.node(node), viewers: viewers).route?.parents ?? []).map { topology[$0.node].id }
    }

    /// The path by names from the ingest node to the node itself.
    func path(_ stream: StreamIndex, to node: String) -> [String] {
        guard let route = route(of: stream, at: self.node(node)), let first = route.parents.first else { return [] }
        return first.path.map { topology[$0].id } + [node]
    }

    func name(_ node: NodeIndex?) -> String { node.map { topology[$0].id } ?? "-" }

    mutating func linkDies(_ from: String, _ to: String) -> Replan { linkDied(from: idc(from), to: idc(to)) }
}
