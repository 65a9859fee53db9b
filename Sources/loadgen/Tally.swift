//! What the viewers of a run saw, added up.

/// Numbers that only grow; a window's are the difference of two readings.
struct Counts {
    var bytes: UInt64 = 0
    /// Pictures received whole.
    var pictures: UInt64 = 0
    /// Pictures that never came: the missing numbers between two that did.
    var lost: UInt64 = 0
    /// Places where numbers were missing.
    var gaps: UInt64 = 0
    /// Pictures with a number not above the one before.
    var doubled: UInt64 = 0
    /// Pictures without a stamp: another publisher's, or in another codec.
    var unstamped: UInt64 = 0
    /// Times that a new run of the publisher was seen.
    var restarts: UInt64 = 0
    /// Pictures whose timestamp was below the one before.
    var backwards: UInt64 = 0
    /// Pictures with the timestamp of the one before: players show none of them in its time.
    var unmoved: UInt64 = 0
    /// Times that a viewer saw no picture for longer than `Sight.stallLimit`.
    var stalls: UInt64 = 0
    /// Pictures of which a part was missing. They count as lost too, once a whole one has come.
    var damaged: UInt64 = 0
    var disconnects: UInt64 = 0
    /// Messages that hold media in a form that is not looked into (RTMP aggregates).
    var unmeasured: UInt64 = 0

    static func - (new: Counts, old: Counts) -> Counts {
        var counts = new
        for field in fields { counts[keyPath: field] -= old[keyPath: field] }
        return counts
    }

    private static var fields: [WritableKeyPath<Counts, UInt64>] {
        [
            \.bytes, \.pictures, \.lost, \.gaps, \.doubled, \.unstamped, \.restarts, \.backwards, \.unmoved,
            \.stalls, \.damaged, \.disconnects, \.unmeasured,
        ]
    }
}

/// One for all viewers of a run.
final class Tally {
    var counts = Counts()
    /// From a frame's stamp to its last byte, within the measured window.
    var latency = Histogram()
    /// What of it is beyond the time that SRT holds everything back, as negotiated.
    var beyond = Histogram()
    /// Nanoseconds that the server holds back what is published to it over SRT, as negotiated.
    var publishedWith: UInt64 = 0
    /// What libsrt counted for viewers whose connection is over.
    var srt = SRTCounts()
    /// The longest negotiated latency of a viewer, in nanoseconds.
    var negotiated: UInt64 = 0
    /// From connect() to the last byte of the first keyframe.
    var firstFrame = Histogram()
    /// From connect() to the first byte of media.
    var firstBytes = Histogram()
    var isMeasuring = false
    /// Why viewers were disconnected, and how many.
    var reasons: [String: Int] = [:]
    var connected = 0
    var withFirstFrame = 0
}
