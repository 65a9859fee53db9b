/// One event loop at one moment.
public struct LoopReport: Sendable, Equatable {
    /// 0 for the first loop.
    public var index: Int
    /// Fraction of the time, 0 to 1, in which the loop was not waiting for events.
    public var busy: Double
    /// Sessions that live on it.
    public var sessions: Int
    /// The flush interval in force, in milliseconds; grows under pressure.
    public var flushIntervalMs: Double

    public init(
        index: Int, busy: Double = 0, sessions: Int = 0, flushIntervalMs: Double = 0
    ) {
        self.index = index
        self.busy = busy
        self.sessions = sessions
        self.flushIntervalMs = flushIntervalMs
    }
}
