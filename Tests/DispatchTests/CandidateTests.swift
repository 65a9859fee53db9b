import Testing

@testable import Dispatch

@Suite("Candidate paths")
struct CandidateTests {
    private func random(_ chance: inout Chance, count: Int) -> (weights: [Double], transit: [Double]) {
        let weights = (0..<count * count).map { number -> Double in
            if number / count == number % count { return 0.5 }
            return Double.random(in: 0..<1, using: &chance) < 0.2 ? .infinity : .random(in: 1...100, using: &chance)
        }
        let transit = (0..<count).map { _ in
            Double.random(in: 0..<1, using: &chance) < 0.1 ? Double.infinity : .random(in: 0...10, using: &chance)
        }
        return (weights, transit)
    }

    /// Every path with at most two between, sorted.
    private func exhaustive(_ weights: [Double], _ transit: [Double], _ count: Int, _ from: Int, _ to: Int) -> [Double]
    {
        func weight(_ one: Int, _ other: Int) -> Double { weights[one * count + other] }
        var costs = [weight(from, to)]
        let between = (0..<count).filter { $0 != from && $0 != to }
        for one in between {
            costs.append(weight(from, one) + transit[one] + weight(one, to))
            for two in between where two != one {
                costs.append(weight(from, one) + transit[one] + weight(one, two) + transit[two] + weight(two, to))
            }
        }
        return costs.filter { $0.isFinite }.sorted()
    }

    @Test("the three best of all paths with at most two IDCs between are found", arguments: 1...20)
    func exact(seed: Int) {
        var chance = Chance(seed: UInt64(seed))
        let count = Int.random(in: 2...9, using: &chance)
        let (weights, transit) = random(&chance, count: count)
        let table = CandidateTable(count: count, weights: weights, transit: transit)
        for from in 0..<count {
            for to in 0..<count where from != to {
                let best = exhaustive(weights, transit, count, from, to).prefix(3)
                let found = (0..<3).map { table.path(from: from, to: to, rank: $0) }.filter(\.exists)
                #expect(found.count == best.count, "seed \(seed)")
                for (one, other) in zip(found, best) { #expect(abs(one.cost - other) < 1e-9, "seed \(seed)") }
            }
        }
    }

    @Test("after any change of one link or relay the table is the one that a fresh reckoning gives", arguments: 1...20)
    func incremental(seed: Int) {
        var chance = Chance(seed: UInt64(seed))
        let count = Int.random(in: 3...10, using: &chance)
        var (weights, transit) = random(&chance, count: count)
        var table = CandidateTable(count: count, weights: weights, transit: transit)
        for step in 0..<60 {
            if step % 6 == 5 {
                let idc = Int.random(in: 0..<count, using: &chance)
                transit[idc] = .infinity
                table.transitRose(idc, to: .infinity)
            } else {
                let from = Int.random(in: 0..<count, using: &chance)
                let to = (from + Int.random(in: 1..<count, using: &chance)) % count
                let weight = Bool.random(using: &chance) ? Double.infinity : .random(in: 1...100, using: &chance)
                weights[from * count + to] = weight
                table.linkChanged(from: from, to: to, weight: weight)
            }
            let fresh = CandidateTable(count: count, weights: weights, transit: transit)
            for from in 0..<count {
                for to in 0..<count where from != to {
                    for rank in 0..<3 {
                        let (kept, new) = (
                            table.path(from: from, to: to, rank: rank), fresh.path(from: from, to: to, rank: rank)
                        )
                        #expect(kept == new, "seed \(seed), step \(step)")
                    }
                }
            }
        }
    }

    @Test("a path over a link that loses too much is out at once, and what hung on it moves")
    func lossy() throws {
        var dispatcher = try Lab.triangle()
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("b1"))
        #expect(dispatcher.path(stream, to: "b1") == ["a1", "b1"])
        let seen = NodeReport.Measurement(peer: dispatcher.node("a1"), rtt: 20, loss: 0.3)
        let replan = dispatcher.take(NodeReport(node: dispatcher.node("b1"), measurements: [seen]))
        #expect(replan.moves.map { dispatcher.name($0.node) }.contains("b1"))
        #expect(dispatcher.path(stream, to: "b1").count == 3)
        #expect(dispatcher.candidatePaths(from: dispatcher.idc("a"), to: dispatcher.idc("b")).count == 1)
        #expect(dispatcher.audit().isEmpty)
    }

    @Test("a path through an IDC whose last relay died is out at once")
    func deadRelays() throws {
        var dispatcher = try Lab.triangle()
        let paths = { (dispatcher: Dispatcher) in
            dispatcher.candidatePaths(from: dispatcher.idc("a"), to: dispatcher.idc("c")).map(\.relays)
        }
        #expect(paths(dispatcher).contains([dispatcher.idc("b")]))
        _ = dispatcher.nodeDied(dispatcher.node("b1"))
        #expect(paths(dispatcher).contains([dispatcher.idc("b")]))
        _ = dispatcher.nodeDied(dispatcher.node("b2"))
        #expect(!paths(dispatcher).contains([dispatcher.idc("b")]))
        dispatcher.nodeReturned(dispatcher.node("b2"))
        #expect(paths(dispatcher).contains([dispatcher.idc("b")]))
    }

    @Test("relays in reserve carry nothing until every candidate path is out")
    func reserve() throws {
        let nodes = [
            Lab.node("a1", [.ingest, .relay]), Lab.node("b1", .relay), Lab.node("r1", .reserve), Lab.node("c1", .relay),
        ]
        let links = Lab.both("ab", rtt: 50) + Lab.both("bc", rtt: 50) + Lab.both("ar", rtt: 5) + Lab.both("rc", rtt: 5)
        var dispatcher = Dispatcher(
            topology: try Topology(idcs: Lab.idcs(["a", "b", "c", "r"]), nodes: nodes, links: links))
        let stream = dispatcher.published("s", at: "a1")
        _ = dispatcher.join(stream, at: dispatcher.node("c1"))
        #expect(dispatcher.path(stream, to: "c1") == ["a1", "b1", "c1"])
        let replan = dispatcher.nodeDied(dispatcher.node("b1"))
        #expect(dispatcher.path(stream, to: "c1") == ["a1", "r1", "c1"])
        #expect(replan.moves.last?.why.choice == .lastResort(relays: 1))
        #expect(dispatcher.audit().isEmpty)
    }
}
