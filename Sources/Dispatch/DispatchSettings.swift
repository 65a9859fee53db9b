/// What the operator may turn in the dispatcher's judgement.
public struct DispatchSettings: Hashable, Sendable {
    public var weights = CostWeights()
    public var reserves = Reserves()

    /// Relay hops from the ingest node to the last node. The longest candidate path has two relays between its ends:
    /// with the far end and an edge behind it that makes four hops. The fifth lets a join start from a branch
    /// that is there already instead of from the ingest node.
    public var hopLimit = DispatchSettings.usualHopLimit
    public static let usualHopLimit = 5

    /// Backups that a route lists, the best first.
    public var backups = 2

    /// A planned move must save this share of what the stream's place in the tree costs now, and `moveGain` besides.
    public var moveShare = 0.15
    /// Milliseconds, or their worth: below it no gain is worth a move.
    public var moveGain = 5.0

    /// A link that loses this share of its packets is out, as if it were cut.
    public var lossOut = 0.10

    /// How far a new measurement of a link's round trip or loss moves what was believed, 0 to 1.
    public var measurementWeight = 0.25

    /// Full reports in a row that may leave out a stream, which the plan puts on the node, before the plan gives in.
    public var missedReports = 2

    /// Milliseconds that another node must be nearer for a client that has come here to be sent there.
    public var redirectGain = 20.0

    public init() {}

    /// What is kept back of a hard mark, as a share of it: publishers outrank relay children, which outrank viewers.
    public struct Reserves: Hashable, Sendable {
        /// Kept from viewers, for relay children and publishers.
        public var relays = 0.10
        /// Kept from viewers and relay children, for publishers.
        public var publishers = 0.05

        public init() {}
    }
}

/// For whom room is asked, the strongest first.
public enum Rank: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    case publisher, relay, viewer

    public static func < (one: Rank, other: Rank) -> Bool { one.rawValue < other.rawValue }
}
