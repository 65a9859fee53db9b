/// Which of a parent's addresses a child is given, and what the file says of it.
import Configuration
import Dispatch
import HTTP
import RelayProtocol
import Testing

@testable import ControlPlane

/// Two IDCs that publish, one that watches. Streams from `far` come over SRT, from `near` over TLS, inside `edge` over
/// plain TCP.
private let network = """
    idcs: [{id: far}, {id: near}, {id: edge, transport: tcp}]
    nodes:
      - {id: far-1, idc: far, roles: [ingest, relay], capacity: {out: 1Gbit}}
      - {id: near-1, idc: near, roles: [ingest, relay], capacity: {out: 1Gbit}}
      - {id: edge-1, idc: edge, roles: [relay, edge], capacity: {out: 1Gbit}}
      - {id: edge-2, idc: edge, roles: edge, capacity: {out: 1Gbit}}
    links:
      - {from: far, to: near, both: true, capacity: 1Gbit, rtt: 5ms}
    classes:
      - {name: long, from: idc far, rtt: 90ms, capacity: 1Gbit, transport: srt}
      - {name: short, from: idc near, rtt: 80ms, capacity: 1Gbit, transport: tls}
      - {name: rest, rtt: 90ms, capacity: 1Gbit}
    """

/// A desk whose nodes have all said the same of their ports, unless told otherwise.
private struct Bureau {
    var desk: DispatchDesk
    let name = RelayStreamName(app: "live", name: "a")!

    init(_ registers: [String: Register] = [:], yaml: String = network) throws {
        desk = DispatchDesk(try TopologyFile.parse(yaml: Array(yaml.utf8), file: "t.yaml"), now: 0)
        for node in desk.topology.nodes {
            let id = NodeID(node.id)!
            let isKnown = desk.connected(id)
            #expect(isKnown)
            _ = desk.take(.register(registers[node.id] ?? Bureau.register(node.id)), from: id)
        }
    }

    static func register(
        _ node: String, _ transports: [String] = ["tls", "tcp", "srt"], dials: RelayTransports = .all
    ) -> Register {
        let relays = transports.map { ($0 == "tcp" ? "" : "\($0)://") + "\(node):1937" }
        return Register(roles: [.ingest, .relay, .edge], relays: relays, dials: dials)
    }

    mutating func publish(at node: String, epoch: UInt64 = 7, priority: UInt16 = 0) {
        let carried = Carried(name: name, epoch: epoch, role: .publisher(priority: priority), kilobits: 2_000)
        _ = desk.take(.carry(Carry(isWhole: false, streams: [carried])), from: NodeID(node)!)
    }

    /// The addresses of a node's parents by their ids, and why.
    mutating func ask(at node: String) throws -> (parents: [String: String], order: [String], why: String) {
        let out = desk.take(.want(Want(request: 1, name: name)), from: NodeID(node)!)
        let steers = out.compactMap { if case .steer(let steer) = $0.message { steer } else { nil } }
        let steer = try #require(steers.first)
        let pairs = steer.parents.map { ($0.place.node.name, $0.place.address) }
        return (Dictionary(uniqueKeysWithValues: pairs), pairs.map(\.0), steer.why)
    }
}

@Suite("The transports of routes")
struct TransportTests {
    @Test("parents of one stream are dialled over the transport of the link to each")
    func mixed() throws {
        var bureau = try Bureau()
        bureau.publish(at: "far-1")
        let answer = try bureau.ask(at: "edge-1")
        #expect(answer.parents["far-1"] == "srt://far-1:1937")
        #expect(answer.parents["near-1"] == "tls://near-1:1937", "the backup comes over its own link")
        #expect(try bureau.ask(at: "edge-2").parents["edge-1"] == "edge-1:1937", "inside the IDC")
        #expect(try bureau.ask(at: "near-1").parents["far-1"] == "tls://far-1:1937", "nothing asked: the best")
        #expect(bureau.desk.takeSubstitutions().isEmpty)
    }

    @Test("a parent without the wanted transport is dialled over another, which the why and the log tell once")
    func fallback() throws {
        var bureau = try Bureau(["far-1": Bureau.register("far-1", ["tls", "tcp"])])
        bureau.publish(at: "far-1")
        let answer = try bureau.ask(at: "edge-1")
        #expect(answer.parents["far-1"] == "tls://far-1:1937")
        #expect(answer.why.hasSuffix("; tls: the link far to edge asks for srt, which far-1 does not offer"))
        #expect(bureau.desk.takeSubstitutions().map(\.choice.missed) == [.srt])
        _ = try bureau.ask(at: "edge-1")
        #expect(bureau.desk.takeSubstitutions().isEmpty)
    }

