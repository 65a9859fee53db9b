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

    struct Source: Hashable, Sendable {
        let node: Int
        let epoch: UInt64
        /// The higher is preferred.
        let priority: Int
    }

    /// Publishers of one stream that are kept in mind at once.
    static let sourceLimit = 4

    func member(at node: Int) -> Int? {
        let wanted = Int32(truncatingIfNeeded: node)
        return members.firstIndex { $0.node == wanted }
    }

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

    /// The nodes from the source to the member, both included; only for a connected one.
    func path(to place: Int) -> [Int] {
        var nodes: [Int] = []
        nodes.reserveCapacity(Int(members[place].hops) + 1)
        var here = place
        while here >= 0, nodes.count <= members.count {
            nodes.append(Int(members[here].node))
            here = Int(members[here].parent)
        }
        nodes.reverse()
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
