/// One continuous, monotonic timeline out of whatever timestamps a stream's publishers send.
///
/// Output is in milliseconds, starts at 0 and never decreases within a kind, through rollovers of the 32-bit
/// timestamp, jumps of the encoder's clock, and publishers that go and come back.
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
    private var lastScript: Int64 = 0
    /// Empty until a session's first audio or video frame.
    private var clocks: [2 of Clock?] = [nil, nil]
    private var newestClock = 0
    /// Where the session's first frame goes.
    private var sessionStart: Int64 = 0
    private var sessionBegan: Int64?
    private var lastFrameArrived: Int64?

    public init(thresholds: Thresholds = Thresholds()) { self.thresholds = thresholds }

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
    }

    /// The time of a frame on the continuous timeline. `now` makes the gap to the next session exact.
    public mutating func map(kind: MediaKind, timestamp: UInt32, nowMilliseconds now: Int64? = nil) -> Int64 {
        if let now { lastFrameArrived = now }
        let output: Int64
        switch kind {
        case .audio: output = map(timestamp, &audio, other: video)
        case .video: output = map(timestamp, &video, other: audio)
        case .script: output = mapScript(timestamp)
        }
        newest = max(newest ?? output, output)
        return output
    }
}
