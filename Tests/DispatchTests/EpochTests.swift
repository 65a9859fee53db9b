import Testing

@testable import Dispatch

@Suite("Epochs")
struct EpochTests {
    private func published(_ dispatcher: inout Dispatcher, priority: Int, epoch: UInt64) -> StreamIndex {
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        _ = begin(&dispatcher, stream, "a1", priority, epoch)
        return stream
    }

    private func begin(
        _ dispatcher: inout Dispatcher, _ stream: StreamIndex, _ node: String, _ priority: Int, _ epoch: UInt64
    ) -> Replan {
        let answer = dispatcher.publish(
            stream, at: dispatcher.node(node), epoch: epoch, priority: priority, megabits: 4, arrival: .begun)
        switch answer {
        case .followed(let replan, _), .standby(let replan): return replan
        case .refused: return Replan()
        }
    }

    private func raises(_ replan: Replan, _ dispatcher: Dispatcher) -> [String] {
        replan.raised.map { "\(dispatcher.name($0.node)) \($0.epoch) to \($0.to)" }
    }

    @Test("of one priority the session that began last is followed though its clock is behind, and is raised")
    func skewed() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 0, epoch: 100)
        let replan = begin(&dispatcher, stream, "b1", 0, 40)
        #expect(raises(replan, dispatcher) == ["b1 40 to 101"])
        #expect(replan.fenced.map(\.node) == [dispatcher.node("a1")])
        #expect(replan.fenced.map(\.byEpoch) == [101])
        #expect(dispatcher.source(of: stream)?.node == dispatcher.node("b1"))
        #expect(dispatcher.source(of: stream)?.epoch == 101)
    }

    @Test("who stands by is kept above the followed one, so that it takes over at once when that one dies")
    func standby() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 10, epoch: 100)
        _ = dispatcher.join(stream, at: dispatcher.node("c3"))
        let replan = begin(&dispatcher, stream, "b1", 5, 40)
        #expect(raises(replan, dispatcher) == ["b1 40 to 101"] && replan.fenced.isEmpty && replan.moves.isEmpty)
        let taken = dispatcher.nodeDied(dispatcher.node("a1"))
        #expect(taken.raised.isEmpty && taken.lost.isEmpty && !taken.moves.isEmpty)
        #expect(dispatcher.path(stream, to: "c3").first == "b1")
    }

    @Test("the return to the first encoder raises it above the one that stood in")
    func homecoming() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 10, epoch: 100)
        _ = begin(&dispatcher, stream, "b1", 5, 200)
        _ = dispatcher.unpublish(stream, at: dispatcher.node("a1"), epoch: 100)
        #expect(dispatcher.source(of: stream)?.epoch == 200)
        let back = begin(&dispatcher, stream, "a1", 10, 150)
        #expect(raises(back, dispatcher) == ["a1 150 to 201", "b1 200 to 202"])
    }

    @Test("nobody hangs below a node whose own publisher stands by, before or after")
    func standbysRelayNothing() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 5, epoch: 100)
        for node in ["a3", "b3", "c3"] { _ = dispatcher.join(stream, at: dispatcher.node(node)) }
        let relay = try #require(dispatcher.path(stream, to: "c3").dropLast().last)
        for (node, priority) in [(relay, 4), ("b1", 10)] { _ = begin(&dispatcher, stream, node, priority, 200) }
        for node in ["a3", "b3", "c3"] {
            let path = dispatcher.path(stream, to: node)
            #expect(path.first == "b1" && !path.contains("a1") && !path.contains(relay), "\(path)")
        }
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a raise is said again until its node announces the epoch, and the old one is the same session till then")
    func repeated() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 0, epoch: 100)
        _ = dispatcher.unpublish(stream, at: dispatcher.node("a1"), epoch: 100)
        #expect(raises(begin(&dispatcher, stream, "b1", 0, 40), dispatcher) == ["b1 40 to 101"])
        #expect(raises(begin(&dispatcher, stream, "b1", 0, 40), dispatcher) == ["b1 40 to 101"])
        #expect(raises(begin(&dispatcher, stream, "b1", 0, 77), dispatcher) == ["b1 77 to 101"])
        #expect(begin(&dispatcher, stream, "b1", 0, 101).isEmpty)
        #expect(begin(&dispatcher, stream, "b1", 0, 101).isEmpty)
        #expect(dispatcher.source(of: stream)?.epoch == 101)
    }

    @Test("a session that was fenced does not win by saying again that it is there")
    func stubborn() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 0, epoch: 100)
        _ = begin(&dispatcher, stream, "b1", 0, 200)
        let again = dispatcher.publish(
            stream, at: dispatcher.node("a1"), epoch: 100, megabits: 4, arrival: .begun)
        #expect(again == .refused(.fenced(byEpoch: 200)))
        #expect(dispatcher.unpublish(stream, at: dispatcher.node("a1"), epoch: 100).isEmpty)
        #expect(raises(begin(&dispatcher, stream, "a1", 0, 101), dispatcher) == ["a1 101 to 201"])
    }

    @Test("a node that was away and comes back with the session that was followed is not raised")
    func blink() throws {
        var dispatcher = try Lab.triangle()
        let stream = published(&dispatcher, priority: 0, epoch: 100)
        _ = dispatcher.nodeDied(dispatcher.node("a1"))
        dispatcher.nodeReturned(dispatcher.node("a1"))
        let answer = dispatcher.publish(stream, at: dispatcher.node("a1"), epoch: 100, megabits: 4)
        #expect(answer == .followed(Replan(), Why(.published, .source)))
    }

    @Test("after a rebuild those that were followed are not raised, whatever stands by; then the others are")
    func rebuild() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        func publisher(_ priority: Int, _ epoch: UInt64) -> NodeReport.CarriedStream {
            NodeReport.CarriedStream(
                stream: stream, role: .publisher(epoch: epoch, priority: priority), isWanted: false, megabits: 4)
        }
        for (node, priority, epoch) in [("b1", 5, 102 as UInt64), ("a1", 10, 101), ("c1", 3, 50)] {
            let report = NodeReport(node: dispatcher.node(node), streams: [publisher(priority, epoch)])
            #expect(dispatcher.take(report).raised.isEmpty)
        }
        #expect(dispatcher.source(of: stream)?.epoch == 101)
        #expect(raises(dispatcher.settle(), dispatcher) == ["c1 50 to 103"])
    }

    @Test("a dispatcher that is younger than the stream learns from those who watch what they have seen")
    func watchers() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        let child = NodeReport.CarriedStream(
            stream: stream, role: .child(of: dispatcher.node("b1")), megabits: 4, epoch: 100)
        #expect(dispatcher.take(NodeReport(node: dispatcher.node("c1"), streams: [child])).isEmpty)
        #expect(begin(&dispatcher, stream, "b1", 5, 100).isEmpty)
        #expect(raises(begin(&dispatcher, stream, "a1", 10, 40), dispatcher) == ["a1 40 to 101", "b1 100 to 102"])
        let ahead = NodeReport.CarriedStream(
            stream: stream, role: .child(of: dispatcher.node("b1")), megabits: 4, epoch: 150)
        let replan = dispatcher.take(NodeReport(node: dispatcher.node("c1"), streams: [ahead]))
        #expect(raises(replan, dispatcher) == ["a1 40 to 151", "b1 100 to 152"])
    }

    @Test("an epoch that leaves no room above it is refused")
    func ceiling() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        for epoch in [0, Dispatcher.epochLimit + 1, .max] {
            let answer = dispatcher.publish(stream, at: dispatcher.node("a1"), epoch: epoch, megabits: 4)
            #expect(answer == .refused(.invalidEpoch(limit: Dispatcher.epochLimit)))
        }
        _ = begin(&dispatcher, stream, "a1", 0, Dispatcher.epochLimit)
        #expect(begin(&dispatcher, stream, "b1", 0, 1).raised.map(\.to) == [Dispatcher.epochLimit + 1])
        #expect(begin(&dispatcher, stream, "b1", 0, Dispatcher.epochLimit + 1).isEmpty)
    }
}
