import Testing

@testable import Dispatch

@Suite("Joining")
struct JoinTests {
    @Test("a stream that nobody publishes is refused, and leaves nothing behind")
    func unknown() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.stream("s") ?? StreamIndex(-1)
        #expect(dispatcher.join(stream, at: dispatcher.node("a3")) == .refused(.notPublished))
        #expect(dispatcher.tree(of: stream).isEmpty)
    }

    @Test("an edge in the source's IDC hangs on the source")
    func besideTheSource() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        #expect(dispatcher.parents(stream, at: "a3").first == "a1")
    }

    @Test("edges of an IDC share one parent there: one copy crosses the link")
    func shared() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        let first = dispatcher.parents(stream, at: "b3").first
        let second = dispatcher.parents(stream, at: "b4").first
        #expect(first == second)
        #expect(["b1", "b2"].contains(first))
        #expect(dispatcher.links[dispatcher.pair(0, 1)].fill.planned == 4_000)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a relay that asks for itself takes the stream into its IDC, and edges that follow hang on it")
    func relayFirst() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        #expect(dispatcher.parents(stream, at: "b2").first == "a1")
        #expect(dispatcher.parents(stream, at: "b3").first == "b2")
    }

    @Test("a node that carries the stream already short-cuts the path")
    func shortcut() throws {
        var settings = DispatchSettings()
        settings.weights.delay = 0.1
        var dispatcher = try Lab.triangle(settings: settings)
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        let decision = dispatcher.join(stream, at: dispatcher.node("c1"))
        guard case .route(_, let why) = decision else {
            Issue.record("\(decision)")
            return
        }
        #expect(why.choice == .branch(at: dispatcher.node("b1"), relays: 0))
        #expect(dispatcher.path(stream, to: "c1") == ["a1", "b1", "c1"])
        #expect(why.runnerUp > why.cost.total)
    }

    @Test("where delay weighs more than price the direct link is taken")
    func delayFirst() throws {
        var settings = DispatchSettings()
        settings.weights.millisecondsPerDollar = 10
        var dispatcher = try Lab.triangle(settings: settings)
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        #expect(dispatcher.parents(stream, at: "c1").first == "a1")
    }

    @Test("a node that has its place keeps it")
    func stable() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        let first = dispatcher.join(stream, at: dispatcher.node("c3")).route
        let again = dispatcher.join(stream, at: dispatcher.node("c3"))
        #expect(again == first.map { .route($0, Why(.asked, .carriesAlready)) })
    }

    @Test("a link at its hard mark is not used; one beyond its soft mark only when nothing else is left")
    func fullLinks() throws {
        let nodes = ["a", "b", "c"].map { Lab.node("\($0)1", [.ingest, .relay]) }
        let links =
            Lab.both("ac", rtt: 10, capacity: 10) + Lab.both("ab", rtt: 50, capacity: 16) + Lab.both("bc", rtt: 50)
        var dispatcher = Dispatcher(
            topology: try Topology(idcs: Lab.idcs(["a", "b", "c"]), nodes: nodes, links: links))
        var paths: [Int] = []
        var last: JoinDecision?
        for number in 0..<8 {
            let stream = dispatcher.published("s\(number)", at: "a1")
            last = dispatcher.join(stream, at: dispatcher.node("c1"))
            paths.append(dispatcher.path(stream, to: "c1").count)
        }
        // Two direct (8 of 10), then around until that is beyond its soft mark too, then refused.
        #expect(paths.prefix(2) == [2, 2])
        #expect(paths.filter { $0 == 3 }.count == 4)
        #expect(last == .refused(.noRoom))
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a node that has no room for the stream itself is told what is short")
    func fullNode() throws {
        var dispatcher = try Lab.triangle(capacity: Lab.capacity(10))
        let first = dispatcher.published("one", at: "a1")
        let second = dispatcher.published("two", at: "a2", megabits: 9)
        _ = dispatcher.join(first, at: dispatcher.node("b3"))
        let expected = JoinDecision.refused(.full(dispatcher.node("b3"), .in))
        #expect(dispatcher.join(second, at: dispatcher.node("b3")) == expected)
    }

    @Test("what brings a stream in and is full hands over to a fresh relay of its IDC")
    func fullGateway() throws {
        var dispatcher = try Lab.triangle(capacity: NodeCapacity(out: Mark(20), in: Mark(1_000), sessions: Mark(1_000)))
        let stream = dispatcher.published("s", at: "a1")
        for edge in ["b1", "b3", "b4"] { _ = dispatcher.join(stream, at: dispatcher.node(edge)) }
        dispatcher.setViewers(2, of: stream, at: dispatcher.node("b1"))
        #expect(dispatcher.parents(stream, at: "c3").count > 0)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("an IDC without relays is served too: its first edge takes the stream in, the others hang on it")
    func edgesOnly() throws {
        let nodes = [Lab.node("a1", [.ingest, .relay]), Lab.node("b1", .edge), Lab.node("b2", .edge)]
        var dispatcher = Dispatcher(
            topology: try Topology(idcs: Lab.idcs(["a", "b"]), nodes: nodes, links: Lab.both("ab", rtt: 10)))
        let stream = dispatcher.published("s", at: "a1")
        #expect(dispatcher.parents(stream, at: "b1").first == "a1")
        #expect(dispatcher.parents(stream, at: "b2").first == "b1")
    }

    @Test("an edge that publishes is the source of its tree though it is no relay")
    func edgePublishes() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a3")
        #expect(dispatcher.parents(stream, at: "b1").first == "a3")
        #expect(dispatcher.parents(stream, at: "a4").first == "a3")
    }

    @Test("the hop limit holds, and others move nearer to the source where a join needs it")
    func hopLimit() throws {
        // A chain of cheap links, and dear ones from the source.
        let names = ["a", "b", "c", "d", "e", "f", "g"]
        let nodes = names.map { Lab.node("\($0)1", [.ingest, .relay]) }
        var links: [Topology.Link] = []
        for (one, other) in zip(names, names.dropFirst()) { links += Lab.both(one + other, rtt: 5) }
        for name in names.dropFirst(2) where name != "g" { links += Lab.both("a" + name, rtt: 100, price: 0.5) }
        var dispatcher = Dispatcher(topology: try Topology(idcs: Lab.idcs(names), nodes: nodes, links: links))
        let stream = dispatcher.published("s", at: "a1")
        for name in names.dropFirst() {
            #expect(dispatcher.parents(stream, at: name + "1").count > 0, "\(name)")
            #expect(dispatcher.audit().isEmpty, "\(name)")
        }
        let choices = dispatcher.tree(of: stream).compactMap(\.hops)
        #expect(choices.max() ?? 9 <= dispatcher.settings.hopLimit)
        #expect(dispatcher.tree(of: stream).count == names.count)
    }

    @Test("who leaves frees the relays that served it alone")
    func leaving() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b3"), viewers: 7)
        _ = dispatcher.join(stream, at: dispatcher.node("b4"))
        #expect(dispatcher.leave(stream, at: dispatcher.node("b4")).map { dispatcher.name($0) } == ["b4"])
        let freed = dispatcher.leave(stream, at: dispatcher.node("b3")).map { dispatcher.name($0) }
        #expect(freed.count == 2)
        #expect(dispatcher.tree(of: stream).count == 1)
        #expect(dispatcher.links.allSatisfy { $0.fill.planned == 0 })
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a relay that still has children stays when its own viewers leave")
    func leavingRelay() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        _ = dispatcher.join(stream, at: dispatcher.node("b3"))
        #expect(dispatcher.leave(stream, at: dispatcher.node("b1")).isEmpty)
        #expect(dispatcher.path(stream, to: "b3") == ["a1", "b1", "b3"])
    }

    @Test("a why is rendered with names and numbers")
    func why() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        guard case .route(_, let why) = dispatcher.join(stream, at: dispatcher.node("b3")) else { return }
        let text = why.describe(in: dispatcher.topology)
        #expect(text.hasPrefix("asked: b1 carries the stream in the same IDC; cost "))
    }
}
