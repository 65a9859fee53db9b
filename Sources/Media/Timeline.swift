/// One continuous, monotonic timeline out of whatever timestamps a stream's publishers send.
///
/// Output is in milliseconds, starts at 0 and never decreases within a track, through rollovers of the 32-bit
/// timestamp, jumps of the encoder's clock, and publishers that go and come back. Tracks of one kind may come in turns
/// of many frames each, as MPEG-TS has them.
///
/// A jump makes a new *clock*: an offset from input to output. Audio and video do not jump in the same message, so two
/// clocks are kept: the track that jumped is on the new one, the other stays on the old until its own input fits the
/// new one better. Each clock has one offset for all tracks, which is what keeps audio and video in step. Script data
/// follows the newest clock and never moves it: metadata at timestamp 0 in mid-stream is common.
public struct Timeline: Sendable {
    public struct Thresholds: Sendable, Equatable {
        /// Milliseconds ahead of the furthest input that still count as a pause of the publisher.
        public var forwardJump: Int64 = 10_000
        /// Milliseconds behind the furthest input that still count as interleaving or jitter.
        public var backwardJump: Int64 = 1_000
        /// Milliseconds that a track may trail the newest output on a clock that it is not sure to be on.
        public var lateness: Int64 = 3_000
        /// Milliseconds at most that an absent publisher adds between two sessions.
        public var longestAbsence: Int64 = 600_000

        public init() {}
    }

    /// What was mended, for the stream's stats.
    public struct Corrections: Sendable, Equatable {
        /// Clocks that had to be re-based in the middle of a session.
        public var jumps: UInt64 = 0
        /// Frames older than the one before them, given its time.
        public var backwards: UInt64 = 0
        /// Passes of the 32-bit timestamp through zero.
        public var rollovers: UInt64 = 0
    }

    public private(set) var corrections = Corrections()
    /// The newest output of any kind; nil before the first frame.
    public private(set) var newest: Int64?

    private let thresholds: Thresholds
    private var audio = Track(interval: 23)
    private var video = Track(interval: 33)
    /// Tracks beyond the first of each kind, by both: 510 at most.
    private var further: [UInt16: Track] = [:]
    private var lastScript: Int64 = 0
    /// Both nil until a session's first audio or video frame.
    private var clocks: [2 of Clock?] = [nil, nil]
    private var newestClock = 0
    /// Where the session's first frame goes.
    private var sessionStart: Int64 = 0
    private var sessionBegan: Int64?
    private var lastFrameArrived: Int64?

    public init(thresholds: Thresholds = Thresholds()) { self.thresholds = thresholds }

    /// The stream came another way until now, and stood at `time` when its last frame arrived. To be told before
    /// `beginSession`.
    public mutating func follow(_ time: Int64, arrived: Int64) {
        guard time > newest ?? -1 else { return }
        newest = time
        lastFrameArrived = arrived
        lastScript = max(lastScript, time)
    }

    /// A publisher arrives. Its first frame comes after the last one by the time that passed in between, and by one
    /// frame at least.
    public mutating func beginSession(nowMilliseconds now: Int64) {
        if let newest {
            // Without arrival times, a live stream's last frame came when its timeline says.
            let estimate = sessionBegan.map { $0 &+ (newest - sessionStart) }
            let absence = (lastFrameArrived ?? estimate).map { now.subtractingReportingOverflow($0).partialValue } ?? 0
            sessionStart = newest + min(max(absence, video.interval), thresholds.longestAbsence)
        }
        sessionBegan = now
        lastFrameArrived = nil
        clocks = [nil, nil]
        newestClock = 0
        audio.leaveClock()
        video.leaveClock()
        for key in further.keys { further[key]?.leaveClock() }
    }

    /// The time of a frame on the continuous timeline. `now` makes the gap to the next session exact.
    public mutating func map(
        kind: MediaKind, track: UInt8 = 0, timestamp: UInt32, nowMilliseconds now: Int64? = nil
    ) -> Int64 {
        if let now { lastFrameArrived = now }
        let output: Int64
        switch kind {
        case .script: output = mapScript(timestamp)
        case .audio where track > 0, .video where track > 0: output = mapFurther(kind, track, timestamp)
        case .audio: (output, audio) = mapMedia(timestamp, audio, other: video.place?.clock)
        case .video: (output, video) = mapMedia(timestamp, video, other: audio.place?.clock)
        }
        newest = max(newest ?? output, output)
        return output
    }

    private mutating func mapFurther(_ kind: MediaKind, _ number: UInt8, _ timestamp: UInt32) -> Int64 {
        let key = UInt16(kind.rawValue) << 8 | UInt16(number)
        let known = further[key] ?? Track(interval: kind == .audio ? audio.interval : video.interval)
        let (output, track) = mapMedia(timestamp, known, other: (video.place ?? audio.place)?.clock)
        further[key] = track
        return output
    }

