/// Delays of the newest frames. Adding is a store; the figures are worked out when somebody asks.
public struct DelayMeter: Sendable {
    /// Some five seconds of video and audio.
    private static let capacity = 256
    private var count = 0
    private var next = 0
    private var newest = InlineArray<256, Int32>(repeating: 0)

    public init() {}

    /// Microseconds; a clock that is a little off can make them negative, which counts as none.
    public mutating func add(_ microseconds: Int64) {
        newest[next] = Int32(clamping: max(0, microseconds))
        next = (next + 1) % DelayMeter.capacity
        count = min(count + 1, DelayMeter.capacity)
    }

    /// Milliseconds that `share` of the frames did not exceed; 0 before the first.
    public func milliseconds(_ share: Double) -> Double {
        guard count > 0 else { return 0 }
        var sorted = (0..<count).map { newest[$0] }
        sorted.sort()
        let index = Int((Double(count - 1) * min(1, max(0, share))).rounded(.up))
        return Double(sorted[index]) / 1000
    }
}
