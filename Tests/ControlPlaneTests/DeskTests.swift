import Dispatch
import RelayProtocol
import Testing

@testable import ControlPlane

private func topology() throws -> Topology {
    let idcs = ["fra", "iad", "nrt"].map { Topology.IDC(id: $0) }
    var nodes: [Topology.Node] = []
    for idc in idcs {
        for number in 1...3 {
            let capacity = NodeCapacity(out: Mark(1_000), in: Mark(1_000), sessions: Mark(10_000))
            nodes.append(
                Topology.Node(
                    id: "\(idc.id)-\(number)", idc: idc.id, roles: number < 3 ? [.ingest, .relay, .edge] : [.edge],
                    capacity: capacity))
        }
    }
    var links: [Topology.Link] = []
    for (from, to, rtt) in [("fra", "iad", 90.0), ("iad", "nrt", 150), ("fra", "nrt", 230)] {
        let quality = Topology.LinkQuality(capacity: Mark(10_000), rtt: rtt)
        links.append(Topology.Link(from: from, to: to, quality: quality))
        links.append(Topology.Link(from: to, to: from, quality: quality))
    }
    return try Topology(idcs: idcs, nodes: nodes, links: links)
}

/// A desk whose nodes are all connected, and what it said.
private struct Office {
    var desk: DispatchDesk
    var said: [DispatchDesk.Outgoing] = []
    let name = RelayStreamName(app: "live", name: "a")!

    init(now: UInt64 = 0) throws {
        desk = DispatchDesk(try topology(), now: now)
        for node in desk.topology.nodes {
            let id = NodeID(node.id)!
            let isKnown = desk.connected(id)
            #expect(isKnown)
            take(
                .register(
                    Register(
                        roles: [.ingest, .relay, .edge], relays: ["\(node.id):1937"], rtmp: "\(node.id):1935",
                        http: "\(node.id):8080", isDraining: false)), from: node.id)
        }
        said = []
    }

    mutating func take(_ message: RelayMessage, from node: String) {
        said += desk.take(message, from: NodeID(node)!)
    }

    mutating func carry(_ role: Carried.Role, epoch: UInt64, at node: String) {
        let carried = Carried(name: name, epoch: epoch, role: role, viewers: 1, kilobits: 2_000, isWanted: true)
        take(.carry(Carry(isWhole: false, streams: [carried])), from: node)
    }

    mutating func want(at node: String, request: UInt32 = 1, failed: [String] = []) {
        take(.want(Want(request: request, name: name, failed: failed.map { NodeID($0)! })), from: node)
    }

    /// The ingest nodes of the ways that were said last.
    var sources: Set<String> {
        Set(
            said.compactMap {
                if case .steer(let steer) = $0.message { steer.parents.first?.path.nodes.first?.name } else { nil }
            })
    }

    /// What was said to a node since the last time.
    mutating func steers(to node: String) -> [Steer] {
        defer { said.removeAll { $0.node.name == node } }
        return said.filter { $0.node.name == node }.compactMap {
            if case .steer(let steer) = $0.message { steer } else { nil }
        }
    }
}

@Suite("The desk of a dispatcher")
struct DeskTests {
    @Test("tells who wants a stream where to get it, by the addresses that nodes gave")
    func route() throws {
        var office = try Office()
        office.carry(.publisher(priority: 0), epoch: 7, at: "fra-1")
        office.want(at: "nrt-3")
        let steers = office.steers(to: "nrt-3")
        #expect(steers.count == 1 && steers[0].request == 1)
        let first = try #require(steers[0].parents.first)
        #expect(first.place.node.name.hasPrefix("nrt-"), "edges of an IDC share a parent there")
        #expect(first.place.address == "\(first.place.node.name):1937")
        #expect(first.path.nodes.first?.name == "fra-1")
        #expect(!first.path.nodes.contains { $0.name == "nrt-3" })
        #expect(!steers[0].why.isEmpty)
    }

