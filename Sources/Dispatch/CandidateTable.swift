/// The three best paths with at most two IDCs between, for every ordered pair of IDCs.
///
/// Kept by two layers. `near` holds, for each pair, the four best ways with at most one IDC between; a path with two
/// is a first link and the near way from there. Of the four at most one can lead back through the start, so the three
/// that remain are enough, and the table is exact at a cost of n^3 rather than n^4. When one link changes, only the
/// pairs that it can touch are reckoned again, which gives the same table as reckoning all of it.
struct CandidateTable: Sendable {
    let count: Int
    private var weights: [Double]
    private var transit: [Double]
    private var near: [CandidatePath]
    private var best: [CandidatePath]

    static let width = 3
    private static let nearWidth = 4

    /// `weights` is what each link costs, infinite where there is none; `transit` what passing through an IDC adds,
    /// infinite where no relay would.
    init(count: Int, weights: [Double], transit: [Double]) {
        self.count = count
        self.weights = weights
        self.transit = transit
        near = Array(repeating: .none, count: count * count * CandidateTable.nearWidth)
        best = Array(repeating: .none, count: count * count * CandidateTable.width)
        reckonAll()
    }

    /// The path of this rank (0 is the best), `.none` where there are fewer.
    @inline(__always)
    func path(from: Int, to: Int, rank: Int) -> CandidatePath {
        best[bestRow(from, to) + rank]
    }

    /// All paths into an IDC lie together, because searches look at those.
    @inline(__always)
    private func bestRow(_ from: Int, _ to: Int) -> Int { (to * count + from) * CandidateTable.width }

    mutating func rebuild(weights: [Double], transit: [Double]) {
        guard weights != self.weights || transit != self.transit else { return }
        self.weights = weights
        self.transit = transit
        reckonAll()
    }

    /// Takes in one link's new weight.
    mutating func linkChanged(from: Int, to: Int, weight: Double) {
        guard weights[from * count + to] != weight else { return }
        weights[from * count + to] = weight
        for other in 0..<count {
            if other != from { reckonNear(from, other) }
            if other != to { reckonNear(other, to) }
        }
        for start in 0..<count {
            for end in 0..<count where start != end {
                if start == from || end == to {
                    reckonBest(start, end)
                } else if start != to, end != from {
                    reckonMiddle(start, end, from, to)
                }
            }
        }
    }

    /// Takes in that passing through an IDC has become dearer or impossible.
    mutating func transitRose(_ idc: Int, to value: Double) {
        transit[idc] = value
        var touched: [(Int, Int)] = []
        for start in 0..<count {
            for end in 0..<count where start != end {
                let row = (start * count + end) * CandidateTable.nearWidth
                if (row..<row + CandidateTable.nearWidth).contains(where: { near[$0].first == Int16(idc) }) {
                    reckonNear(start, end)
                }
                let paths = bestRow(start, end)
                for place in paths..<paths + CandidateTable.width
                where best[place].first == Int16(idc) || best[place].second == Int16(idc) {
                    touched.append((start, end))
                    break
                }
            }
        }
        for (start, end) in touched { reckonBest(start, end) }
    }

    func transit(of idc: Int) -> Double { transit[idc] }

    func weight(from: Int, to: Int) -> Double { weights[from * count + to] }

    private mutating func reckonAll() {
        for start in 0..<count {
            for end in 0..<count where start != end { reckonNear(start, end) }
        }
        for start in 0..<count {
            for end in 0..<count where start != end { reckonBest(start, end) }
        }
    }

    private mutating func reckonNear(_ start: Int, _ end: Int) {
        var top = TopPaths(limit: CandidateTable.nearWidth)
        top.offer(CandidatePath(cost: weights[start * count + end], first: -1, second: -1))
        for relay in 0..<count where relay != start && relay != end {
            let cost = weights[start * count + relay] + (transit[relay] + weights[relay * count + end])
            top.offer(CandidatePath(cost: cost, first: Int16(relay), second: -1))
        }
        top.write(to: &near, at: (start * count + end) * CandidateTable.nearWidth)
    }

    private mutating func reckonBest(_ start: Int, _ end: Int) {
        var top = TopPaths(limit: CandidateTable.width)
        top.offer(CandidatePath(cost: weights[start * count + end], first: -1, second: -1))
        for relay in 0..<count where relay != start && relay != end {
            let reach = weights[start * count + relay]
            guard reach < top.worst.cost else { continue }
            let row = (relay * count + end) * CandidateTable.nearWidth
            for place in row..<row + CandidateTable.nearWidth {
                let way = near[place]
                let cost = reach + (transit[relay] + way.cost)
                guard cost <= top.worst.cost else { break }
                if way.first == Int16(start) { continue }
                top.offer(CandidatePath(cost: cost, first: Int16(relay), second: way.first))
            }
        }
        top.write(to: &best, at: bestRow(start, end))
    }

    /// For a pair that the changed link `from`-`to` can serve only as the middle one of three.
    private mutating func reckonMiddle(_ start: Int, _ end: Int, _ from: Int, _ to: Int) {
        let row = bestRow(start, end)
        for place in row..<row + CandidateTable.width
        where best[place].first == Int16(from) && best[place].second == Int16(to) {
            reckonBest(start, end)
            return
        }
        let link = weights[from * count + to] + (transit[to] + weights[to * count + end])
        let cost = weights[start * count + from] + (transit[from] + link)
        let path = CandidatePath(cost: cost, first: Int16(from), second: Int16(to))
        guard path < best[row + CandidateTable.width - 1], path.exists else { return }
        var top = TopPaths(limit: CandidateTable.width)
        for place in row..<row + CandidateTable.width { top.offer(best[place]) }
        top.offer(path)
        top.write(to: &best, at: row)
    }
}

/// The few best of the paths that are offered, sorted; without a heap allocation.
private struct TopPaths {
    let limit: Int
    private var one = CandidatePath.none
    private var two = CandidatePath.none
    private var three = CandidatePath.none
    private var four = CandidatePath.none

    init(limit: Int) { self.limit = limit }

    var worst: CandidatePath { limit == 3 ? three : four }

    @inline(__always)
    mutating func offer(_ path: CandidatePath) {
        guard path.exists, path < worst else { return }
        if path < two {
            four = three
            three = two
            two = path
            if path < one { swap(&one, &two) }
        } else if path < three {
            four = three
            three = path
        } else {
            four = path
        }
    }

    func write(to table: inout [CandidatePath], at place: Int) {
        table[place] = one
        table[place + 1] = two
        table[place + 2] = three
        if limit == 4 { table[place + 3] = four }
    }
}
