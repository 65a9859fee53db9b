import Testing

@testable import Dispatch

@Suite("Topology")
struct TopologyTests {
    @Test("every mistake is named with its item, all at once")
    func mistakes() {
        var narrow = Lab.capacity()
        narrow.out = Mark(soft: 9, hard: 5)
        let nodes = [
            Lab.node("a1", .edge), Lab.node("a1", .edge), Lab.node("z1", .edge), Lab.node("a2", .edge, narrow),
            Topology.Node(id: "", idc: "a", roles: .edge, capacity: Lab.capacity()),
        ]
        let idcs = Lab.idcs(["a"]) + [Topology.IDC(id: "b", coordinates: Coordinates(latitude: 99, longitude: 0))]
        let links = Lab.both("ab", rtt: -1) + Lab.both("ay", rtt: 1) + Lab.both("aa", rtt: 1)
        let error = #expect(throws: TopologyError.self) { try Topology(idcs: idcs, nodes: nodes, links: links) }
        let problems = error?.problems ?? []
        #expect(problems.contains(.duplicate(what: "node", name: "a1")))
        #expect(problems.contains(.unknownIDC(in: "node \"z1\"", idc: "z")))
        #expect(problems.contains(.softAboveHard(item: "node \"a2\"", field: "capacity.out", soft: 9, hard: 5)))
        #expect(problems.contains(.unnamed(what: "node", position: 4)))
        #expect(problems.contains(.unknownIDC(in: "link \"a\" to \"y\"", idc: "y")))
        #expect(problems.contains(.sameEnds(idc: "a")))
        let text = error?.description ?? ""
        #expect(text.contains("IDC \"b\": latitude is 99.0; it must be -90 to 90 degrees"))
        #expect(text.contains("link \"a\" to \"b\": rtt is -1.0"))
    }

    @Test("a number that is none is refused")
    func notANumber() {
        let links = Lab.both("ab", rtt: .nan)
        #expect(throws: TopologyError.self) {
            try Topology(idcs: Lab.idcs(["a", "b"]), nodes: [Lab.node("a1", .edge)], links: links)
        }
        var odd = Lab.capacity()
        odd.sessions = Mark(.nan)
        #expect(throws: TopologyError.self) {
            try Topology(idcs: Lab.idcs(["a"]), nodes: [Lab.node("a1", .edge, odd)])
        }
    }

    @Test("a network without nodes, or with too many IDCs, is refused")
    func sizes() {
        #expect(throws: TopologyError(problems: [.empty])) { try Topology(idcs: Lab.idcs(["a"]), nodes: []) }
        let names = (0...Topology.idcLimit).map { "i\($0)" }
        #expect(throws: TopologyError.self) { try Topology(idcs: Lab.idcs(names), nodes: [Lab.node("a1", .edge)]) }
    }

    @Test("the distance between two places is that of the great circle")
    func distances() {
        let london = Coordinates(latitude: 51.5074, longitude: -0.1278)
        let paris = Coordinates(latitude: 48.8566, longitude: 2.3522)
        let sydney = Coordinates(latitude: -33.8688, longitude: 151.2093)
        #expect(abs(london.kilometres(to: paris) - 343.56) < 0.5)
        #expect(abs(london.kilometres(to: sydney) - 16_993.9) < 5)
        #expect(london.kilometres(to: london) == 0)
        let north = Coordinates(latitude: 90, longitude: 0)
        let south = Coordinates(latitude: -90, longitude: 0)
        #expect(abs(north.kilometres(to: south) - .pi * Coordinates.earthKilometres) < 1e-6)
    }

    @Test("a pair without a link of its own takes the first class that fits, its round trip from the coordinates")
    func classes() throws {
        let idcs = [
            Topology.IDC(id: "a", region: "eu", coordinates: Coordinates(latitude: 51.5, longitude: -0.1)),
            Topology.IDC(id: "b", region: "eu", coordinates: Coordinates(latitude: 48.9, longitude: 2.4)),
            Topology.IDC(id: "c", region: "us", coordinates: Coordinates(latitude: 40.7, longitude: -74)),
        ]
        let near = Topology.LinkClass(
            name: "europe", from: .region("eu"), to: .region("eu"), latency: .greatCircle(factor: 2, base: 1),
            capacity: Mark(10))
        let far = Topology.LinkClass(name: "world", latency: .fixed(99), capacity: Mark(5))
        let topology = try Topology(
            idcs: idcs, nodes: [Lab.node("a1", .relay)], links: Lab.both("ac", rtt: 70), classes: [near, far])
        func rtt(_ from: Int, _ to: Int) -> Double {
            topology.link(from: IDCIndex(from), to: IDCIndex(to))?.rtt ?? -1
        }
        #expect(abs(rtt(0, 1) - (340 / 102 * 2 + 1)) < 0.3)
        #expect(rtt(0, 2) == 70)
        #expect(rtt(1, 2) == 99)
        #expect(topology.link(from: IDCIndex(0), to: IDCIndex(0)) == nil)
    }

    @Test("a class that needs coordinates names the IDC that has none, once")
    func missingCoordinates() {
        let world = Topology.LinkClass(name: "world", latency: .greatCircle(), capacity: Mark(5))
        let expected = TopologyError(problems: [
            .noCoordinates(idc: "a", linkClass: "world"), .noCoordinates(idc: "b", linkClass: "world"),
        ])
        #expect(throws: expected) {
            try Topology(
                idcs: Lab.idcs(["a", "b"]), nodes: [Lab.node("a1", .relay)], links: [], classes: [world])
        }
    }
}
