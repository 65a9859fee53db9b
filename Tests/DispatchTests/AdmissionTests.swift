import Testing

@testable import Dispatch

@Suite("Admission")
struct AdmissionTests {
    /// Two IDCs, Paris and New York, with an ingest relay and an edge each.
    private func ocean(_ capacity: NodeCapacity = Lab.capacity()) throws -> Dispatcher {
        let idcs = [
            Topology.IDC(id: "p", region: "eu", coordinates: Coordinates(latitude: 48.9, longitude: 2.4)),
            Topology.IDC(id: "n", region: "us", coordinates: Coordinates(latitude: 40.7, longitude: -74)),
        ]
        let nodes = ["p", "n"].flatMap {
            [Lab.node($0 + "1", [.ingest, .relay], capacity), Lab.node($0 + "2", .edge, capacity)]
        }
        let world = Topology.LinkClass(name: "world", latency: .greatCircle(), capacity: Mark(10_000))
        return Dispatcher(topology: try Topology(idcs: idcs, nodes: nodes, classes: [world]))
    }

    private let london = Whereabouts.at(Coordinates(latitude: 51.5, longitude: -0.1))

    @Test("a publisher enters at the nearest ingest node")
    func nearest() throws {
        var dispatcher = try ocean()
        #expect(dispatcher.admitPublisher(from: london, megabits: 4).node == dispatcher.node("p1"))
        #expect(dispatcher.admitPublisher(from: .region("us"), megabits: 4).node == dispatcher.node("n1"))
    }

    @Test("a publisher that came far away is sent nearer; one that came near enough stays")
    func redirect() throws {
        var dispatcher = try ocean()
        let far = dispatcher.admitPublisher(from: london, megabits: 4, came: dispatcher.node("n1"))
        guard case .redirect(let node, let why) = far else {
            Issue.record("\(far)")
            return
        }
        #expect(node == dispatcher.node("p1"))
        #expect(why.choice == .bestEntry && why.runnerUp > why.cost.total)
        let near = dispatcher.admitPublisher(from: london, megabits: 4, came: dispatcher.node("p2"))
        guard case .admit(dispatcher.node("p2"), let reason) = near else {
            Issue.record("\(near)")
            return
        }
        #expect(reason.choice == .goodEnough)
    }

    @Test("a viewer is served by the nearest edge with room, then elsewhere, then refused with what is short")
    func viewers() throws {
        var dispatcher = try ocean(NodeCapacity(out: Mark(100), in: Mark(100), sessions: Mark(1_000)))
        let stream = dispatcher.published("s", at: "p1", megabits: 10)
        var served: [String] = []
        var last: Admission?
        for _ in 0..<40 {
            let answer = dispatcher.admitViewer(of: stream, from: london)
            if let node = answer.node { served.append(dispatcher.name(node)) }
            last = answer
        }
        // 100 Mbit/s less the tenth that is kept for relay children.
        #expect(served.filter { $0 == "p2" }.count == 9)
        #expect(served.filter { $0 == "n2" }.count == 9)
        #expect(served.prefix(8).allSatisfy { $0 == "p2" })
        guard case .refuse(.full(_, .out), let seconds) = last else {
            Issue.record("\(String(describing: last))")
            return
        }
        #expect(seconds == Admission.retrySeconds)
    }

    @Test("publishers outrank relay children, which outrank viewers")
    func ranks() throws {
        var dispatcher = try ocean(NodeCapacity(out: Mark(1_000), in: Mark(1_000), sessions: Mark(soft: 50, hard: 100)))
        let node = dispatcher.node("p2")
        func short() -> [Bool] {
            [Rank.publisher, .relay, .viewer].map { dispatcher.shortage(at: node, rank: $0, megabits: 1) != nil }
        }
        func fill(_ sessions: Int) { _ = dispatcher.take(NodeReport(node: node, sessions: sessions)) }
        fill(84)
        #expect(short() == [false, false, false])
        fill(85)
        #expect(short() == [false, false, true])
        fill(95)
        #expect(short() == [false, true, true])
        fill(100)
        #expect(short() == [true, true, true])
    }

    @Test("beyond its processors' hard mark a node takes nobody")
    func processors() throws {
        var dispatcher = try ocean()
        let node = dispatcher.node("p1")
        _ = dispatcher.take(NodeReport(node: node, cpu: 0.96))
        #expect(dispatcher.shortage(at: node, rank: .publisher, megabits: 1) == .cpu)
        #expect(dispatcher.admitPublisher(from: london, megabits: 4).node == dispatcher.node("n1"))
    }

    @Test("what was promised counts until the node's next report")
    func promises() throws {
        var dispatcher = try ocean()
        let stream = dispatcher.published("s", at: "p1", megabits: 10)
        for _ in 0..<5 { _ = dispatcher.admitViewer(of: stream, from: london) }
        let node = dispatcher.node("p2").position
        #expect(dispatcher.nodes[node].out.load == 50_000)
        _ = dispatcher.take(NodeReport(node: NodeIndex(node), megabitsOut: 20, sessions: 2))
        #expect(dispatcher.nodes[node].out.load == 20_000)
    }

    @Test("where no node of the role lives, that is said")
    func nobody() throws {
        var dispatcher = try ocean()
        for name in ["p1", "p2", "n1", "n2"] { _ = dispatcher.nodeDied(dispatcher.node(name)) }
        let refused = Admission.refuse(.noNode(.ingest), retryAfter: Admission.retrySeconds)
        #expect(dispatcher.admitPublisher(from: london, megabits: 4) == refused)
    }
}
