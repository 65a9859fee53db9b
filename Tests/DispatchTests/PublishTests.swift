import Testing

@testable import Dispatch

@Suite("Publishers")
struct PublishTests {
    private func answer(
        _ dispatcher: inout Dispatcher, _ stream: StreamIndex, _ node: String, epoch: UInt64, priority: Int = 0
    ) -> Dispatcher.PublishDecision {
        dispatcher.publish(stream, at: dispatcher.node(node), epoch: epoch, priority: priority, megabits: 4)
    }

    @Test("a newer epoch fences an older one, and the older is told")
    func fence() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("c3"))
        guard case .followed(let replan, _) = answer(&dispatcher, stream, "b1", epoch: 5) else {
            Issue.record("the newer session is not followed")
            return
        }
        #expect(replan.fenced.map(\.node) == [dispatcher.node("a1")])
        #expect(replan.fenced.map(\.byEpoch) == [5])
        #expect(dispatcher.path(stream, to: "c3").first == "b1")
        #expect(answer(&dispatcher, stream, "a1", epoch: 4) == .refused(.fenced(byEpoch: 5)))
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("of two sessions of one epoch that ran before they were heard of, the one that was heard of first stays")
    func sameEpoch() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        #expect(answer(&dispatcher, stream, "b1", epoch: 1) == .refused(.fenced(byEpoch: 2)))
        #expect(dispatcher.source(of: stream)?.node == dispatcher.node("a1"))
    }

    @Test("viewers follow the best publisher that lives, and go back to it")
    func priorities() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        _ = answer(&dispatcher, stream, "a1", epoch: 1, priority: 10)
        _ = dispatcher.join(stream, at: dispatcher.node("c3"))
        guard case .standby = answer(&dispatcher, stream, "b1", epoch: 2, priority: 5) else {
            Issue.record("the lower priority is followed")
            return
        }
        #expect(dispatcher.path(stream, to: "c3").first == "a1")
        let gone = dispatcher.nodeDied(dispatcher.node("a1"))
        #expect(gone.silent.isEmpty && gone.lost.isEmpty)
        #expect(dispatcher.path(stream, to: "c3").first == "b1")
        dispatcher.nodeReturned(dispatcher.node("a1"))
        _ = answer(&dispatcher, stream, "a1", epoch: 3, priority: 10)
        #expect(dispatcher.path(stream, to: "c3").first == "a1")
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a tree without a publisher waits, and lives on under the next one wherever it enters")
    func waiting() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        for node in ["a3", "b3", "c3"] { _ = dispatcher.join(stream, at: dispatcher.node(node), viewers: 2) }
        let gone = dispatcher.nodeDied(dispatcher.node("a1"))
        #expect(gone.silent == [stream])
        #expect(dispatcher.join(stream, at: dispatcher.node("b4")) == .refused(.notPublished))
        _ = answer(&dispatcher, stream, "b2", epoch: 9)
        for node in ["a3", "b3", "c3"] { #expect(dispatcher.path(stream, to: node).first == "b2", "\(node)") }
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("the end of a session that is no longer followed changes nothing")
    func lateEnd() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = answer(&dispatcher, stream, "b1", epoch: 5)
        #expect(dispatcher.unpublish(stream, at: dispatcher.node("a1"), epoch: 1).isEmpty)
        #expect(dispatcher.source(of: stream)?.epoch == 5)
    }

    @Test("a publisher that reconnects to the same node moves nobody")
    func reconnect() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b3"))
        let before = dispatcher.tree(of: stream)
        #expect(answer(&dispatcher, stream, "a1", epoch: 2) == .followed(Replan(), Why(.published, .source)))
        #expect(dispatcher.tree(of: stream) == before)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a rate that is none, and one publisher too many, are refused")
    func limits() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        let node = dispatcher.node("a1")
        for rate in [0, -1, .nan, .infinity, Dispatcher.megabitLimit + 1] {
            let answer = dispatcher.publish(stream, at: node, epoch: 1, megabits: rate)
            #expect(answer == .refused(.invalidRate(limitMegabits: Dispatcher.megabitLimit)))
        }
        for priority in 1...StreamTree.sourceLimit {
            _ = answer(&dispatcher, stream, "a\(priority)", epoch: UInt64(priority), priority: priority)
        }
        let refused = Dispatcher.PublishDecision.refused(.tooManyPublishers(limit: StreamTree.sourceLimit))
        #expect(answer(&dispatcher, stream, "b1", epoch: 99, priority: 99) == refused)
        // What takes the place of a session of its own node is not one more.
        #expect(answer(&dispatcher, stream, "a1", epoch: 98, priority: 99) != refused)
    }

    @Test("when a stream's rate changes, so does what it puts on everything that it passes")
    func rate() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b3"), viewers: 5)
        _ = dispatcher.publish(stream, at: dispatcher.node("a1"), epoch: 1, megabits: 9)
        #expect(dispatcher.links[dispatcher.pair(0, 1)].fill.planned == 9_000)
        #expect(dispatcher.nodes[dispatcher.node("b3").position].out.planned == 45_000)
        #expect(dispatcher.audit().isEmpty)
    }
}