    @Test("a child without certificates is sent to no TLS port")
    func dials() throws {
        var bureau = try Bureau([
            "near-1": Bureau.register("near-1", ["tls"]),
            "edge-1": Bureau.register("edge-1", dials: [.tcp, .srt]),
        ])
        bureau.publish(at: "far-1")
        let answer = try bureau.ask(at: "edge-1")
        #expect(answer.order == ["far-1"] && answer.parents["far-1"] == "srt://far-1:1937")
        #expect(answer.why.contains("; near-1 offers nothing that edge-1 dials: give one of them tls.certificates"))
    }

    @Test("a node of the first version registers one address and is dialled there")
    func oldNode() throws {
        var bureau = try Bureau([
            "far-1": Register(roles: .relay, relays: ["far-1:1937"]), "edge-1": Register(roles: .edge, relays: []),
        ])
        bureau.publish(at: "far-1")
        let answer = try bureau.ask(at: "edge-1")
        #expect(answer.parents == ["far-1": "far-1:1937", "near-1": "tls://near-1:1937"])
        #expect(answer.why.contains("asks for srt, which far-1 does not offer"))
    }

    @Test("an address of a transport that is not known here is passed over")
    func unknownTransport() throws {
        var bureau = try Bureau(["far-1": Register(roles: .relay, relays: ["quic://far-1:1", "srt://far-1:2"])])
        bureau.publish(at: "far-1")
        #expect(try bureau.ask(at: "edge-1").parents["far-1"] == "srt://far-1:2")
    }

    @Test("a node that says nothing of its ports is dialled where the file says")
    func fileAddresses() throws {
        let yaml = network.replacing(
            "{id: far-1, idc: far,", with: "{id: far-1, idc: far, relay: [\"f:1\", \"srt://f:2\"],")
        var bureau = try Bureau(["far-1": Register(roles: .relay)], yaml: yaml)
        bureau.publish(at: "far-1")
        #expect(try bureau.ask(at: "edge-1").parents["far-1"] == "srt://f:2")
        #expect(try bureau.ask(at: "near-1").parents["far-1"] == "f:1")
    }

    @Test("a planned move tells the address for the new link")
    func moved() throws {
        var bureau = try Bureau()
        bureau.publish(at: "far-1")
        _ = try bureau.ask(at: "edge-1")
        let carried = Carried(name: bureau.name, epoch: 9, role: .publisher(priority: 3), kilobits: 2_000)
        let out = bureau.desk.take(.carry(Carry(isWhole: false, streams: [carried])), from: NodeID("near-1")!)
        let steers = out.filter { $0.node.name == "edge-1" }.compactMap {
            if case .steer(let steer) = $0.message { steer } else { nil }
        }
        #expect(steers.first?.parents.first?.place.address == "tls://near-1:1937")
    }

    @Test(
        "mistakes in the file are told with their line and key",
        arguments: [
            (
                "idcs", "{id: c, transport: quic}",
                "idcs[0].transport: \"quic\" is no transport; write one of tcp, tls, "
            ),
            ("idcs", "{id: c, transport: TLS}", "idcs[0].transport: \"TLS\" is no transport; did you mean tls?"),
            (
                "idcs", "{id: c, transport: }",
                "idcs[0].transport: has no value; give it a transport: tcp, tls, srt, or "
            ),
            (
                "links", "{from: a, to: b, capacity: 1Gbit, rtt: 1ms, transport: srtt}",
                "links[0].transport: \"srtt\" is no transport; did you mean srt?"
            ),
            (
                "links", "{from: a, to: b, capacity: 1Gbit, rtt: 1ms, transport: [tls, srt]}",
                "links[0].transport: takes one value, not a list; write a transport: tcp, tls, srt"
            ),
            (
                "classes", "{name: x, capacity: 1Gbit, rtt: 1ms, transport: udp}",
                "classes[0].transport: \"udp\" is no transport; write one of tcp, tls, srt, or leave it out for the best "
            ),
            (
                "nodes", "{id: n, idc: a, relay: [\"h:1\", \"h:2\"], capacity: {out: 1Gbit}}",
                "nodes[0].relay: lists two addresses over tcp; keep one, and put tls:// or srt:// before what is another"
            ),
            (
                "nodes", "{id: n, idc: a, relay: [\"h:1\", \"srt:/h:2\"], capacity: {out: 1Gbit}}",
                "nodes[0].relay[1]: \"srt:/h:2\" is not an address; write HOST:PORT"
            ),
        ])
    func mistakes(list: String, item: String, problem: String) {
        var yaml = TopologyFileTests.small
        if list == "nodes" || list == "idcs" {
            yaml = yaml.split(separator: "\n").filter { !$0.hasPrefix(list) }.joined(separator: "\n") + "\n"
            yaml = "# one\n" + yaml
        }
        let found = TopologyFileRefusalTests.problems(yaml + "\(list): [\(item)]\n")
        #expect(found.contains { $0.hasPrefix("t.yaml:3: " + problem) }, "\(found)")
    }
}
