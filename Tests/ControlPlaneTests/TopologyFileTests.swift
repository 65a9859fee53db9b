/// What a topology file says comes out as the topology that it means, and the files that users get are sound.
import Configuration
import Dispatch
import Testing

@testable import ControlPlane

@Suite("A topology file")
struct TopologyFileTests {
    static let conf =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/conf/"

    static let small = """
        idcs: [{id: a, region: eu, latitude: 50, longitude: -8.5}, {id: b, region: us, latitude: 39, longitude: -77}]
        nodes: [{id: a1, idc: a, capacity: {out: 8Gbit}}]

        """

    static func parse(_ yaml: String) throws -> Topology {
        try TopologyFile.parse(yaml: Array(yaml.utf8), file: "t.yaml")
    }

    private func link(_ topology: Topology, _ from: String, _ to: String) throws -> Topology.LinkQuality? {
        topology.link(from: try #require(topology.idc(named: from)), to: try #require(topology.idc(named: to)))
    }

    @Test("that is annotated for the operator loads: three IDCs, nine nodes, a link for every pair")
    func annotated() throws {
        let topology = try TopologyFile.load(Self.conf + "topology.yaml")
        #expect(topology.idcs.map(\.id) == ["fra", "iad", "sin"])
        #expect(topology.idcs[0].timeZone == "Europe/Berlin")
        #expect(topology.nodes.count == 9)
        let first = topology.nodes[0]
        #expect(first.roles == [.ingest, .relay])
        let host = "fra-1.example.net"
        #expect(first.addresses == ["\(host):1937", "\(host):1935", "\(host):8080", "srt://\(host):1939"])
        #expect(
            TopologyFile.Addresses(of: first).relay == [
                Remote(host: host, port: 1937), Remote(host: host, port: 1939, over: .srt),
            ])
        #expect(first.capacity.out == Mark(soft: 6_000, hard: 8_000))
        #expect(first.capacity.in == Mark(4_000))
        #expect(first.capacity.sessions == Mark(20_000))
        #expect(first.capacity.cpu == Mark(0.9))
        let leased = try #require(try link(topology, "iad", "fra"))
        #expect(leased.capacity == Mark(20_000) && leased.rtt == 88 && leased.loss == 0.0001)
        #expect(leased.price == Price(perMegabit: 0.5))
        #expect(try link(topology, "fra", "sin")?.price == Price(perGigabyte: 0.02))
        #expect(try link(topology, "sin", "fra")?.price == Price(perGigabyte: 0.09))
        #expect(try link(topology, "iad", "sin")?.loss == 0.0005)
        #expect(try link(topology, "iad", "sin")?.transport == .srt && link(topology, "sin", "iad")?.transport == .srt)
        #expect(leased.transport == nil)
        #expect(
            topology.quotas == [
                QuotaScope(app: "live"): Quota(
                    viewers: Mark(50_000), out: Mark(soft: 30_000, hard: 40_000), publishers: Mark(200)),
                QuotaScope(app: "live", stream: "final"): Quota(viewers: Mark(soft: 18_000, hard: 20_000)),
            ])
    }

    @Test("with quotas: an application may have slashes, as in a stream's name")
    func quotas() throws {
        let yaml = "quotas: [{app: a/b, viewers: 1}, {stream: a/b/c, out: 500kbit}, {stream: live/x, viewers: 7}]\n"
        let topology = try Self.parse(Self.small + yaml)
        #expect(
            topology.quotas == [
                QuotaScope(app: "a/b"): Quota(viewers: Mark(1)),
                QuotaScope(app: "a/b", stream: "c"): Quota(out: Mark(0.5)),
                QuotaScope(app: "live", stream: "x"): Quota(viewers: Mark(7)),
            ])
        #expect(topology.isSameNetwork(as: try Self.parse(Self.small)))
        let more = "nodes: [{id: a1, idc: a, capacity: {out: 9Gbit}}]\nidcs: [{id: a}]"
        #expect(!topology.isSameNetwork(as: try Self.parse(more)))
    }

    @Test("of the clouds loads, with measured round trips and prices per direction")
    func clouds() throws {
        let topology = try TopologyFile.load(Self.conf + "topologies/clouds.yaml")
        #expect(topology.idcs.count == 20 && topology.nodes.count == 40)
        for from in topology.idcs {
            for to in topology.idcs where from.id != to.id {
                let link = try #require(try link(topology, from.id, to.id), "\(from.id) to \(to.id)")
                #expect(link.rtt > 0.5 && link.rtt < 500 && link.price.perGigabyte > 0)
            }
        }
        let away = try #require(try link(topology, "aws-eu-central-1", "azure-eastus"))
        #expect(away.rtt == 88.7 && away.price == Price(perGigabyte: 0.09))
    }

    @Test("of the cities loads, with round trips from their coordinates")
    func cities() throws {
        let topology = try TopologyFile.load(Self.conf + "topologies/cities.yaml")
        #expect(topology.idcs.count == 213 && topology.nodes.count == 213)
        let rtt = try #require(try link(topology, "London", "Paris")).rtt
        #expect(rtt > 4 && rtt < 12)
    }

    @Test("needs little; the rest has defaults")
    func defaults() throws {
        let topology = try Self.parse(Self.small + "links:\nclasses: [{name: any, capacity: 1Gbit}]\n")
        #expect(topology.nodes[0].roles == [.ingest, .relay, .edge])
        #expect(topology.nodes[0].addresses == [])
        let capacity = topology.nodes[0].capacity
        #expect(capacity == NodeCapacity(out: Mark(8_000), in: Mark(8_000), sessions: Mark(100_000)))
        let places = topology.idcs.compactMap(\.coordinates)
        let rtt = places[0].fibreRTT(to: places[1]) * 2 + 2
        #expect(try link(topology, "a", "b") == Topology.LinkQuality(capacity: Mark(1_000), rtt: rtt))
        #expect(try link(try Self.parse(Self.small), "a", "b") == nil)
    }

    @Test("keeps a node's addresses apart, the relay port's first, whichever are given")
    func addresses() throws {
        let yaml = """
            idcs: [{id: a}]
            nodes:
              - {id: n1, idc: a, capacity: {out: 1Gbit}, rtmp: "[2001:db8::1]:1935"}
              - {id: n2, idc: a, capacity: {out: 1Gbit}, relay: "192.0.2.7:1937", http: "n2.example.net:80"}
            """
        let nodes = try Self.parse(yaml).nodes
        #expect(nodes[0].addresses == ["", "[2001:db8::1]:1935", ""])
        let first = TopologyFile.Addresses(of: nodes[0])
        #expect(first == TopologyFile.Addresses(rtmp: Remote(host: "2001:db8::1", port: 1935)))
        let second = TopologyFile.Addresses(of: nodes[1])
        #expect(second.relay == [Remote(host: "192.0.2.7", port: 1937)] && second.rtmp == nil)
        #expect(second.http == Remote(host: "n2.example.net", port: 80))
    }

    @Test(
        "writes rates in four units",
        arguments: [("500kbit", 0.5), ("1Mbit", 1), ("2.5Gbit", 2_500), ("1Tbit", 1e6), ("40 Gbit", 40_000)])
    func rates(text: String, megabits: Double) throws {
        #expect(try TopologyFile.Kind<Double>.rate.read(text) == megabits)
    }

    @Test(
        "writes classes of links by region, by IDC, in one direction or in both",
        arguments: [
            ("from: region eu, to: region us", true, false), ("from: idc b", false, true),
            ("from: region eu, to: idc b, both: true", true, true), ("from: region eu, to: region eu", false, false),
        ])
    func classes(scope: String, there: Bool, back: Bool) throws {
        let yaml = "classes: [{name: x, \(scope), capacity: 1Gbit, rtt: 1.5s, loss: 57%, price_per_gb: 0.01}]\n"
        let topology = try Self.parse(Self.small + yaml)
        let quality = Topology.LinkQuality(
            capacity: Mark(1_000), rtt: 1_500, loss: 0.57, price: Price(perGigabyte: 0.01))
        #expect(try link(topology, "a", "b") == (there ? quality : nil))
        #expect(try link(topology, "b", "a") == (back ? quality : nil))
    }

    @Test("says what links, classes and IDCs talk over, for each direction; without a word it is left open")
    func transports() throws {
        let yaml = """
            idcs: [{id: a, transport: tls}, {id: b}, {id: c}]
            nodes: [{id: a1, idc: a, capacity: {out: 8Gbit}}]
            links: [{from: a, to: b, capacity: 1Gbit, rtt: 5ms, transport: srt}]
            classes:
              - {name: back, from: idc b, to: idc a, rtt: 5ms, capacity: 1Gbit}
              - {name: any, rtt: 5ms, capacity: 1Gbit, transport: tcp}
            """
        let topology = try Self.parse(yaml)
        func transport(_ from: String, _ to: String) throws -> Topology.Transport? {
            topology.transport(
                from: try #require(topology.idc(named: from)), to: try #require(topology.idc(named: to)))
        }
        #expect(try transport("a", "b") == .srt && transport("b", "a") == nil && transport("b", "c") == .tcp)
        #expect(try transport("a", "a") == .tls && transport("b", "b") == nil)
    }

    @Test("derives round trips with a factor and a base of its own")
    func greatCircle() throws {
        let yaml = "classes: [{name: x, capacity: {hard: 1Gbit}, rtt: great_circle 1.6 3ms}]\n"
        let topology = try Self.parse(Self.small + yaml)
        let places = topology.idcs.compactMap(\.coordinates)
        #expect(try link(topology, "a", "b")?.rtt == places[0].fibreRTT(to: places[1]) * 1.6 + 3)
    }

    @Test("that is annotated shows every key, and keeps to 120 columns")
    func showsEveryKey() throws {
        let text = String(decoding: try TopologyFile.contents(of: Self.conf + "topology.yaml"), as: UTF8.self)
        for line in text.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
        // Each map's keys, as the reader lists them for a word that is like none of them.
        let yaml = """
            unheard: 0
            idcs: [{unheard: 0}]
            nodes: [{unheard: 0, capacity: {unheard: 0, out: {unheard: 0}}}]
            links: [{unheard: 0}]
            classes: [{unheard: 0}]
            quotas: [{unheard: 0}]
            """
        let marker = "unheard: unknown key; the keys here are "
        let lists = TopologyFileRefusalTests.problems(yaml).filter { $0.contains(marker) }
        #expect(lists.count == 8)
        for list in lists {
            let keys = list.suffix(from: try #require(list.firstIndex(of: ";"))).dropFirst("; the keys here are ".count)
            for key in keys.split(separator: ", ") { #expect(text.contains("\(key):"), "\(key)") }
        }
    }
}
