/// How often a publisher's timestamps had to be mapped onto the monotonic timeline, by cause.
public struct CorrectionReport: Sendable, Equatable {
    /// Leaps ahead, further than a pause in the source explains.
    public var jumps: UInt64
    /// Steps back.
    public var backwards: UInt64
    /// Passes of the 32-bit millisecond counter through zero.
    public var rollovers: UInt64

    public init(
        jumps: UInt64 = 0, backwards: UInt64 = 0, rollovers: UInt64 = 0
    ) {
        self.jumps = jumps
        self.backwards = backwards
        self.rollovers = rollovers
    }
}
