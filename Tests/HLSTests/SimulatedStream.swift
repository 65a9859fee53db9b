import Fixtures
import HLS

/// A publisher whose frames are numbered where it publishes, by a clock that its frames drive: long streams with
/// irregular groups of pictures, reconnects, and restarts of the server that forget all numbers.
struct SimulatedStream {
    struct Frame {
        var kind: SegmentNumbering.Frame
        /// Milliseconds.
        var time: Int64
        /// The origin's clock, in milliseconds.
        var now: Int64
        var size: Int
        var number: SegmentNumber
    }

    enum Event {
        case frame(Frame)
        case session, restart
    }

    var generator: SeededGenerator
    var numbering: SegmentNumbering
    let setting: Int64
    var now: Int64 = 1_800_000_000_000
    /// Microseconds of a video frame; 0 for sound alone.
    let interval: Int64
    private var video: Int64 = 0
    private var audio: Int64 = 0
    private var untilKeyframe = 0
    private var sessionStart: Int64 = 0
    private var clockBase: Int64 = 0
    private let regular: Int?

    static let audioInterval: Int64 = 21_333

    init(seed: UInt64, setting: Int64, interval: Int64, keyframeEvery regular: Int?) {
        generator = SeededGenerator(seed: seed)
        numbering = SegmentNumbering(target: setting)
        self.setting = setting
        self.interval = interval
        self.regular = regular
        begin()
    }

    /// The time between the frames that parts are cut by.
    var frameInterval: Int64 { interval > 0 ? interval : Self.audioInterval }

    mutating func begin(knows: Bool = true) {
        if !knows { numbering = SegmentNumbering(target: setting) }
        now += Int64.random(in: 100...20_000, using: &generator)
        clockBase = now
        sessionStart = Int64.random(in: 0...1_000_000, using: &generator) * 1_000
        video = 0
        audio = 0
        untilKeyframe = 0
        numbering.beginSession(mayBeBehind: false, now: now)
    }

    mutating func next() -> Frame {
        let isVideo = interval > 0 && video <= audio
        let elapsed = isVideo ? video : audio
        let time = (sessionStart + elapsed + 500) / 1_000
        now = clockBase + elapsed / 1_000
        var kind = SegmentNumbering.Frame.audio
        if isVideo {
            kind = untilKeyframe == 0 ? .keyframe : .video
            if untilKeyframe == 0 { untilKeyframe = regular ?? Int.random(in: 5...200, using: &generator) }
            untilKeyframe -= 1
            video += interval
        } else {
            audio += Self.audioInterval
        }
        let size = Int.random(in: 100...2_000, using: &generator) * (kind == .keyframe ? 10 : 1)
        return Frame(
            kind: kind, time: time, now: now, size: size, number: numbering.number(kind, at: time, now: now))
    }
}
