/// Cuts a stream into segments and numbers them, at the node where the encoder publishes.
///
/// Invariants:
/// - Numbers never go back and never repeat: they go on from the last one known, and a numbering that knows none
///   begins with the wall clock in units of half a second. Segments are longer than that, so numbers fall behind the
///   clock, and a server that forgot everything begins above whatever was given before.
/// - A segment's duration, rounded to whole seconds, is at most the target (RFC 8216bis §4.4.3.1), which does not
///   change within a session, and from one session to the next only grows.
/// - A cut where nothing forces it waits while its number would be ahead of the clock, as when an encoder sends faster
///   than time passes.
///
/// Times of frames are decoding times in milliseconds; `now` is the wall clock in milliseconds since 1970.
public struct SegmentNumbering: Sendable {
    /// What a frame means for cutting. Only the frames of the stream's first video track are video.
    public enum Frame: Sendable {
        case keyframe, video, audio
        /// Data, headers and further tracks: never a place to cut.
        case other
    }

    /// The limits of the target setting, in milliseconds.
    public static let targets: ClosedRange<Int64> = 1_000...10_000
    public static let standardTarget: Int64 = 2_000
    /// The longest segment before the target is known, in milliseconds: the longest group of pictures that stays whole.
    public static let longestSegment: Int64 = 10_000
    /// What a number of the clock stands for, in milliseconds.
    public static let clockUnit: Int64 = 500
    /// 2024-01-01T00:00Z in milliseconds: with half seconds from here, 32 bits last until 2092.
    public static let clockStart: Int64 = 1_704_067_200_000
    /// Frames further apart than this, in milliseconds, do not tell how far the next one is.
    private static let longestStep: Int64 = 1_000
    /// Times that leap further than this, in milliseconds and either way, begin a timeline of their own.
    private static let longestLeap: Int64 = 10_000

    private let setting: Int64
    /// The highest of everything given or followed.
    public private(set) var last: SegmentNumber?
    private var session: Session?

    fileprivate struct Session {
        /// The first number and when it was given: what the numbers that follow are measured against.
        var first: UInt32
        var begun: Int64
        var start: Int64?
        var newest: Int64 = 0
        /// The distance of the last two frames, which is what the next one is expected at.
        var step: Int64 = 0
        var hasVideo = false
        var isChanged = false
        var target: UInt8 = 0
    }

    /// `target`: what segments are cut toward, in milliseconds; brought within ``targets``.
    public init(target: Int64 = standardTarget) {
        setting = min(max(target, Self.targets.lowerBound), Self.targets.upperBound)
    }

    /// Learns what another node has given: the next session goes on from there.
    public mutating func follow(_ number: SegmentNumber) {
        let known = last ?? SegmentNumber(number: 0, discontinuity: 0, target: 0)
        last = SegmentNumber(
            number: max(known.number, number.number), discontinuity: max(known.discontinuity, number.discontinuity),
            target: max(known.target, min(number.target, UInt8(Self.longestSegment / 1_000))))
    }

    /// A publish session begins: with its first frame begin a segment and a discontinuity.
    /// `mayBeBehind`: another publisher may have given numbers that this object has not seen, so the clock decides
    /// where it is ahead.
    public mutating func beginSession(mayBeBehind: Bool, now: Int64) {
        let clock = Self.clockNumber(at: now)
        var next = SegmentNumber(number: clock, discontinuity: clock, target: last?.target ?? 0)
        if let last {
            let after = SegmentNumber(
                number: Self.following(last.number), discontinuity: Self.following(last.discontinuity), target: 0)
            next.number = mayBeBehind ? max(after.number, clock) : after.number
            next.discontinuity = mayBeBehind ? max(after.discontinuity, clock) : after.discontinuity
        }
        last = next
        session = Session(first: next.number, begun: now)
    }

    /// The tracks or codecs of the stream change: the next keyframe, or audio frame where there is no video, begins a
    /// segment and a discontinuity however short the segment before it is (§4.4.4.3).
    public mutating func changeConfiguration() { session?.isChanged = true }

