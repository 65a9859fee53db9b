/// A large network, filled with streams: how long decisions take there.
import Dispatch

struct Scale {
    let streams: Int
    let seed: UInt64

    static let idcs = 100
    static let nodesPerIDC = 10

    func run() throws {
        var chance = Chance(seed: seed)
        let topology = try Scale.topology(&chance)
        let start = nanoseconds()
        var dispatcher = Dispatcher(topology: topology)
        print("\(topology.nodes.count) nodes in \(topology.idcs.count) IDCs: candidate paths in \(since(start)) ms")
        let indices = try publish(&dispatcher, topology, &chance)
        var asks = joins(indices, topology, &chance)
        asks.shuffle(using: &chance)
        var tally = Tally()
        var outside = Tally()
        var digest = Digest()
        var refused = 0
        for (number, ask) in asks.enumerated() {
            let before = nanoseconds()
            let decision = dispatcher.join(ask.stream, at: ask.node, viewers: 1)
            let microseconds = Double(nanoseconds() - before) / 1_000
            tally.add(microseconds)
            digest.add(decision)
            switch decision {
            case .route(_, let why): if case .inside = why.choice {} else { outside.add(microseconds) }
            case .refused: refused += 1
            }
            if number % 50_000 == 49_999 { _ = dispatcher.refresh() }
        }
        print("\(asks.count) joins of \(streams) streams, \(refused) refused: \(tally.line(unit: "us"))")
        print("of these \(outside.count) into an IDC without the stream: \(outside.line(unit: "us"))")
        print("their digest: \(String(digest.value, radix: 16))")
        report(dispatcher, "after the joins")
        try deaths(&dispatcher, topology)
        refresh(&dispatcher)
        improve(&dispatcher)
    }

    private func publish(
        _ dispatcher: inout Dispatcher, _ topology: Topology, _ chance: inout Chance
    ) throws -> [StreamIndex] {
        let entries = topology.nodes.indices.filter { topology.nodes[$0].roles.contains(.ingest) }
        return try (0..<streams).map { number in
            guard let stream = dispatcher.stream("live/\(number)"), let node = entries.randomElement(using: &chance)
            else { throw BenchError("too many streams") }
            _ = dispatcher.publish(stream, at: NodeIndex(node), epoch: 1, megabits: 4)
            return stream
        }
    }

    private func joins(
        _ indices: [StreamIndex], _ topology: Topology, _ chance: inout Chance
    ) -> [(stream: StreamIndex, node: NodeIndex)] {
        let edges = topology.nodes.indices.filter { topology.nodes[$0].roles.contains(.edge) }
        let audience = zipfAudience(streams: streams, places: edges.count, largest: Double(edges.count) * 30)
        var asks: [(stream: StreamIndex, node: NodeIndex)] = []
        for (stream, count) in zip(indices, audience) {
            for _ in 0..<count + (count == 1 ? Int.random(in: 0...2, using: &chance) : 0) {
                guard let edge = edges.randomElement(using: &chance) else { continue }
                asks.append((stream, NodeIndex(edge)))
            }
        }
        return asks
    }

    /// Each time on a copy, so that every death meets the same network.
    private func deaths(_ dispatcher: inout Dispatcher, _ topology: Topology) throws {
        let loads = topology.nodes.indices.map { (node: $0, streams: dispatcher.streams(at: NodeIndex($0)).count) }
        let relays = loads.filter { topology.nodes[$0.node].roles.contains(.relay) }
        let near = relays.sorted { abs($0.streams - 1_000) < abs($1.streams - 1_000) }.prefix(20)
        let largest = relays.sorted { $0.streams > $1.streams }.prefix(3)
        for (title, chosen) in [("around 1,000 streams", near), ("the most streams", largest)] {
            var tally = Tally()
            var lines: [String] = []
            for (node, streams) in chosen {
                var copy = dispatcher
                // The copy is made whole before the clock starts.
                copy.nodeReturned(NodeIndex(node))
                for stream in copy.streams(at: NodeIndex(node)) { copy.setViewers(0, of: stream, at: NodeIndex(node)) }
                let before = nanoseconds()
                let replan = copy.nodeDied(NodeIndex(node))
                let milliseconds = Double(nanoseconds() - before) / 1e6
                tally.add(milliseconds)
                lines.append("\(streams) streams, \(replan.moves.count) moves, \(replan.lost.count) lost")
                if let violation = copy.audit().first { throw BenchError("after a death: \(violation)") }
            }
            print("death of a relay with \(title) (\(lines[0])): \(tally.line(unit: "ms"))")
        }
    }

    private func refresh(_ dispatcher: inout Dispatcher) {
        let before = nanoseconds()
        _ = dispatcher.refresh()
        print("refresh of all candidate paths: \(since(before)) ms")
    }

    private func improve(_ dispatcher: inout Dispatcher) {
        var tally = Tally()
        var moves = 0
        for _ in 0..<dispatcher.streamCount {
            let before = nanoseconds()
            moves += dispatcher.improve(streams: 1).moves.count
            tally.add(Double(nanoseconds() - before) / 1_000)
        }
        print("a look at every tree for gains: \(moves) moves; \(tally.line(unit: "us per tree"))")
        report(dispatcher, "at the end")
    }

    private func report(_ dispatcher: Dispatcher, _ when: String) {
        let violations = dispatcher.audit()
        print("audit \(when): \(violations.isEmpty ? "every promise holds" : "\(violations.count): \(violations[0])")")
    }

    private func since(_ start: Int) -> String { fixed(Double(nanoseconds() - start) / 1e6, 1) }

    static func topology(_ chance: inout Chance) throws(TopologyError) -> Topology {
        let regions = ["africa", "america", "asia", "europe", "oceania"]
        let idcs = (0..<Scale.idcs).map { number in
            Topology.IDC(
                id: "idc\(number)", region: regions[number % regions.count],
                coordinates: Coordinates(
                    latitude: .random(in: -50...65, using: &chance), longitude: .random(in: -180...180, using: &chance))
            )
        }
        var nodes: [Topology.Node] = []
        for idc in idcs {
            for number in 0..<Scale.nodesPerIDC {
                nodes.append(
                    Topology.Node(
                        id: "\(idc.id)-\(number)", idc: idc.id, roles: number < 3 ? [.ingest, .relay] : [.edge],
                        capacity: NodeCapacity(out: Mark(40_000), in: Mark(40_000), sessions: Mark(200_000))))
            }
        }
        var classes: [Topology.LinkClass] = []
        for from in regions {
            for to in regions {
                classes.append(
                    Topology.LinkClass(
                        name: "\(from) to \(to)", from: .region(from), to: .region(to), latency: .greatCircle(),
                        capacity: Mark(100_000),
                        price: Price(perGigabyte: from == to ? 0.01 : .random(in: 0.02...0.1, using: &chance))))
            }
        }
        return try Topology(idcs: idcs, nodes: nodes, classes: classes)
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
