/// Frame rate and keyframe interval, measured from decoding timestamps.
///
/// Timestamps count, not arrival: a burst after a stall is still 30 frames per second. FLV rounds to milliseconds, so
/// the rate is taken over the last 64 frames, where rounding costs less than a thousandth. A timestamp that goes
/// back or leaps starts the measurement anew and leaves the last keyframe interval standing.
public struct FrameMeter: Sendable {
    private static let capacity = 64
    /// A gap longer than this, in milliseconds, is a cut in the stream and says nothing of its rate.
    private static let longestGap: Int64 = 10_000

    private var times = InlineArray<64, Int64>(repeating: 0)
    private var count = 0
    private var next = 0
    private var lastKeyframe: Int64?

    /// Seconds between the last two keyframes; 0 while there were not two.
    public private(set) var keyframeInterval: Double = 0

    public init() {}

    /// A video frame with its decoding timestamp in milliseconds.
    public mutating func add(timestamp: Int64, keyframe: Bool) {
        if count > 0 {
            let (gap, overflow) = timestamp.subtractingReportingOverflow(newestTime)
            if overflow || gap < 0 || gap > Self.longestGap { restart() }
        }
        times[next] = timestamp
        next = (next + 1) % Self.capacity
        count = min(count + 1, Self.capacity)
        guard keyframe else { return }
        if let lastKeyframe { keyframeInterval = Double(timestamp - lastKeyframe) / 1000 }
        lastKeyframe = timestamp
    }

    /// Frames per second; 0 while there were not two frames.
    public var frameRate: Double {
        guard count > 1 else { return 0 }
        let oldest = times[count < Self.capacity ? 0 : next]
        let elapsed = newestTime - oldest
        return elapsed > 0 ? Double(count - 1) * 1000 / Double(elapsed) : 0
    }

    private var newestTime: Int64 { times[(next + Self.capacity - 1) % Self.capacity] }

    private mutating func restart() {
        count = 0
        next = 0
        lastKeyframe = nil
    }
}
