/// Decides when what was appended is written to viewers.
///
/// A write costs the kernel the same whatever it carries, so viewers are written to when a video frame is complete;
/// audio in between rides along, and waits no longer than the interval. Under processor pressure several video frames
/// share a flush. Pure: time comes in.
struct FlushClock {
    enum Due: Equatable {
        case now
        case after(UInt64)
        case nothing
    }

    private let interval: UInt64
    private var videoWaits = false
    /// When the oldest frame that readers do not know of was appended.
    private var waitingSince: UInt64?
    private var lastFlush: UInt64 = 0

    init(interval: UInt64) { self.interval = interval }

    mutating func appended(video: Bool, now: UInt64) {
        if video { videoWaits = true }
        if waitingSince == nil { waitingSince = now }
    }

    mutating func reset() {
        videoWaits = false
        waitingSince = nil
    }

    mutating func flushed(now: UInt64) {
        reset()
        lastFlush = now
    }

    /// `pressure` is the shortest time between two flushes that the processor can bear at present.
    func due(now: UInt64, pressure: UInt64) -> Due {
        guard let waitingSince else { return .nothing }
        let deadline = videoWaits ? lastFlush + pressure : max(waitingSince + interval, lastFlush + pressure)
        return deadline <= now ? .now : .after(deadline - now)
    }
}
