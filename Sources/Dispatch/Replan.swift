/// What a change of the network asks of the nodes: only what hung on what changed.
public struct Replan: Hashable, Sendable {
    public var moves: [Move] = []
    /// Places that nothing can serve at present; they are tried again at each refresh.
    public var lost: [Loss] = []
    /// Streams without a publisher now. Their trees stand and wait.
    public var silent: [StreamIndex] = []
    /// Publishers that a newer session has fenced; they are told.
    public var fenced: [Fenced] = []
    /// Publishers whose frames viewers would take for old: their nodes number on in a higher epoch. Tell them before
    /// anybody is moved to them.
    public var raised: [Raise] = []

    public var isEmpty: Bool {
        moves.isEmpty && lost.isEmpty && silent.isEmpty && fenced.isEmpty && raised.isEmpty
    }

    /// `node` takes `stream` from `to` instead of `from`. The full route with its backups is `Dispatcher.route`'s.
    public struct Move: Hashable, Sendable {
        public let stream: StreamIndex
        public let node: NodeIndex
        /// Nil for a relay that joins the tree for its children's sake.
        public let from: NodeIndex?
        public let to: NodeIndex
        public let why: Why
    }

    public struct Loss: Hashable, Sendable {
        public let stream: StreamIndex
        public let node: NodeIndex
        public let reason: Refusal
    }

    public struct Fenced: Hashable, Sendable {
        public let stream: StreamIndex
        public let node: NodeIndex
        public let epoch: UInt64
        public let byEpoch: UInt64
    }

    /// The session at `node`, which has announced itself as `epoch`, is to be `to` from now on. Said again at each
    /// announcement until it is.
    public struct Raise: Hashable, Sendable {
        public let stream: StreamIndex
        public let node: NodeIndex
        public let epoch: UInt64
        public let to: UInt64
    }
}
