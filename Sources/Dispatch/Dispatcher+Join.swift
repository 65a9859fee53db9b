/// A node wants a stream, or wants it no longer.
extension Dispatcher {
    /// Gives the node its place in the stream's tree: the one that it has, or the cheapest that can be had.
    /// `viewers` is how many the node serves, where that is known; it counts towards the node's load at once.
    public mutating func join(_ stream: StreamIndex, at node: NodeIndex, viewers: Int? = nil) -> JoinDecision {
        let number = stream.position
        guard trees[number].source != nil else { return .refused(.notPublished) }
        guard nodes[node.position].condition != .down else { return .refused(.nodeDown(node)) }
        let known = trees[number].member(at: node.position)
        let why: Why
        if let known, trees[number].members[known].isConnected {
            let isSource = trees[number].source?.node == node.position
            why = Why(.asked, isSource ? .source : .carriesAlready)
        } else {
            if known == nil, !nodes[node.position].isUp { return .refused(.nodeDown(node)) }
            let idle = known.flatMap { leaveDrift(number, $0) }
            let seating = seat(number, node.position, place: known, trigger: .asked)
            survey.endSurge()
            switch seating {
            case .seated(let reason): why = reason
            case .refused(let refusal):
                rejoinDrift(number, node.position, below: idle)
                return .refused(refusal)
            }
            if let idle { prune(number, from: idle) }
        }
        guard let place = trees[number].member(at: node.position) else { return .refused(.noPath) }
        trees[number].members[place].isWanted = true
        if let viewers { setViewers(number, place, max(0, min(viewers, Dispatcher.viewerLimit))) }
        return .route(route(number, place), why)
    }

    /// A node whose parent drifts itself is seated without it. Gives that parent.
    private mutating func leaveDrift(_ stream: Int, _ place: Int) -> Int? {
        guard trees[stream].members[place].parent >= 0 else { return nil }
        let parent = Int(trees[stream].members[Int(trees[stream].members[place].parent)].node)
        unhang(stream, place)
        return parent
    }

    private mutating func rejoinDrift(_ stream: Int, _ node: Int, below parent: Int?) {
        guard let parent, let place = trees[stream].member(at: node), let above = trees[stream].member(at: parent)
        else { return }
        hang(stream, place, below: above)
    }

    /// Viewers of one stream that one node can report.
    public static let viewerLimit = 10_000_000

    /// How many viewers a node serves now; nothing where it is not in the tree.
    public mutating func setViewers(_ viewers: Int, of stream: StreamIndex, at node: NodeIndex) {
        guard let place = trees[stream.position].member(at: node.position) else { return }
        setViewers(stream.position, place, max(0, min(viewers, Dispatcher.viewerLimit)))
    }

    /// The node's last reader has gone. It stays while others hang on it. Tells which nodes carry the stream no longer.
    public mutating func leave(_ stream: StreamIndex, at node: NodeIndex) -> [NodeIndex] {
        guard let place = trees[stream.position].member(at: node.position) else { return [] }
        trees[stream.position].members[place].isWanted = false
        setViewers(stream.position, place, 0)
        let freed = prune(stream.position, from: node.position)
        if trees[stream.position].members.isEmpty { restless.remove(stream.position) }
        return freed
    }

    /// The node's place as it stands, with its backups; nil where it is not in the tree.
    public func route(of stream: StreamIndex, at node: NodeIndex) -> Route? {
        trees[stream.position].member(at: node.position).map { route(stream.position, $0) }
    }

    /// The whole tree of a stream.
    public func tree(of stream: StreamIndex) -> [TreePlace] {
        let tree = trees[stream.position]
        return tree.members.map { member in
            TreePlace(
                node: NodeIndex(Int(member.node)),
                parent: member.parent < 0 ? nil : NodeIndex(Int(tree.members[Int(member.parent)].node)),
                hops: member.isConnected ? Int(member.hops) : nil, viewers: Int(member.viewers),
                delay: Double(member.delay), isWanted: member.isWanted)
        }
    }

    /// The trees that a node is in.
    public func streams(at node: NodeIndex) -> [StreamIndex] {
        carried[node.position].map { StreamIndex(Int($0)) }.sorted()
    }
}

/// One node's place in a tree.
public struct TreePlace: Hashable, Sendable {
    public let node: NodeIndex
    /// Nil at the source and where nothing serves the node at present.
    public let parent: NodeIndex?
    /// From the source; nil where nothing serves the node at present.
    public let hops: Int?
    public let viewers: Int
    /// Weighted milliseconds from the source.
    public let delay: Double
    /// The node asked for the stream itself; otherwise it only passes it on.
    public let isWanted: Bool
}
