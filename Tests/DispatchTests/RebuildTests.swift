import Testing

@testable import Dispatch

@Suite("Rebuilding")
struct RebuildTests {
    /// What each node would report of the trees as they stand.
    private func reports(_ dispatcher: Dispatcher, _ streams: [StreamIndex]) -> [NodeReport] {
        dispatcher.topology.nodes.indices.filter { dispatcher.nodes[$0].condition != .down }.map { position in
            let node = NodeIndex(position)
            var carried: [NodeReport.CarriedStream] = []
            for stream in streams {
                guard let place = dispatcher.tree(of: stream).first(where: { $0.node == node }) else { continue }
                let source = dispatcher.source(of: stream)
                let role: NodeReport.CarriedStream.Role =
                    if let source, source.node == node {
                        .publisher(epoch: source.epoch, priority: 0)
                    } else {
                        place.parent.map { .child(of: $0) } ?? .waiting
                    }
                carried.append(
                    NodeReport.CarriedStream(
                        stream: stream, role: role, viewers: place.viewers, isWanted: place.isWanted,
                        megabits: Double(dispatcher.trees[stream.position].rate) / 1_000,
                        epoch: source?.epoch ?? 0))
            }
            return NodeReport(node: node, streams: carried)
        }
    }

    private struct Edge: Hashable {
        let stream: StreamIndex
        let node: NodeIndex
        let parent: NodeIndex?
    }

    private func edges(_ dispatcher: Dispatcher, _ streams: [StreamIndex]) -> Set<Edge> {
        Set(
            streams.flatMap { stream in
                dispatcher.tree(of: stream).filter { $0.hops != nil }
                    .map { Edge(stream: stream, node: $0.node, parent: $0.parent) }
            })
    }

    @Test(
        "a new dispatcher that takes in the nodes' reports, in any order, has the old trees and moves nothing",
        arguments: 6_000..<6_060)
    func movesNothing(seed: Int) throws {
        var run = try FaultTests.Run(seed: seed, tight: false)
        for _ in 0..<60 { _ = run.step() }
        _ = run.dispatcher.refresh()
        let before = edges(run.dispatcher, run.streams)
        var chance = Chance(seed: UInt64(seed))
        var fresh = Dispatcher(topology: run.dispatcher.topology)
        let streams = run.streams.compactMap { fresh.stream(run.dispatcher.name(of: $0)) }
        for report in reports(run.dispatcher, run.streams).shuffled(using: &chance) {
            let replan = fresh.take(report)
            #expect(replan.moves.isEmpty && replan.fenced.isEmpty, "seed \(seed): \(replan)")
            #expect(replan.raised.isEmpty, "seed \(seed): \(replan)")
        }
        let kept = edges(fresh, streams)
        let missing = before.subtracting(kept)
        #expect(missing.isEmpty, "seed \(seed)")
        let moved = fresh.settle().moves.filter { move in
            before.contains { $0.stream == move.stream && $0.node == move.node }
        }
        #expect(moved.isEmpty, "seed \(seed): \(moved)")
        #expect(fresh.audit().filter { if case .overHard = $0 { false } else { true } }.isEmpty, "seed \(seed)")
    }

    @Test("where plan and report differ about a parent, the report is right")
    func realityWins() throws {
        var settings = DispatchSettings()
        settings.weights.millisecondsPerDollar = 10
        var dispatcher = try Lab.triangle(settings: settings)
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        _ = dispatcher.join(stream, at: dispatcher.node("c1"))
        #expect(dispatcher.path(stream, to: "c1") == ["a1", "c1"])
        let carried = NodeReport.CarriedStream(stream: stream, role: .child(of: dispatcher.node("b1")), megabits: 4)
        let replan = dispatcher.take(NodeReport(node: dispatcher.node("c1"), streams: [carried]))
        #expect(replan.isEmpty)
        #expect(dispatcher.path(stream, to: "c1") == ["a1", "b1", "c1"])
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a parent that never reports is given up when the rebuild settles")
    func lostParent() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        let carried = NodeReport.CarriedStream(stream: stream, role: .child(of: dispatcher.node("c1")), megabits: 4)
        #expect(dispatcher.take(NodeReport(node: dispatcher.node("b1"), streams: [carried])).isEmpty)
        #expect(dispatcher.route(of: stream, at: dispatcher.node("b1"))?.parents.isEmpty == true)
        let settled = dispatcher.settle()
        #expect(settled.moves.map { dispatcher.name($0.node) } == ["b1"])
        #expect(dispatcher.path(stream, to: "b1") == ["a1", "b1"])
    }

