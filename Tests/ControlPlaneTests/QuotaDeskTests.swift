/// The dispatcher's desk and the quotas: who is asked and told what, and when.
import Dispatch
import RelayProtocol
import Testing

@testable import ControlPlane

@Suite("Quotas at the desk of a dispatcher")
struct QuotaDeskTests {
    private static let live = QuotaScope(app: "live")
    private static let final = QuotaScope(app: "live", stream: "final")
    private static let nodes = ["n0", "n1"]

    private func desk(_ quotas: [QuotaScope: Quota]) throws -> DispatchDesk {
        let capacity = NodeCapacity(out: Mark(1_000), in: Mark(1_000), sessions: Mark(10_000))
        let nodes = Self.nodes.map { Topology.Node(id: $0, idc: "x", roles: [.ingest, .edge], capacity: capacity) }
        return DispatchDesk(try Topology(idcs: [Topology.IDC(id: "x")], nodes: nodes, quotas: quotas), now: 0)
    }

    private func join(_ desk: inout DispatchDesk, _ node: String) throws {
        let id = try #require(NodeID(node))
        let isKnown = desk.connected(id)
        #expect(isKnown)
        _ = desk.take(.register(Register(roles: [.ingest, .edge])), from: id)
    }

    /// What is said to each node now.
    private func words(_ desk: inout DispatchDesk) -> [String: Allow] {
        var words: [String: Allow] = [:]
        for outgoing in desk.shareQuotas() {
            guard case .allow(let allow) = outgoing.message else { continue }
            let before = words[outgoing.node.name]?.quotas ?? []
            words[outgoing.node.name] = Allow(serial: allow.serial, quotas: before + allow.quotas)
        }
        return words
    }

    private func use(
        _ desk: inout DispatchDesk, _ node: String, _ serial: UInt32?, viewers: UInt32, of scope: QuotaScope = live
    ) throws {
        let name = try #require(QuotaName(app: scope.app, stream: scope.stream ?? ""))
        let quota = UsedQuota(name: name, viewers: viewers, kilobits: viewers * 2_000, publishers: 0)
        _ = desk.take(.used(Used(serial: serial ?? 0, quotas: [quota])), from: try #require(NodeID(node)))
    }

    private func limit(_ allow: Allow?, of scope: QuotaScope = live) -> UInt32? {
        let quota = allow?.quotas.last { $0.name == QuotaName(app: scope.app, stream: scope.stream ?? "") }
        guard case .keep(let viewers, _, _) = quota?.order else { return nil }
        return viewers?.limit
    }

    @Test("nodes are asked first, and told limits when all have said what they use")
    func asks() throws {
        var desk = try desk([Self.live: Quota(viewers: Mark(10))])
        try join(&desk, "n0")
        let first = words(&desk)
        #expect(first["n0"]?.quotas.map(\.order) == [.tell] && first.count == 1)
        try use(&desk, "n0", first["n0"]?.serial, viewers: 4)
        #expect(words(&desk) == [:], "what the other uses is not known")
        try join(&desk, "n1")
        let second = words(&desk)
        #expect(second["n1"]?.quotas.map(\.order) == [.tell])
        try use(&desk, "n1", second["n1"]?.serial, viewers: 2)
        let told = words(&desk)
        let (a, b) = (try #require(limit(told["n0"])), try #require(limit(told["n1"])))
        #expect(a > 4 && b > 2 && a + b <= 12)
        #expect(told["n0"]?.serial ?? 0 > first["n0"]?.serial ?? 0)
    }

    @Test("a node that never comes is waited for as long as a dispatcher waits for anything")
    func settles() throws {
        var desk = try desk([Self.live: Quota(viewers: Mark(10))])
        try join(&desk, "n0")
        try use(&desk, "n0", words(&desk)["n0"]?.serial, viewers: 4)
        _ = desk.tick(now: DispatchDesk.settleAfter - 1)
        #expect(words(&desk) == [:])
        _ = desk.tick(now: DispatchDesk.settleAfter)
        #expect(limit(words(&desk)["n0"]) == 10)
    }

    @Test("a node that has a new connection is asked and told again")
    func again() throws {
        var desk = try desk([Self.live: Quota(viewers: Mark(10))])
        for node in Self.nodes { try join(&desk, node) }
        var asked = words(&desk)
        for node in Self.nodes { try use(&desk, node, asked[node]?.serial, viewers: 1) }
        let told = try #require(words(&desk)["n0"])
        desk.disconnected(try #require(NodeID("n0")), now: 100)
        try join(&desk, "n0")
        asked = words(&desk)
        let again = try #require(asked["n0"])
        #expect(again.quotas.map(\.order) == [.tell] && again.serial > told.serial && asked["n1"] == nil)
        try use(&desk, "n0", again.serial, viewers: 1)
        #expect(limit(words(&desk)["n0"]) == limit(told))
    }

    @Test("a dead node's use is free for the others")
    func dead() throws {
        var desk = try desk([Self.live: Quota(viewers: Mark(4))])
        for node in Self.nodes { try join(&desk, node) }
        let asked = words(&desk)
        try use(&desk, "n0", asked["n0"]?.serial, viewers: 4)
        try use(&desk, "n1", asked["n1"]?.serial, viewers: 0)
        #expect(limit(words(&desk)["n1"]) == 0)
        desk.disconnected(try #require(NodeID("n0")), now: 100)
        _ = desk.tick(now: 100 + DispatchDesk.deadAfter)
        #expect(limit(words(&desk)["n1"]) == 4)
    }

    @Test("quotas that come and go with a new file are asked for and withdrawn; who stays inside is not touched")
    func reload() throws {
        var desk = try desk([Self.live: Quota(viewers: Mark(10))])
        for node in Self.nodes { try join(&desk, node) }
        var asked = words(&desk)
        for node in Self.nodes { try use(&desk, node, asked[node]?.serial, viewers: 3) }
        _ = words(&desk)
        desk.setQuotas([Self.final: Quota(viewers: Mark(2))])
        asked = words(&desk)
        let orders = asked["n0"]?.quotas.map { "\($0.name.app)/\($0.name.stream) \($0.order)" }
        #expect(orders == ["live/ forget", "live/final tell"])
        for node in Self.nodes { try use(&desk, node, asked[node]?.serial, viewers: 3, of: Self.final) }
        #expect(limit(words(&desk)["n0"], of: Self.final) == 3)
        desk.setQuotas([:])
        #expect(words(&desk)["n0"]?.quotas.map(\.order) == [.forget])
        #expect(!desk.hasQuotas && words(&desk) == [:])
    }

    @Test("an operator hears once of each mark that is passed, and when there is room again")
    func news() throws {
        var desk = try desk([Self.live: Quota(viewers: Mark(soft: 4, hard: 6))])
        for node in Self.nodes { try join(&desk, node) }
        let asked = words(&desk)
        try use(&desk, "n1", asked["n1"]?.serial, viewers: 0)
        func news(_ viewers: UInt32) throws -> [String] {
            try use(&desk, "n0", asked["n0"]?.serial, viewers: viewers)
            _ = desk.shareQuotas()
            return desk.takeQuotaNews().map { "\($0.state): \($0.use.amount)" }
        }
        #expect(try news(3) == [])
        #expect(try news(4) == ["soft: 4 of 6 viewers"])
        #expect(try news(5) == [])
        #expect(try news(6) == ["hard: 6 of 6 viewers"])
        #expect(try news(5) == [] && news(6) == [], "not each time that one comes and goes")
        #expect(try news(3) == ["below: 3 of 6 viewers"])
        #expect(try news(6) == ["hard: 6 of 6 viewers"])
    }
}