    /// The segment of the next frame.
    public mutating func number(_ frame: Frame, at time: Int64, now: Int64) -> SegmentNumber {
        if session == nil { beginSession(mayBeBehind: false, now: now) }
        guard var session, var current = last else { preconditionFailure("a session has a number") }
        defer {
            self.session = session
            last = SegmentNumber(
                number: current.number, discontinuity: current.discontinuity,
                target: max(session.target, last?.target ?? 0))
        }
        guard frame != .other else { return given(current, session) }
        if frame != .audio { session.hasVideo = true }
        guard let start = session.start else {
            session.start = time
            session.newest = time
            return given(current, session)
        }
        switch cut(frame, at: time, start: start, session, current: current.number, now: now) {
        case .none: break
        case .segment: next(&current, &session, at: time, duration: Self.distance(start, time))
        case .discontinuity:
            let ended = Self.distance(start, session.newest) + session.step
            next(&current, &session, at: time, duration: ended)
            current.discontinuity = Self.following(current.discontinuity)
        }
        session.advance(to: time, step: Self.longestStep)
        return given(current, session)
    }
}

extension SegmentNumbering {
    /// The number of the wall clock.
    public static func clockNumber(at now: Int64) -> UInt32 {
        UInt32(clamping: distance(clockStart, now) / clockUnit)
    }

    private enum Cut { case none, segment, discontinuity }

    private func cut(
        _ frame: Frame, at time: Int64, start: Int64, _ session: Session, current: UInt32, now: Int64
    ) -> Cut {
        let elapsed = Self.distance(start, time)
        let gap = Self.distance(session.newest, time)
        if gap > Self.longestLeap || gap < -Self.longestLeap { return .discontinuity }
        let longest = limit(session.target)
        // A pause of the encoder that no frame announced: the segment ended where its media did.
        if elapsed > longest && gap > Self.longestStep { return .discontinuity }
        let isPlace = frame == .keyframe || frame == .audio && !session.hasVideo
        if session.isChanged && isPlace { return .discontinuity }
        if elapsed > longest - session.step { return .segment }
        let enough = frame == .keyframe ? setting * 9 / 10 : setting
        return isPlace && elapsed >= enough && mayAdvance(from: current, session, now: now) ? .segment : .none
    }

    /// Whether the clock has passed the next number; a session that had to begin ahead of the clock keeps its lead.
    private func mayAdvance(from current: UInt32, _ session: Session, now: Int64) -> Bool {
        let passed = max(0, Self.distance(session.begun, now) / Self.clockUnit)
        let ceiling = max(Int64(Self.clockNumber(at: now)), Int64(session.first) + passed)
        return Int64(current) < ceiling
    }

    /// The longest duration that rounds to no more than the target.
    private func limit(_ target: UInt8) -> Int64 {
        target == 0 ? Self.longestSegment : Int64(target) * 1_000 + 499
    }

    private func next(_ current: inout SegmentNumber, _ session: inout Session, at time: Int64, duration: Int64) {
        if session.target == 0 {
            let rounded = (min(max(0, duration), Self.longestSegment) + 500) / 1_000
            session.target = UInt8(clamping: max((setting + 999) / 1_000, rounded, Int64(last?.target ?? 0)))
        }
        current.number = Self.following(current.number)
        session.start = time
        session.isChanged = false
    }

    private func given(_ current: SegmentNumber, _ session: Session) -> SegmentNumber {
        SegmentNumber(number: current.number, discontinuity: current.discontinuity, target: session.target)
    }

    /// A relay's peer chooses what is followed: the end of the numbers must not be the end of the process.
    private static func following(_ number: UInt32) -> UInt32 { number == .max ? .max : number + 1 }

    fileprivate static func distance(_ from: Int64, _ to: Int64) -> Int64 {
        let (difference, isOverflow) = to.subtractingReportingOverflow(from)
        return isOverflow ? (to < from ? .min : .max) : difference
    }
}

extension SegmentNumbering.Session {
    /// Audio lags behind video by a little, always: only a segment's start takes the newest time back.
    fileprivate mutating func advance(to time: Int64, step longest: Int64) {
        if time > newest {
            step = min(SegmentNumbering.distance(newest, time), longest)
            newest = time
        } else if time == start {
            newest = time
        }
    }
}
