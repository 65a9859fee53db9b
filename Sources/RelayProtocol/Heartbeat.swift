/// Decides when to ask a peer for a sign of life, and when it is to be held for dead. Times are nanoseconds of the
/// loop's monotonic clock.
///
/// Every byte from the peer counts as life, but a ping goes each interval all the same: it also measures the link. A
/// process that was itself stopped or late learns nothing from the silence it finds on waking, because the peer's bytes
/// wait in the socket: a tick that comes later than an interval after its deadline gives the peer an interval more.
public struct Heartbeat: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        case none
        /// Send a `Ping` with this token.
        case ping(token: UInt64)
        /// Close; `RelayError.silent` says it.
        case dead(RelayError)
    }

    public let interval: UInt64
    public let deadAfter: UInt64
    public private(set) var lastHeard: UInt64
    private var nextPing: UInt64
    private var token: UInt64 = 0

    public init(interval: UInt64, deadAfter: UInt64, now: UInt64) {
        precondition(interval > 0 && interval < deadAfter, "a peer needs a ping to answer before it is held for dead")
        self.interval = interval
        self.deadAfter = deadAfter
        lastHeard = now
        nextPing = now
    }

    /// When `tick` is to be called next.
    public var deadline: UInt64 { min(nextPing, deathTime) }

    private var deathTime: UInt64 { lastHeard + deadAfter }

    /// Bytes came.
    public mutating func heard(now: UInt64) { lastHeard = max(lastHeard, now) }

    /// The next ping is due at once, because the peer is silent when it should not be.
    public mutating func hurry(now: UInt64) { nextPing = min(nextPing, now) }

    /// How long the peer has been silent.
    public func silence(now: UInt64) -> UInt64 { now > lastHeard ? now - lastHeard : 0 }

    public mutating func tick(now: UInt64) -> Action {
        let isLate = now > deadline && now - deadline > interval
        if isLate && now >= deathTime { lastHeard = now - deadAfter + interval }
        guard now < deathTime else { return .dead(.silent(milliseconds: silence(now: now) / 1_000_000)) }
        guard now >= nextPing else { return .none }
        token += 1
        // Against absolute deadlines, so that late ticks do not add up; what was missed is not made up for.
        nextPing += interval
        if nextPing <= now { nextPing = now + interval }
        return .ping(token: token)
    }
}
