/// Which node of an IDC takes a stream in.
import Testing

@testable import Dispatch

@Suite("The entry into an IDC")
struct EntryTests {
    /// Edges that went to the source on their own, as when the relays of their IDC were gone.
    private func afterFailovers(_ edges: [String]) throws -> (Dispatcher, StreamIndex) {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        for node in edges { report(node, below: "a1", stream, to: &dispatcher) }
        return (dispatcher, stream)
    }

    private func report(_ node: String, below parent: String, _ stream: StreamIndex, to dispatcher: inout Dispatcher) {
        let carried = NodeReport.CarriedStream(stream: stream, role: .child(of: dispatcher.node(parent)), megabits: 4)
        _ = dispatcher.take(NodeReport(node: dispatcher.node(node), streams: [carried]))
    }

    private func parents(_ dispatcher: Dispatcher, _ stream: StreamIndex) -> [String: String] {
        var found: [String: String] = [:]
        for place in dispatcher.tree(of: stream) {
            found[dispatcher.topology[place.node].id] = place.parent.map { dispatcher.topology[$0].id } ?? ""
        }
        return found
    }

    @Test("an edge that has become the entry gives way to a relay, and all of the IDC share that")
    func givesWay() throws {
        var (dispatcher, stream) = try afterFailovers(["b3", "b4"])
        for _ in 0..<3 { _ = dispatcher.improve(stream) }
        let tree = parents(dispatcher, stream)
        let relay = try #require(tree["b3"])
        #expect(["b1", "b2"].contains(relay) && tree["b4"] == relay && tree[relay] == "a1", "\(tree)")
        #expect(dispatcher.improve(stream).moves.isEmpty)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a relay that hangs below an edge goes past it")
    func goesPast() throws {
        var (dispatcher, stream) = try afterFailovers(["b3"])
        report("b1", below: "b3", stream, to: &dispatcher)
        report("b4", below: "b1", stream, to: &dispatcher)
        let moves = dispatcher.improve(stream).moves.map { dispatcher.topology[$0.node].id }
        #expect(moves == ["b1", "b3"], "the parent is told before its child")
        #expect(parents(dispatcher, stream) == ["a1": "", "b1": "a1", "b3": "b1", "b4": "b1"])
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a relay does not yield to an edge that entered beside it")
    func staysEntry() throws {
        var (dispatcher, stream) = try afterFailovers(["b3", "b1"])
        for _ in 0..<3 { _ = dispatcher.improve(stream) }
        #expect(parents(dispatcher, stream) == ["a1": "", "b1": "a1", "b3": "b1"])
        #expect(dispatcher.audit().isEmpty)
    }
}
