/// What a session asks for: kept by whoever was admitted, and given back as it was when the session ends.
public struct Claim: Sendable, Equatable {
    public var rank: Rank
    public var app: String
    public var stream: String
    /// The stream's rate as far as it is known, kilobits a second: what a viewer takes out, a publisher brings in.
    public var kilobits: Int
    /// Where a relay child stands; empty for others, and for a child in the node's own data centre.
    public var idc: String

    public init(rank: Rank, app: String, stream: String, kilobits: Int = 0, idc: String = "") {
        self.rank = rank
        self.app = app
        self.stream = stream
        self.kilobits = max(0, kilobits)
        self.idc = idc
    }
}

/// What was measured of one loop since the last time.
public struct LoopUse: Sendable, Equatable {
    /// Kilobits a second.
    public var out = 0
    public var `in` = 0
    /// Of the loop's time, in thousandths.
    public var busy = 0

    public init(out: Int = 0, in: Int = 0, busy: Int = 0) {
        self.out = out
        self.in = `in`
        self.busy = busy
    }
}