    private mutating func mapMedia(_ timestamp: UInt32, _ track: Track, other: Int?) -> (Int64, Track) {
        var track = track
        let (index, input) = choose(timestamp, track) ?? rebase(timestamp, track, other: other)
        let offset = advanceClock(index, to: input)
        let isOther = track.place.map { $0.clock != index } ?? false
        let isOlder = !track.advance(clock: index, input: input)
        let floor = track.output ?? 0
        let output = max(input &+ offset, floor)
        // A track that starts before the other is held at the start; that corrects nothing of the publisher's.
        if isOlder || (isOther && input &+ offset < floor) { corrections.backwards += 1 }
        track.output = output
        return (output, track)
    }

    /// Script data is placed by the newest clock if it fits there, else beside the newest frame.
    private mutating func mapScript(_ timestamp: UInt32) -> Int64 {
        var output = clocks[newestClock] == nil ? sessionStart : newest ?? sessionStart
        if let clock = clocks[newestClock] {
            let input = clock.unwrap(timestamp, near: clock.furthest)
            if isNear(input - clock.furthest) { output = input &+ clock.offset }
        }
        lastScript = max(lastScript, output)
        return lastScript
    }

    // MARK: Choosing a clock

    /// A clock that a timestamp fits, the timestamp unwrapped on it, and how far that is from what was expected.
    private struct Fit {
        var clock: Int
        var input: Int64
        var distance: Int64
    }

    /// The clock that a timestamp fits best, and the timestamp unwrapped on it; nil when it fits none.
    private func choose(_ timestamp: UInt32, _ track: Track) -> (Int, Int64)? {
        let own = track.place?.clock ?? newestClock
        // A track that paused its own clock while the other went on is late, and is re-based rather than trusted.
        var best = track.place.flatMap {
            fit(timestamp, $0.clock, near: $0.furthest, lateness: thresholds.forwardJump)
        }
        if let best, best.distance <= thresholds.backwardJump { return (best.clock, best.input) }
        best = nearer(best, fitAny(timestamp, own))
        best = nearer(best, fitAny(timestamp, 1 - own))
        return best.map { ($0.clock, $0.input) }
    }

    private func nearer(_ one: Fit?, _ two: Fit?) -> Fit? {
        guard let one, let two else { return one ?? two }
        return two.distance < one.distance ? two : one
    }

    /// Compared with the furthest input of whichever track is on a clock.
    private func fitAny(_ timestamp: UInt32, _ index: Int) -> Fit? {
        clocks[index].flatMap { fit(timestamp, index, near: $0.furthest, lateness: thresholds.lateness) }
    }

    private func fit(_ timestamp: UInt32, _ index: Int, near reference: Int64, lateness: Int64) -> Fit? {
        guard let clock = clocks[index] else { return nil }
        let input = clock.unwrap(timestamp, near: reference)
        guard isNear(input - reference), isTimely(input &+ clock.offset, lateness: lateness) else { return nil }
        return Fit(clock: index, input: input, distance: abs(input - reference))
    }

    private func isNear(_ difference: Int64) -> Bool {
        difference >= -thresholds.backwardJump && difference <= thresholds.forwardJump
    }

    /// An old clock can fit by chance; what it would put out then lies far from the stream's present.
    private func isTimely(_ output: Int64, lateness: Int64) -> Bool {
        guard let newest else { return true }
        let present = max(newest, sessionStart)
        return output >= present - lateness && output <= present + thresholds.forwardJump
    }

    /// Makes a clock on which this frame follows the newest one. It takes the place of the clock that the other track
    /// is not on; who was on that one looks for another.
    private mutating func rebase(_ timestamp: UInt32, _ track: Track, other: Int?) -> (Int, Int64) {
        let input = Int64(timestamp)
        let isFirst = clocks[0] == nil && clocks[1] == nil
        let output = isFirst ? sessionStart : (newest ?? sessionStart) + track.interval
        if !isFirst && track.frames > 1 { corrections.jumps += 1 }
        newestClock = isFirst ? 0 : 1 - (other ?? track.place?.clock ?? newestClock)
        clocks[newestClock] = Clock(furthest: input, offset: output - input)
        audio.leave(clock: newestClock)
        video.leave(clock: newestClock)
        for key in further.keys { further[key]?.leave(clock: newestClock) }
        return (newestClock, input)
    }

    /// Moves a clock on and returns its offset.
    private mutating func advanceClock(_ index: Int, to input: Int64) -> Int64 {
        guard var clock = clocks[index] else { preconditionFailure("a clock is made before it is used") }
        if input > clock.furthest {
            if input >> 32 != clock.furthest >> 32 { corrections.rollovers += 1 }
            clock.furthest = input
            clocks[index] = clock
        }
        return clock.offset
    }
}
