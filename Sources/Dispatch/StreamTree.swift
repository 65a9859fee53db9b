/// One stream: who publishes it, and which nodes carry it, each below which other.
///
/// Small, because there are many: most streams have one to three members. Members stand in no order; a removal moves
/// the last one into the gap.
struct StreamTree: Sendable {
    /// The publisher that is followed, and those that would be.
    var source: Source?
    var standbys: [Source] = []
    var members: [Member] = []
    /// kbit/s.
    var rate = 0
    var app: Int32 = 0

    /// The highest epoch that was heard of or handed out.
    var highestEpoch: UInt64 = 0
    /// The newest session that viewers have followed; an epoch of 0 where none was.
    var seen = Seen()
    /// Sessions that were told to end and have not said yet that they did. Nobody wins by saying again that it is there.
    var fenced: [Source] = []

    /// A live publish session, one at most on each node, one at most of each priority.
    struct Source: Hashable, Sendable {
        let node: Int
        /// The epoch that its node has announced.
        var session: UInt64
        /// The epoch that it is to have: a higher one once it was told to raise it.
        var epoch: UInt64
        /// The higher is preferred.
        let priority: Int

        /// Its node may still announce the old epoch when it has been told a new one, or the first of two that it was
        /// told.
        func isKnown(by announced: UInt64) -> Bool { session <= announced && announced <= epoch }
    }

    struct Seen: Hashable, Sendable {
        /// -1 where only the epoch is known, from those who watch.
        var node = -1
        var epoch: UInt64 = 0

        func isSession(of source: Source) -> Bool { epoch == source.epoch && (node == source.node || node < 0) }
    }

    /// Publishers of one stream that are kept in mind at once.
    static let sourceLimit = 4
    /// Fenced sessions of one stream that are kept in mind at once; the oldest is forgotten first.
    static let fencedLimit = 8

    /// From the end: who has just joined is asked for most.
    func member(at node: Int) -> Int? {
        let wanted = Int32(truncatingIfNeeded: node)
        return members.lastIndex { $0.node == wanted }
    }

    /// Whether the node has a publisher of its own that is not followed. What it sends is that one's, so nobody who
    /// follows the source may hang below it.
    func standsBy(_ node: Int) -> Bool { !standbys.isEmpty && standbys.contains { $0.node == node } }

    /// The source's own place.
    var root: Int? { source.flatMap { member(at: $0.node) } }

    /// Whether the member's parent stands in another IDC (or it is the source): it brings the stream into its IDC.
    func entersIDC(_ place: Int) -> Bool {
        let parent = members[place].parent
        return parent < 0 || members[Int(parent)].idc != members[place].idc
    }

    /// Whether `place` hangs below `ancestor`, or is it.
    func hangs(_ place: Int, below ancestor: Int) -> Bool {
        var here = place
        var steps = 0
        while here >= 0, steps <= members.count {
            if here == ancestor { return true }
            here = Int(members[here].parent)
            steps += 1
        }
        return false
    }

    /// The nodes from the source to the member, both included, and up to three behind it (-1: none); only for a
    /// connected member.
    func path(to place: Int, then first: Int = -1, _ second: Int = -1, _ third: Int = -1) -> [NodeIndex] {
        let count = Int(members[place].hops) + 1
        let more = (first >= 0 ? 1 : 0) + (second >= 0 ? 1 : 0) + (third >= 0 ? 1 : 0)
        var nodes = [NodeIndex](repeating: NodeIndex(0), count: count + more)
        var here = place
        for number in stride(from: count - 1, through: 0, by: -1) {
            nodes[number] = NodeIndex(Int(members[here].node))
            here = Int(members[here].parent)
        }
        var end = count
        if first >= 0 {
            nodes[end] = NodeIndex(first)
            end += 1
        }
        if second >= 0 {
            nodes[end] = NodeIndex(second)
            end += 1
        }
        if third >= 0 { nodes[end] = NodeIndex(third) }
        return nodes
    }

    /// Hops from `place` down to the deepest member below it.
    func height(of place: Int) -> Int {
        guard members[place].children > 0 else { return 0 }
        var height = 0
        for other in members.indices where members[other].children == 0 {
            var here = other
            var steps = 0
            while here >= 0, here != place, steps <= members.count {
                here = Int(members[here].parent)
                steps += 1
            }
            if here == place { height = max(height, steps) }
        }
        return height
    }

    func children(of place: Int) -> [Int] {
        guard members[place].children > 0 else { return [] }
        return members.indices.filter { members[$0].parent == Int32(place) }
    }

    /// Whether this link between two IDCs carries the stream already.
    func uses(from: Int, to: Int) -> Bool {
        members.contains { member in
            Int(member.idc) == to && member.parent >= 0 && Int(members[Int(member.parent)].idc) == from
        }
    }

    /// Whether members hang on each other and not on the source.
    var hasDriftingBranch: Bool { members.contains { !$0.isConnected && $0.parent >= 0 } }

    /// Whether a connected member stands in the IDC.
    func isCarried(in idc: Int) -> Bool { members.contains { Int($0.idc) == idc && $0.isConnected } }
}
