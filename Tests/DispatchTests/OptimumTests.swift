import Testing

@testable import Dispatch

/// Against the exact optimum of small networks, found by trying every tree.
@Suite("Against the optimum")
struct OptimumTests {
    /// What the trees are judged by: the price of every link that carries the stream, and the delay to every IDC that
    /// wants it.
    private struct Instance {
        let dispatcher: Dispatcher
        let source: Int
        let wanted: [Int]

        var count: Int { dispatcher.topology.idcs.count }

        func delay(_ from: Int, _ to: Int) -> Double {
            dispatcher.links[from * count + to].quality
                + dispatcher.settings.weights.delay * dispatcher.settings.weights.hop
        }

        func price(_ from: Int, _ to: Int) -> Double { dispatcher.links[from * count + to].price }

        /// The cost of the tree where each IDC hangs below `parents` (-1: not in it); nil when it is none.
        func cost(_ parents: [Int]) -> Double? {
            var sum = 0.0
            for idc in 0..<count where parents[idc] >= 0 {
                guard dispatcher.links[parents[idc] * count + idc].exists else { return nil }
                guard idc != source else { return nil }
                sum += price(parents[idc], idc)
            }
            for idc in wanted where idc != source {
                var here = idc
                var steps = 0
                while here != source {
                    let parent = parents[here]
                    guard parent >= 0, steps < count else { return nil }
                    sum += delay(parent, here)
                    here = parent
                    steps += 1
                }
            }
            return sum
        }

        func optimum() -> Double {
            var best = Double.infinity
            var parents = [Int](repeating: -1, count: count)
            func descend(_ idc: Int) {
                guard idc < count else {
                    if let cost = cost(parents), cost < best { best = cost }
                    return
                }
                if idc == source { return descend(idc + 1) }
                if !wanted.contains(idc) {
                    parents[idc] = -1
                    descend(idc + 1)
                }
                for parent in 0..<count where parent != idc {
                    parents[idc] = parent
                    descend(idc + 1)
                }
                parents[idc] = -1
            }
            descend(0)
            return best
        }
    }

    /// The costs of the tree as the joins left it and after looking for gains, and the optimum.
    private func measure(seed: UInt64, delayWeight: Double) throws -> (joined: Double, improved: Double, best: Double)?
    {
        var chance = Chance(seed: seed)
        let count = Int.random(in: 3...6, using: &chance)
        let topology = try Lab.random(
            &chance, idcs: count, nodesPerIDC: 1...1, linked: .random(in: 0.6...1, using: &chance))
        var settings = DispatchSettings()
        settings.weights.delay = delayWeight
        settings.moveShare = 0
        settings.moveGain = 1e-6
        var dispatcher = Dispatcher(topology: topology, settings: settings)
        let source = Int.random(in: 0..<count, using: &chance)
        let stream = dispatcher.published("s", at: "idc\(source)-0")
        let others = (0..<count).filter { $0 != source }.shuffled(using: &chance)
        var wanted: [Int] = []
        for idc in others.prefix(Int.random(in: 1...others.count, using: &chance)) {
            if dispatcher.join(stream, at: NodeIndex(idc)).route != nil { wanted.append(idc) }
        }
        guard !wanted.isEmpty else { return nil }
        func cost(_ dispatcher: Dispatcher) -> Double {
            var parents = [Int](repeating: -1, count: count)
            for place in dispatcher.tree(of: stream) {
                if let parent = place.parent { parents[place.node.position] = parent.position }
            }
            return Instance(dispatcher: dispatcher, source: source, wanted: wanted).cost(parents) ?? .infinity
        }
        let joined = cost(dispatcher)
        for _ in 0..<4 { _ = dispatcher.improve(stream) }
        let best = Instance(dispatcher: dispatcher, source: source, wanted: wanted).optimum()
        return (joined, cost(dispatcher), best)
    }

    @Test("trees cost within 10 percent of the optimum on average", arguments: [1.0, 0.3, 0.0])
    func nearOptimal(delayWeight: Double) throws {
        var joined = 0.0
        var improved = 0.0
        var instances = 0.0
        for seed in 0..<150 {
            guard let found = try measure(seed: UInt64(seed), delayWeight: delayWeight) else { continue }
            #expect(found.joined >= found.best - 1e-6 && found.improved >= found.best - 1e-6, "seed \(seed)")
            joined += found.joined / found.best
            improved += found.improved / found.best
            instances += 1
        }
        let text = "delay weight \(delayWeight): as joined \(joined / instances), after gains \(improved / instances)"
        print("against the optimum, \(Int(instances)) networks, \(text)")
        #expect(instances > 100)
        #expect(joined / instances <= 1.10)
        #expect(improved / instances <= 1.05)
    }
}
