import Testing

@testable import Dispatch

@Suite("Backups")
struct BackupTests {
    @Test("a backup shares neither node nor link with the primary")
    func disjoint() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        let route = try #require(dispatcher.join(stream, at: NodeIndex(4)).route)
        let backup = try #require(route.parents.dropFirst().first)
        #expect(backup.shared == 0)
        #expect(dispatcher.topology[dispatcher.topology.idc(of: backup.node)].id == "c")
        #expect(backup.path.first == dispatcher.node("a1"))
    }

    @Test("edges of an IDC fall back on the same spare relay of the IDC")
    func sameSpare() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        let one = dispatcher.parents(stream, at: "b3")
        let other = dispatcher.parents(stream, at: "b4")
        #expect(one == other)
        #expect(one.count >= 2)
        #expect(Set(one.prefix(2)) == ["b1", "b2"])
    }

    @Test("streams choose different spares")
    func spread() throws {
        let nodes =
            [Lab.node("a1", [.ingest, .relay]), Lab.node("b9", .edge)] + (1...4).map { Lab.node("b\($0)", .relay) }
        let links = Lab.both("ab", rtt: 10)
        var dispatcher = Dispatcher(topology: try Topology(idcs: Lab.idcs(["a", "b"]), nodes: nodes, links: links))
        var seen: Set<String> = []
        for number in 0..<40 {
            let stream = dispatcher.published("s\(number)", at: "a1")
            let parents = dispatcher.parents(stream, at: "b9")
            if parents.count > 1 { seen.insert(parents[1]) }
        }
        #expect(seen.count >= 3)
    }

    @Test("where no way is apart from the primary, what shares least stands in")
    func onlyLink() throws {
        let nodes = [
            Lab.node("a1", [.ingest, .relay]), Lab.node("b1", .relay), Lab.node("b2", .relay), Lab.node("b3", .edge),
        ]
        var dispatcher = Dispatcher(
            topology: try Topology(idcs: Lab.idcs(["a", "b"]), nodes: nodes, links: Lab.both("ab", rtt: 10)))
        let stream = dispatcher.published("s", at: "a1")
        let route = try #require(dispatcher.join(stream, at: NodeIndex(3)).route)
        #expect(route.parents.count >= 2)
        #expect(route.parents[1].shared == 1)
        #expect(route.parents[1].node != route.parents[0].node)
    }

    /// Whether a way from the source over IDCs that do not carry the stream is apart from the primary.
    private func isPossible(_ dispatcher: Dispatcher, _ stream: Int, _ route: Route) -> Bool {
        let tree = dispatcher.trees[stream]
        let primary = route.parents[0].path.map { $0.position } + [route.node.position]
        let idcs = primary.map { dispatcher.nodes[$0].idc }
        let used = Set(zip(idcs, idcs.dropFirst()).filter { $0 != $1 }.map { [$0, $1] })
        let (start, end) = (idcs[0], idcs[idcs.count - 1])
        guard start != end else { return false }
        let height = tree.member(at: route.node.position).map { tree.height(of: $0) } ?? 0
        let isInside = idcs[idcs.count - 2] == end
        func relays(_ idc: Int) -> [Int] {
            dispatcher.relaysOfIDC[idc].filter { node in
                dispatcher.nodes[node].isOrdinaryRelay && tree.member(at: node) == nil && node != route.node.position
            }
        }
        let head = isInside && !relays(end).isEmpty ? 1 : 0
        func isOpen(_ path: [Int]) -> Bool {
            guard path.count - 1 + head + height <= dispatcher.settings.hopLimit else { return false }
            return zip(path, path.dropFirst()).allSatisfy { from, to in
                dispatcher.links[dispatcher.pair(from, to)].isUsable && !used.contains([from, to])
            }
        }
        let between = dispatcher.topology.idcs.indices.filter {
            $0 != start && $0 != end && !tree.isCarried(in: $0) && !relays($0).isEmpty
        }
        if isOpen([start, end]) { return true }
        for one in between {
            if isOpen([start, one, end]) { return true }
            for two in between where two != one && isOpen([start, one, two, end]) { return true }
        }
        return false
    }

    @Test(
        "on random networks backups keep their promises, and are apart from the primary where that can be",
        arguments: 3_000..<3_100)
    func random(seed: Int) throws {
        var run = try FaultTests.Run(seed: seed, tight: false)
        for _ in 0..<40 { _ = run.step() }
        for stream in run.streams {
            for place in run.dispatcher.tree(of: stream) where place.hops ?? 0 > 0 {
                guard let route = run.dispatcher.route(of: stream, at: place.node) else { continue }
                let primary = try #require(route.parents.first)
                #expect(primary.node == place.parent, "seed \(seed)")
                let source = try #require(primary.path.first)
                for (number, parent) in route.parents.enumerated() {
                    #expect(parent.path.first == source, "seed \(seed)")
                    #expect(!parent.path.contains(route.node), "seed \(seed): \(parent)")
                    #expect(Set(parent.path).count == parent.path.count, "seed \(seed): \(parent)")
                    guard number > 0 else { continue }
                    #expect(primary.node == source || !parent.path.contains(primary.node), "seed \(seed): \(parent)")
                    #expect(route.parents[number - 1].shared <= parent.shared, "seed \(seed)")
                }
                guard primary.path.count > 1 || place.hops == 1 else { continue }
                let isApart = route.parents.dropFirst().contains { $0.shared == 0 }
                if !isApart, isPossible(run.dispatcher, stream.position, route) {
                    Issue.record("seed \(seed): \(route) has no backup apart from the primary")
                }
            }
        }
    }

    @Test("two children of a dead parent never fall back on each other", arguments: 4_000..<4_040)
    func noCircles(seed: Int) throws {
        var run = try FaultTests.Run(seed: seed, tight: false)
        for _ in 0..<40 { _ = run.step() }
        for stream in run.streams {
            let tree = run.dispatcher.tree(of: stream)
            for place in tree where place.hops ?? 0 > 1 {
                guard let route = run.dispatcher.route(of: stream, at: place.node) else { continue }
                let siblings = Set(tree.filter { $0.parent == place.parent }.map(\.node))
                for backup in route.parents.dropFirst() {
                    #expect(siblings.isDisjoint(with: backup.path), "seed \(seed): \(route)")
                }
            }
        }
    }
}
