/// A lower bound on the price of any tree that joins a source to its places, by dual ascent (Wong, 1984).
///
/// While some place cannot be reached over links that are paid for, everything that could reach it over such links is
/// fenced in, and all links that enter the fence pay the least that one of them still lacks: any tree must pay that.
struct DualAscent {
    private var lacks: [Double]
    private let count: Int
    private let source: Int

    init(prices: [Double], count: Int, source: Int) {
        lacks = prices
        self.count = count
        self.source = source
    }

    mutating func bound(for places: [Int]) -> Double {
        var bound = 0.0
        var waiting = places.filter { $0 != source }
        var turn = 0
        while !waiting.isEmpty {
            turn = turn % waiting.count
            let fence = fence(around: waiting[turn])
            if fence[source] {
                waiting.remove(at: turn)
                continue
            }
            let step = least(into: fence)
            guard step.isFinite else { return bound }
            pay(step, into: fence)
            bound += step
            turn += 1
        }
        return bound
    }

    private func fence(around place: Int) -> [Bool] {
        var inside = [Bool](repeating: false, count: count)
        inside[place] = true
        var open = [place]
        while let here = open.popLast() {
            for from in 0..<count where !inside[from] && lacks[from * count + here] <= 1e-12 {
                inside[from] = true
                open.append(from)
            }
        }
        return inside
    }

    private func least(into fence: [Bool]) -> Double {
        var least = Double.infinity
        for from in 0..<count where !fence[from] {
            for to in 0..<count where fence[to] { least = min(least, lacks[from * count + to]) }
        }
        return least
    }

    private mutating func pay(_ step: Double, into fence: [Bool]) {
        for from in 0..<count where !fence[from] {
            for to in 0..<count where fence[to] { lacks[from * count + to] -= step }
        }
    }
}
