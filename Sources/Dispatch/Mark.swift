/// A limit in two steps: beyond `soft` dispatch sends nothing more of its own will, beyond `hard` nothing is admitted.
///
/// 0 < soft <= hard; the topology checks it. The unit is the field's.
public struct Mark: Hashable, Sendable {
    public var soft: Double
    public var hard: Double

    /// Where only the hard mark is known, the soft one stands at this share of it.
    public static let usualSoftShare = 0.8

    public init(soft: Double, hard: Double) {
        self.soft = soft
        self.hard = hard
    }

    public init(_ hard: Double) {
        self.init(soft: hard * Mark.usualSoftShare, hard: hard)
    }
}

/// What one node can bear.
public struct NodeCapacity: Hashable, Sendable {
    /// Mbit/s that the node sends.
    public var out: Mark
    /// Mbit/s that the node receives.
    public var `in`: Mark
    /// Viewers, publishers and relay subscriptions that the node serves at once.
    public var sessions: Mark
    /// The share of the machine's processors in use, 0 to 1.
    public var cpu: Mark

    public init(out: Mark, in: Mark, sessions: Mark, cpu: Mark = Mark(soft: 0.75, hard: 0.95)) {
        self.out = out
        self.in = `in`
        self.sessions = sessions
        self.cpu = cpu
    }
}