    @Test("a stream that a node leaves out of its reports again and again is taken off it")
    func missing() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        let report = NodeReport(node: dispatcher.node("b1"), streams: [])
        _ = dispatcher.take(report)
        #expect(dispatcher.tree(of: stream).count == 2)
        _ = dispatcher.take(report)
        #expect(dispatcher.tree(of: stream).count == 1)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("after a partition the newer publish session wins, and the older is told")
    func partition() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        func publisher(_ epoch: UInt64) -> NodeReport.CarriedStream {
            NodeReport.CarriedStream(
                stream: stream, role: .publisher(epoch: epoch, priority: 0), isWanted: false, megabits: 4)
        }
        _ = dispatcher.take(NodeReport(node: dispatcher.node("b1"), streams: [publisher(8)]))
        let old = dispatcher.take(NodeReport(node: dispatcher.node("a1"), streams: [publisher(3)]))
        #expect(old.fenced.map(\.node) == [dispatcher.node("a1")])
        #expect(dispatcher.source(of: stream)?.node == dispatcher.node("b1"))
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("two ways that nodes took into one IDC on their own are joined again when gains are looked for")
    func twins() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        for node in ["b1", "b2"] {
            let carried = NodeReport.CarriedStream(stream: stream, role: .child(of: dispatcher.node("a1")), megabits: 4)
            _ = dispatcher.take(NodeReport(node: dispatcher.node(node), streams: [carried]))
        }
        #expect(!dispatcher.audit().isEmpty)
        #expect(dispatcher.improve(stream).moves.count == 1)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("reports that lie about everything break no promise of the plan's books", arguments: 7_000..<7_040)
    func lies(seed: Int) throws {
        var run = try FaultTests.Run(seed: seed, tight: false)
        for step in 0..<80 {
            _ = run.step()
            let streams = run.streams.filter { _ in Bool.random(using: &run.chance) }.map { stream in
                let role: NodeReport.CarriedStream.Role =
                    switch Int.random(in: 0..<6, using: &run.chance) {
                    case 0:
                        .publisher(
                            epoch: .random(in: 0...9, using: &run.chance),
                            priority: .random(in: 0...2, using: &run.chance))
                    case 1: .waiting
                    default: .child(of: run.anyNode())
                    }
                return NodeReport.CarriedStream(
                    stream: stream, role: role, viewers: .random(in: -5...50, using: &run.chance),
                    isWanted: Bool.random(using: &run.chance), megabits: .random(in: -1...9, using: &run.chance))
            }
            let seen = NodeReport.Measurement(
                peer: run.anyNode(), rtt: .random(in: -5...500, using: &run.chance),
                loss: .random(in: -0.1...1.1, using: &run.chance))
            let report = NodeReport(
                node: run.anyNode(), megabitsOut: .random(in: -9...90, using: &run.chance), megabitsIn: .nan,
                sessions: .random(in: -3...99, using: &run.chance), cpu: .nan, measurements: [seen], streams: streams)
            _ = run.dispatcher.take(report)
            if Int.random(in: 0..<10, using: &run.chance) == 0 { _ = run.dispatcher.settle() }
            let broken = run.dispatcher.audit().filter {
                switch $0 {
                case .loop, .ledger: true
                default: false
                }
            }
            guard broken.isEmpty else {
                Issue.record("seed \(seed), step \(step): \(broken)")
                return
            }
        }
    }
}
