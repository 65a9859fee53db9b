/// The course of one push: when to call its destination, and when to call again. A plain machine: whoever drives it
/// brings the time, in milliseconds, and does what each step says.
///
/// The pauses grow from a second to a minute, with a share that is each push's own, so that many that lose one server
/// do not come back at one moment. A server that has said no is asked less often than one that cannot be reached.
public struct PushCourse: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        /// For the stream.
        case waiting
        case connecting
        case live
        /// Until that time.
        case retrying(at: UInt64)
        case stopped
    }

    /// What is to be done now.
    public enum Step: Sendable, Equatable {
        case nothing
        case dial
        /// Call `pauseIsOver` after so many milliseconds.
        case pause(UInt64)
        /// Let go of the connection, and look out for the stream.
        case wait
        case hangUp
    }

    public enum Failure: Sendable, Equatable {
        /// Not reached, or lost.
        case lost(String)
        /// The server does not want the stream, or is not to be trusted: it will hardly think otherwise in a second.
        case refused(String)

        var text: String {
            switch self {
            case .lost(let text), .refused(let text): text
            }
        }
    }

    public private(set) var state = State.waiting
    /// When it came into its state.
    public private(set) var since: UInt64
    /// Of the calls since the last connection that lasted, the number of the newest; 0 before the first.
    public private(set) var attempt = 0
    /// Calls that were made because another had failed.
    public private(set) var retries: UInt64 = 0
    /// Why the last connection failed; empty if none has since one lasted.
    public private(set) var error = ""
    private var random: UInt64

    /// Milliseconds before the second call: after a loss, and after a refusal. Each further pause is twice as long.
    public static let shortestPause: UInt64 = 1_000
    public static let refusedPause: UInt64 = 20_000
    /// A pause without its share of chance, which is up to half as much again: never more than a minute in all.
    static let longestBase: UInt64 = 40_000
    public static let longestPause: UInt64 = 60_000
    /// A connection that was there for so long was a success: what comes next begins anew.
    public static let success: UInt64 = 30_000

    public init(seed: UInt64, now: UInt64) {
        random = seed
        since = now
    }

    private mutating func become(_ next: State, _ now: UInt64) {
        state = next
        since = now
    }

    /// The stream is here.
    public mutating func streamCame(now: UInt64) -> Step {
        guard state == .waiting else { return .nothing }
        attempt = 1
        become(.connecting, now)
        return .dial
    }

    /// The stream has ended.
    public mutating func streamWent(now: UInt64) -> Step {
        guard state != .waiting, state != .stopped else { return .nothing }
        attempt = 0
        become(.waiting, now)
        return .wait
    }

    /// The destination has accepted the stream.
    public mutating func accepted(now: UInt64) {
        guard state == .connecting else { return }
        become(.live, now)
    }

    /// Forgets earlier failures once a connection has lasted. To be called now and then.
    public mutating func settle(now: UInt64) {
        guard state == .live, now - min(now, since) >= PushCourse.success else { return }
        attempt = 1
        error = ""
    }

    public mutating func failed(_ failure: Failure, now: UInt64) -> Step {
        guard state == .connecting || state == .live else { return .nothing }
        settle(now: now)
        error = failure.text
        let pause = nextPause(failure)
        become(.retrying(at: now + pause), now)
        return .pause(pause)
    }

    public mutating func pauseIsOver(now: UInt64) -> Step {
        guard case .retrying(let time) = state else { return .nothing }
        guard now >= time else { return .pause(time - now) }
        attempt += 1
        retries += 1
        become(.connecting, now)
        return .dial
    }

    public mutating func stop(now: UInt64) -> Step {
        guard state != .stopped else { return .nothing }
        become(.stopped, now)
        return .hangUp
    }

    private mutating func nextPause(_ failure: Failure) -> UInt64 {
        var first = PushCourse.shortestPause
        if case .refused = failure { first = PushCourse.refusedPause }
        let doublings = min(max(attempt, 1) - 1, 10)
        let base = min(first << UInt64(doublings), PushCourse.longestBase)
        return base + chance() % (base / 2 + 1)
    }

    /// SplitMix64.
    private mutating func chance() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = random
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
