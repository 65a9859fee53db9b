import Testing

@testable import Dispatch

@Suite("The transport of a link")
struct TransportTests {
    private typealias Transport = Topology.Transport

    private static let all = Set(Topology.Transport.allCases)

    @Test("without a word is the safest that both have, then the plainest")
    func best() {
        func best(_ offered: Set<Transport>, _ dialled: Set<Transport> = Self.all) -> TransportChoice? {
            TransportChoice(asked: nil, offered: offered, dialled: dialled)
        }
        #expect(best(Self.all)?.transport == .tls)
        #expect(best(Self.all, [.tcp, .srt])?.transport == .tcp)
        #expect(best([.srt])?.transport == .srt)
        #expect(best([.srt, .tls], [.tcp, .srt])?.transport == .srt)
        #expect(best(Self.all)?.ground == .best && best(Self.all)?.missed == nil)
    }

    @Test("is the one that is asked for where both have it", arguments: Topology.Transport.allCases)
    func asked(_ transport: Topology.Transport) {
        let choice = TransportChoice(asked: transport, offered: Self.all, dialled: Self.all)
        #expect(choice?.transport == transport && choice?.ground == .asked)
        let alone = TransportChoice(asked: transport, offered: [transport], dialled: [transport])
        #expect(alone?.transport == transport)
    }

    @Test("is another that both have where one end lacks it, an encrypted one before what is in the clear")
    func substitutes() {
        func choice(_ asked: Transport, _ offered: Set<Transport>, _ dialled: Set<Transport>) -> TransportChoice? {
            TransportChoice(asked: asked, offered: offered, dialled: dialled)
        }
        #expect(choice(.srt, [.tcp, .tls], Self.all)?.transport == .tls)
        #expect(choice(.srt, [.tcp, .tls], [.tcp, .srt])?.transport == .tcp)
        #expect(choice(.tls, Self.all, [.tcp, .srt])?.transport == .srt)
        #expect(choice(.tcp, [.tls, .srt], Self.all)?.transport == .tls)
        #expect(choice(.srt, [.tcp], Self.all)?.ground == .notOffered(.srt))
        #expect(choice(.tls, Self.all, [.tcp, .srt])?.ground == .notDialled(.tls))
        #expect(choice(.srt, [.tcp], Self.all)?.missed == .srt)
    }

    @Test("is none where the child dials nothing that the parent offers")
    func none() {
        for asked in Transport.allCases as [Transport?] + [nil] {
            #expect(TransportChoice(asked: asked, offered: [.tls], dialled: [.tcp, .srt]) == nil)
            #expect(TransportChoice(asked: asked, offered: [], dialled: Self.all) == nil)
        }
    }

    @Test("belongs to the direction in which streams go: a link's own, then its class's; inside an IDC to the IDC")
    func directions() throws {
        var idcs = Lab.idcs(["a", "b", "c"])
        idcs[2].transport = .tls
        var links = Lab.both("ab", rtt: 20)
        links[0].quality.transport = .srt
        let class1 = Topology.LinkClass(
            name: "rest", from: .idc("c"), latency: .fixed(9), capacity: Mark(100), transport: .tcp)
        let class2 = Topology.LinkClass(name: "others", latency: .fixed(9), capacity: Mark(100))
        let topology = try Topology(
            idcs: idcs, nodes: [Lab.node("a1", .relay)], links: links, classes: [class1, class2])
        func transport(_ from: String, _ to: String) throws -> Transport? {
            topology.transport(
                from: try #require(topology.idc(named: from)), to: try #require(topology.idc(named: to)))
        }
        #expect(try transport("a", "b") == .srt && transport("b", "a") == nil)
        #expect(try transport("c", "a") == .tcp && transport("a", "c") == nil)
        #expect(try transport("c", "c") == .tls && transport("a", "a") == nil)
    }

    @Test("says why it is the one")
    func words() throws {
        let topology = try Topology(
            idcs: Lab.idcs(["a", "b"]), nodes: [Lab.node("a1", .relay), Lab.node("b1", .edge), Lab.node("b2", .edge)],
            links: Lab.both("ab", rtt: 20))
        func words(_ choice: TransportChoice?, _ parent: String, _ child: String) throws -> String {
            try #require(choice).describe(
                from: try #require(topology.node(named: parent)), to: try #require(topology.node(named: child)),
                in: topology)
        }
        let best = TransportChoice(asked: nil, offered: Self.all, dialled: Self.all)
        #expect(try words(best, "a1", "b1") == "tls, the best that both have")
        let asked = TransportChoice(asked: .srt, offered: Self.all, dialled: Self.all)
        #expect(try words(asked, "a1", "b1") == "srt, as the link a to b asks")
        #expect(try words(asked, "b1", "b2") == "srt, as IDC b asks")
        let missing = TransportChoice(asked: .srt, offered: [.tcp], dialled: Self.all)
        #expect(try words(missing, "a1", "b1") == "tcp: the link a to b asks for srt, which a1 does not offer")
        let unknown = TransportChoice(asked: .tls, offered: Self.all, dialled: [.tcp])
        #expect(try words(unknown, "b1", "b2") == "tcp: IDC b asks for tls, which b2 does not dial")
    }
}
