/// How busy a loop's processor is, and what distance between flushes follows from it.
///
/// The distance grows by small steps while the thread is nearly always running, and shrinks when there is room again:
/// viewers of an idle machine see each frame at once, those of a full one see two or three together.
struct LoadGauge {
    private(set) var busy = 0.0
    private var spacing: UInt64 = 0
    private let limit: UInt64
    private var lastCPU: UInt64?
    private var lastNow: UInt64 = 0

    private static let high = 0.92
    private static let low = 0.75
    private static let step: UInt64 = 15

    init(limit: UInt64) { self.limit = limit }

    /// Both in nanoseconds. Returns the least milliseconds between two flushes of a stream.
    mutating func measure(cpu: UInt64, now: UInt64) -> UInt64 {
        defer {
            lastCPU = cpu
            lastNow = now
        }
        guard let lastCPU, now > lastNow else { return spacing }
        busy = Double(cpu - lastCPU) / Double(now - lastNow)
        if busy > LoadGauge.high {
            spacing = min(limit, spacing + LoadGauge.step)
        } else if busy < LoadGauge.low {
            spacing -= min(spacing, LoadGauge.step)
        }
        return spacing
    }
}