    @Test("says that nobody publishes, and tells again when somebody does")
    func waiting() throws {
        var office = try Office()
        office.want(at: "iad-3")
        let refused = office.steers(to: "iad-3")
        #expect(refused.map(\.parents.isEmpty) == [true])
        office.carry(.publisher(priority: 0), epoch: 7, at: "fra-2")
        let steers = office.steers(to: "iad-3")
        #expect(steers.map(\.request) == [0])
        #expect(steers[0].parents.isEmpty == false)
    }

    @Test("puts parents that have just failed last")
    func failed() throws {
        var office = try Office()
        office.carry(.publisher(priority: 0), epoch: 7, at: "fra-1")
        office.want(at: "iad-3")
        let before = try #require(office.steers(to: "iad-3").first)
        let primary = try #require(before.parents.first?.place.node.name)
        #expect(before.parents.count > 1)
        office.want(at: "iad-3", request: 2, failed: [primary])
        let after = try #require(office.steers(to: "iad-3").first)
        #expect(after.parents.first?.place.node.name != primary)
        #expect(after.parents.contains { $0.place.node.name == primary })
    }

    @Test("fences the older of two publishers, wherever it is and whatever their clocks say")
    func fence() throws {
        var office = try Office()
        office.carry(.publisher(priority: 0), epoch: 7, at: "fra-1")
        office.carry(.publisher(priority: 0), epoch: 9, at: "nrt-1")
        let fenced = office.said.filter { if case .fenced = $0.message { true } else { false } }
        #expect(fenced.map(\.node.name) == ["fra-1"])
        #expect(fenced.first?.message == .fenced(stream: 0, office.name, newer: 9))
        office.said = []
        // The newest of all, on a node whose clock is behind: it numbers on above what viewers have seen.
        office.carry(.publisher(priority: 0), epoch: 8, at: "iad-1")
        #expect(office.said.first == .init(node: NodeID("iad-1")!, message: .raise(office.name, from: 8, to: 10)))
        #expect(
            office.said.contains(.init(node: NodeID("nrt-1")!, message: .fenced(stream: 0, office.name, newer: 10))))
    }

    @Test("follows the publisher of the highest priority, and has the other number on above it before anybody moves")
    func priorities() throws {
        var office = try Office()
        office.carry(.publisher(priority: 5), epoch: 20, at: "fra-1")
        office.want(at: "nrt-3")
        office.said = []
        office.carry(.publisher(priority: 1), epoch: 7, at: "iad-1")
        #expect(office.said.contains(.init(node: NodeID("iad-1")!, message: .raise(office.name, from: 7, to: 21))))
        #expect(!office.said.contains { if case .fenced = $0.message { true } else { false } })
        office.said = []
        office.carry(.publisher(priority: 1), epoch: 21, at: "iad-1")
        #expect(office.said.isEmpty, "it has done so")
        office.carry(.gone, epoch: 20, at: "fra-1")
        #expect(office.sources == ["iad-1"], "whoever took it from outside is sent there")
        // The better one is back, with a clock that knows nothing of that.
        office.said = []
        office.carry(.publisher(priority: 5), epoch: 15, at: "fra-1")
        let raised = office.said.first
        #expect(raised?.node.name == "fra-1")
        guard case .raise(_, from: 15, let epoch) = raised?.message else {
            Issue.record("\(String(describing: raised))")
            return
        }
        #expect(epoch > 21)
        #expect(office.sources == ["fra-1"])
    }

    @Test("moves what hung on a node that stays away, and nothing else")
    func death() throws {
        var office = try Office()
        office.carry(.publisher(priority: 0), epoch: 7, at: "fra-1")
        office.want(at: "nrt-3")
        let primary = try #require(office.steers(to: "nrt-3").first?.parents.first?.place.node.name)
        office.want(at: "iad-3")
        _ = office.steers(to: "iad-3")
        office.desk.disconnected(NodeID(primary)!, now: 10_000)
        let early = office.desk.tick(now: 10_000 + DispatchDesk.deadAfter - 1)
        #expect(early.isEmpty)
        office.said = office.desk.tick(now: 10_000 + DispatchDesk.deadAfter)
        let steer = try #require(office.steers(to: "nrt-3").first)
        #expect(steer.request == 0)
        #expect(steer.parents.first?.place.node.name != primary)
        let others = office.steers(to: "iad-3")
        #expect(others.isEmpty)
    }

    @Test("that starts anew learns from reports what there is, and moves nothing")
    func rebuild() throws {
        var office = try Office()
        // As no plan of its own would have it: by way of the other IDC.
        office.carry(.publisher(priority: 0), epoch: 7, at: "fra-1")
        office.carry(.child(of: NodeID("fra-1")!), epoch: 7, at: "nrt-2")
        office.carry(.child(of: NodeID("nrt-2")!), epoch: 7, at: "iad-2")
        office.carry(.child(of: NodeID("iad-2")!), epoch: 7, at: "iad-3")
        for time in stride(from: 0, through: DispatchDesk.settleAfter, by: 500) {
            office.said += office.desk.tick(now: time as UInt64)
        }
        #expect(office.said.isEmpty)
        let stream = try #require(office.desk.dispatcher.stream(named: "live/a"))
        let parents = office.desk.dispatcher.tree(of: stream).map { place in
            "\(office.desk.topology[place.node].id)<\(place.parent.map { office.desk.topology[$0].id } ?? "")"
        }
        #expect(Set(parents) == ["fra-1<", "nrt-2<fra-1", "iad-2<nrt-2", "iad-3<iad-2"])
        #expect(office.desk.dispatcher.audit().isEmpty)
    }

    @Test("sends nobody to a node that has never come, until it does")
    func absent() throws {
        var desk = DispatchDesk(try topology(), now: 0)
        for node in ["fra-2", "iad-1"] { _ = desk.connected(NodeID(node)!) }
        _ = desk.tick(now: DispatchDesk.settleAfter)
        let near = Whereabouts.unknown
        let first = desk.placePublisher(near, desk.topology.node(named: "fra-1"))
        #expect(
            first.node.map { desk.topology[$0].id } == "fra-2" || first.node.map { desk.topology[$0].id } == "iad-1")
        _ = desk.connected(NodeID("fra-1")!)
        let second = desk.placePublisher(near, desk.topology.node(named: "fra-1"))
        #expect(second.node.map { desk.topology[$0].id } == "fra-1")
    }

    @Test("has no seat for a node that the topology does not know")
    func stranger() throws {
        var office = try Office()
        let isKnown = office.desk.connected(NodeID("elsewhere")!)
        let answers = office.desk.take(.unwant(office.name), from: NodeID("elsewhere")!)
        #expect(!isKnown && answers.isEmpty)
    }

    @Test("a node near one of its limits is told who else has room, the nearest first, and nobody else is")
    func room() throws {
        var office = try Office()
        func load(_ full: UInt16, cpu: UInt16 = 0) -> RelayMessage {
            .load(Load(kilobitsOut: 0, kilobitsIn: 0, sessions: 0, cpuPermille: cpu, fullPermille: full))
        }
        office.take(load(440), from: "fra-1")
        #expect(office.said.isEmpty)
        // Beyond its own soft mark, draining, and away: none of them has room.
        office.take(load(600), from: "iad-1")
        office.take(.register(Register(roles: .edge, http: "iad-2:8080", isDraining: true)), from: "iad-2")
        office.desk.disconnected(NodeID("nrt-1")!, now: 0)
        office.said = []
        office.take(load(460), from: "fra-1")
        let rooms = office.said.compactMap { if case .room(let room) = $0.message { room } else { nil } }
        #expect(rooms.count == 1 && office.said[0].node.name == "fra-1" && rooms[0].retrySeconds > 0)
        let names = rooms[0].places.map(\.node.name)
        #expect(names == ["fra-2", "fra-3", "iad-3", "nrt-2", "nrt-3"])
        #expect(rooms[0].places[0].http == "fra-2:8080" && rooms[0].places[0].rtmp == "fra-2:1935")
    }
}
