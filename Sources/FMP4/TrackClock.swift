/// Places the frames of one track on its timescale. Data plane.
///
/// Audio follows frame after frame from an anchor, so that timestamps of whole milliseconds make no cracks, and is
/// anchored anew when that has left the timestamps. Video takes its timestamps. Decoding times always rise. Nothing of
/// what was before `begin()` has a part in what comes after.
struct TrackClock: Sendable {
    /// The decoding time of the newest frame; nil when the next frame is an anchor.
    private var latest: Int64?
    /// Where the next audio frame belongs if none is missing.
    private var next: Int64 = 0
    /// When the newest picture was due, which is later than `latest` while a pause is bridged.
    private var latestDue: Int64 = 0
    /// How long a picture lasts, by the newest two.
    private(set) var interval = MP4Limits.firstInterval

    mutating func begin() { self = TrackClock() }

    /// `rate` is the timescale, `samples` how long the frame lasts on it.
    mutating func placeAudio(_ milliseconds: Int64, rate: Int64, samples: Int64) -> Int64 {
        let due = max(0, (milliseconds * rate + 500) / 1_000)
        var time = due
        if let latest {
            let isNear = abs(due - next) * 1_000 <= MP4Limits.audioDrift * rate
            time = isNear ? next : max(due, latest + 1)
        }
        latest = time
        next = time + samples
        return time
    }

    /// With `bridging`, a frame that comes after a pause is decoded no later than two intervals after the one before;
    /// what it is shown at is not changed by that.
    mutating func placeVideo(_ milliseconds: Int64, bridging: Bool) -> Int64 {
        let due = max(0, milliseconds * MP4Limits.videoTick)
        var time = due
        if let latest {
            time = max(due, latest + 1)
            let furthest = latest + 2 * interval
            if bridging && time > furthest && time - furthest <= MP4Limits.longestBridge { time = furthest }
            if due > latestDue {
                interval = min(max(due - latestDue, MP4Limits.intervals.lowerBound), MP4Limits.intervals.upperBound)
            }
        }
        latest = time
        latestDue = due
        return time
    }
}
