/// Where a node gets a stream from: its parents in the order in which it should try them.
///
/// The first is the primary, the others back it up. No path holds the node that asks, and no backup leads through the
/// primary (unless that is the source itself).
public struct Route: Hashable, Sendable {
    public let stream: StreamIndex
    public let node: NodeIndex
    /// Empty at the source, and at a node that nothing serves at present.
    public let parents: [Parent]

    public struct Parent: Hashable, Sendable {
        /// From the ingest node to the parent itself, both included.
        public let path: [NodeIndex]
        /// The parent carries the stream already; otherwise it would fetch it along `path` when asked.
        public let isWarm: Bool
        /// Nodes and links that this way shares with the primary's: 0 for a true backup.
        public let shared: Int

        public var node: NodeIndex { path[path.count - 1] }
    }
}

/// The answer to a node that wants a stream.
public enum JoinDecision: Hashable, Sendable {
    case route(Route, Why)
    case refused(Refusal)

    public var route: Route? {
        if case .route(let route, _) = self { route } else { nil }
    }
}

/// Why something was not granted.
public enum Refusal: Hashable, Sendable {
    /// Nobody publishes the stream. The asker may keep this answer for a moment.
    case notPublished
    case nodeDown(NodeIndex)
    case full(NodeIndex, Shortage)
    /// Links and relays live, but each way lacks room or would pass the hop limit.
    case noRoom
    /// Nothing that lives joins the node to the stream.
    case noPath
    /// Nothing with this role lives.
    case noNode(Roles)
    /// The stream's or the application's own limit.
    case quota(QuotaUse)
    /// A newer session publishes under the same priority.
    case fenced(byEpoch: UInt64)
    case tooManyPublishers(limit: Int)
    case invalidRate(limitMegabits: Double)
    case invalidEpoch(limit: UInt64)

    public func describe(in topology: Topology) -> String {
        switch self {
        case .notPublished: "nobody publishes this stream"
        case .nodeDown(let node): "node \(topology[node].id) is down or draining"
        case .full(let node, let shortage): "node \(topology[node].id) is full: \(shortage)"
        case .noRoom: "every way to the stream is full or too long"
        case .noPath: "no way leads to the stream"
        case .noNode(let roles): roles.contains(.ingest) ? "no ingest node is up" : "no edge is up"
        case .quota(let use): use.description
        case .fenced(let epoch): "a newer session (epoch \(epoch)) publishes this stream"
        case .tooManyPublishers(let limit): "the stream has \(limit) publishers already"
        case .invalidRate(let limit): "the rate must be above 0 and at most \(limit) Mbit/s"
        case .invalidEpoch(let limit): "the epoch must be above 0 and at most \(limit): check the node's clock"
        }
    }
}
