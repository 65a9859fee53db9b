/// A way that may become a backup, before it is written out.
///
/// The nodes from the source down to a member of the tree, then up to three that do not carry the stream and would
/// fetch it: the relays of at most two IDCs between, and a relay of the asker's own. A way that has none of these is
/// warm. Many are weighed for each that is kept, so it holds places and no path.
struct Fallback {
    /// The member that the way starts from; the source's own for one that comes by a candidate path.
    let place: Int
    /// -1 for none.
    var first = -1
    var second = -1
    /// A relay of the asker's IDC; -1 where the asker takes the stream in itself.
    var head = -1
    /// The node that would send to the asker.
    let last: Int
    var isWarm: Bool { first < 0 && head < 0 }
    /// Nodes and links that the way shares with the primary's.
    var shared = 0
    var delay: Double

    init(from place: Int, member: Int, by first: Int = -1, _ second: Int = -1, head: Int = -1, delay: Double) {
        self.place = place
        self.first = first
        self.second = second
        self.head = head
        self.delay = delay
        last = head >= 0 ? head : second >= 0 ? second : first >= 0 ? first : member
    }

    /// Nodes behind the member.
    var length: Int { (first >= 0 ? 1 : 0) + (second >= 0 ? 1 : 0) + (head >= 0 ? 1 : 0) }

    func path(in tree: StreamTree) -> [NodeIndex] { tree.path(to: place, then: first, second, head) }

    /// What is shared counts first, then whether the way is there already, then its delay.
    func isBetter(than other: Fallback, in tree: StreamTree) -> Bool {
        if shared != other.shared { return shared < other.shared }
        if isWarm != other.isWarm { return isWarm }
        if delay != other.delay { return delay < other.delay }
        return path(in: tree).lexicographicallyPrecedes(other.path(in: tree))
    }
}

/// The best few fallbacks, the best first; no two of them send from the same node.
struct Fallbacks {
    private(set) var found: [Fallback] = []
    let limit: Int

    init(limit: Int) {
        self.limit = limit
        found.reserveCapacity(limit + 1)
    }

    var isFull: Bool { found.count == limit }

    /// Whether one of them is apart from the primary.
    var isApart: Bool { found.contains { $0.shared == 0 } }

    /// What another that sends from the node must beat.
    func rival(at node: Int) -> Fallback? { found.first { $0.last == node } }

    mutating func offer(_ fallback: Fallback, in tree: StreamTree) {
        if let same = found.firstIndex(where: { $0.last == fallback.last }) {
            guard fallback.isBetter(than: found[same], in: tree) else { return }
            found.remove(at: same)
        }
        let place = found.firstIndex { fallback.isBetter(than: $0, in: tree) } ?? found.count
        guard place < limit else { return }
        found.insert(fallback, at: place)
        if found.count > limit { found.removeLast() }
    }
}
