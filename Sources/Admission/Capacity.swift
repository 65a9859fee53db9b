/// How much a node may take on. 0 is no limit, wherever a number is one.
///
/// Each number is the hard mark, beyond which a new session is refused; `soft` says at which share of it the node asks
/// to be sent no more, and `reserve` how much of it each lower rank leaves to the ones above.
public struct Capacity: Sendable, Equatable {
    /// Publishers, relay children and viewers.
    public var sessions = 0
    /// Kilobits a second.
    public var out = 0
    public var `in` = 0
    /// Of one loop's time, in thousandths.
    public var cpu = 0
    /// Bytes in main memory.
    public var memory: UInt64 = 0
    /// Open connections of all kinds, sessions or not: each is a file descriptor.
    public var connections = 0
    /// Of a limit, in thousandths.
    public var soft = 800
    public var reserve = 50

    public init() {}

    /// What a session of `rank` may fill of a hard mark: viewers leave two reserves free, relay children one.
    func share(of mark: Int, for rank: Rank) -> Int {
        mark - mark * reserve * (Rank.publisher.rawValue - rank.rawValue) / 1000
    }
}

/// How many may watch one stream, or all of an application's, from this node. 0 is no limit.
public struct Quota: Sendable, Equatable {
    public var viewers = 0
    /// Kilobits a second to viewers and other nodes.
    public var out = 0

    public init(viewers: Int = 0, out: Int = 0) {
        self.viewers = viewers
        self.out = out
    }
}
