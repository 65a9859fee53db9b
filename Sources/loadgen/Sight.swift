//! What one viewer saw, whatever it came by: the first picture, each picture's number and age, silences.

struct Sight {
    /// A viewer that sees no picture for so long has stalled.
    static let stallLimit = 500 * nanosecondsPerMillisecond

    private let started: UInt64
    private var numbering = Numbering()
    private(set) var silence = Silence()
    private var lastTimestamp: UInt32 = 0
    /// Pictures that this viewer never got.
    private(set) var lost: UInt64 = 0
    private(set) var hasMedia = false
    private(set) var hasFirstFrame = false
    /// Nanoseconds that the viewer's transport holds everything back, as agreed.
    var negotiated: UInt64 = 0

    /// `gone` is who sat here before and was disconnected: its silence goes on until the first picture has come.
    init(from time: UInt64, after gone: Sight?) {
        started = time
        if let gone {
            silence = gone.silence
            lost = gone.lost
        }
    }

    /// Something of the stream has come.
    mutating func media(at time: UInt64, _ tally: Tally) {
        guard !hasMedia else { return }
        hasMedia = true
        tally.firstBytes.record(nanoseconds: time - started)
    }

    /// A whole picture has come; false when it stands before the first keyframe and is not looked at.
    mutating func picture(isKeyframe: Bool, timestamp: UInt32, stamp: Stamp?, at time: UInt64, _ tally: Tally) -> Bool {
        if !hasFirstFrame {
            guard isKeyframe else { return false }
            hasFirstFrame = true
            tally.withFirstFrame += 1
            tally.firstFrame.record(nanoseconds: time - started)
        } else {
            let step = Int32(bitPattern: timestamp &- lastTimestamp)
            if step < 0 { tally.counts.backwards += 1 }
            if step == 0 { tally.counts.unmoved += 1 }
        }
        if silence.picture(at: time) > Sight.stallLimit { tally.counts.stalls += 1 }
        lastTimestamp = timestamp
        tally.counts.pictures += 1
        check(stamp, time, tally)
        return true
    }

    private mutating func check(_ stamp: Stamp?, _ time: UInt64, _ tally: Tally) {
        guard let stamp else {
            tally.counts.unstamped += 1
            return
        }
        if tally.isMeasuring {
            let age = time > stamp.clock ? time - stamp.clock : 0
            tally.latency.record(nanoseconds: age)
            let held = negotiated + tally.publishedWith
            if held > 0 { tally.beyond.record(nanoseconds: age - min(age, held)) }
        }
        switch numbering.take(run: stamp.run, sequence: stamp.sequence) {
        case .next: break
        case .restarted: tally.counts.restarts += 1
        case .doubled: tally.counts.doubled += 1
        case .gap(let missing):
            tally.counts.gaps += 1
            tally.counts.lost += missing
            lost += missing
        }
    }

    mutating func startMeasuring() { silence.startMeasuring() }

    mutating func nextInterval(at time: UInt64) -> UInt64 { silence.nextInterval(at: time) }
}
