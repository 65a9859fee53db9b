/// Decides what has to come before a frame so that clock and tables keep their cadence. Times are in 90 kHz of stream
/// time, continuous.
///
/// The program clock follows the track that is furthest behind, so that nothing comes later than its decoding time; a
/// track that has stopped is not waited for. The clock comes with every frame of its PID; where those are too far apart,
/// packets between fill the gap.
struct MuxClock: Sendable {
    /// The newest clock sent.
    private(set) var now: Int64?
    private(set) var lastTables: Int64 = 0

    /// Clocks are at most this far apart: 40 ms (TR 101 290, 2.3).
    static let longestInterval: Int64 = 3_600
    /// What a filling packet moves the clock on by: 35 ms.
    private static let step: Int64 = 3_150
    /// Tables that are older than this come before the next clock: 60 ms, so that with one more interval it is 100.
    private static let tablesInterval: Int64 = 5_400
    /// A pause longer than this is told as a discontinuity instead of being filled: 1 s.
    private static let longestPause: Int64 = 90_000
    /// How far the clock may stay behind the newest frame for the sake of a late track: 1 s.
    static let longestLag: Int64 = 90_000

    struct Step {
        var clock: Int64
        var hasTables: Bool
    }

    /// What comes with a frame at which the clock reaches `target`.
    struct Plan: Sendable {
        var target: Int64
        /// The tables come before all else, because readers start here.
        var leadsWithTables = false
        /// Packets with a clock alone, before the frame.
        var fills = 0
        var tablesInFills = 0
        /// Between those and the frame.
        var hasTables = false
        /// The frame's own first packet, where it is on the clock's PID.
        var hasClock = false
        var isDiscontinuous = false
    }

    func plan(target: Int64, startsHere: Bool) -> Plan {
        guard let now else { return Plan(target: target, leadsWithTables: true, hasClock: true) }
        var plan = Plan(target: max(target, now), leadsWithTables: startsHere)
        var tables = startsHere ? now : lastTables
        if plan.target - now > Self.longestPause {
            (plan.leadsWithTables, plan.hasClock, plan.isDiscontinuous) = (true, true, true)
            return plan
        }
        var clock = now
        while plan.target - clock > Self.longestInterval {
            clock += Self.step
            plan.fills += 1
            if clock - tables >= Self.tablesInterval {
                tables = clock
                plan.tablesInFills += 1
            }
        }
        plan.hasTables = plan.target - tables >= Self.tablesInterval
        plan.hasClock = plan.target > clock
        return plan
    }

    /// The next filling packet of a plan.
    mutating func fill() -> Step {
        let clock = (now ?? 0) + Self.step
        now = clock
        let isDue = clock - lastTables >= Self.tablesInterval
        if isDue { lastTables = clock }
        return Step(clock: clock, hasTables: isDue)
    }

    mutating func sentTables(_ plan: Plan, leading: Bool) {
        lastTables = leading && !plan.isDiscontinuous ? now ?? plan.target : plan.target
    }

    mutating func sentClock(_ plan: Plan) { now = plan.target }
}
