import Testing

@testable import Dispatch

/// Against the exact optimum of small networks, found by trying every tree.
@Suite("Against the optimum")
struct OptimumTests {
    /// What the trees are judged by: the price of every link that carries the stream, and the delay to every IDC that
    /// wants it. By ordered pairs, infinite where there is no link.
    private struct Instance {
        let count: Int
        let source: Int
        let wanted: [Int]
        let delays: [Double]
        let prices: [Double]

        init(_ dispatcher: Dispatcher, source: Int, wanted: [Int]) {
            count = dispatcher.topology.idcs.count
            self.source = source
            self.wanted = wanted
            let weights = dispatcher.settings.weights
            var delays = [Double](repeating: .infinity, count: count * count)
            var prices = delays
            for from in 0..<count {
                for to in 0..<count where from != to {
                    let link = dispatcher.links[dispatcher.pair(from, to)]
                    guard link.exists else { continue }
                    delays[from * count + to] = link.quality + weights.delay * weights.hop
                    prices[from * count + to] = link.price
                }
            }
            self.delays = delays
            self.prices = prices
        }

        /// The delays of the tree where each IDC hangs below `parents` (-1: not in it); nil when it is none.
        private func delay(_ parents: [Int]) -> Double? {
            var sum = 0.0
            for idc in wanted {
                var here = idc
                var steps = 0
                while here != source {
                    let parent = parents[here]
                    guard parent >= 0, steps < count else { return nil }
                    sum += delays[parent * count + here]
                    here = parent
                    steps += 1
                }
            }
            return sum
        }

        /// The cost of such a tree.
        func cost(_ parents: [Int]) -> Double? {
            guard parents[source] < 0, let delay = delay(parents), delay.isFinite else { return nil }
            var sum = delay
            for idc in 0..<count where parents[idc] >= 0 { sum += prices[parents[idc] * count + idc] }
            return sum.isFinite ? sum : nil
        }

        /// Tries every tree, but for those that cannot beat the best one found: what IDCs still to be hung cost at
        /// least is their cheapest link, what the delays are at least is those of the shortest paths.
        func optimum() -> Double {
            var cheapest = [Double](repeating: 0, count: count + 1)
            for idc in stride(from: count - 1, through: 0, by: -1) {
                cheapest[idc] = cheapest[idc + 1]
                guard wanted.contains(idc) else { continue }
                cheapest[idc] += (0..<count).map { prices[$0 * count + idc] }.min() ?? 0
            }
            let shortest = leastDelay()
            var best = Double.infinity
            var parents = [Int](repeating: -1, count: count)
            func descend(_ idc: Int, _ price: Double) {
                guard price + cheapest[idc] + shortest < best else { return }
                guard idc < count else {
                    if let delay = delay(parents), price + delay < best { best = price + delay }
                    return
                }
                if idc == source { return descend(idc + 1, price) }
                if !wanted.contains(idc) { descend(idc + 1, price) }
                for parent in 0..<count where prices[parent * count + idc].isFinite {
                    parents[idc] = parent
                    descend(idc + 1, price + prices[parent * count + idc])
                }
                parents[idc] = -1
            }
            descend(0, 0)
            return best
        }

        /// The sum over what wants the stream of the shortest delays from the source.
        private func leastDelay() -> Double {
            var least = delays
            for idc in 0..<count { least[idc * count + idc] = 0 }
            for middle in 0..<count {
                for from in 0..<count {
                    for to in 0..<count {
                        let over = least[from * count + middle] + least[middle * count + to]
                        if over < least[from * count + to] { least[from * count + to] = over }
                    }
                }
            }
            // A little less: these sums are in another order than those of a tree.
            return wanted.reduce(0) { $0 + least[source * count + $1] } * (1 - 1e-9)
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
            return Instance(dispatcher, source: source, wanted: wanted).cost(parents) ?? .infinity
        }
        let joined = cost(dispatcher)
        for _ in 0..<4 { _ = dispatcher.improve(stream) }
        let best = Instance(dispatcher, source: source, wanted: wanted).optimum()
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
