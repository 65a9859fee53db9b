/// Bits per second over the last `window` milliseconds.
///
/// What is added came in since the addition before, so the meter is right for bytes added as they come and for a counter
/// that is looked at now and then, as long as that is more often than once a window. It keeps marks (a time, the total
/// so far) at least a tenth of the window apart; the rate is what was added since the oldest mark in the window. Adding
/// costs a comparison, nothing is allocated. Time is passed in (the loop's milliseconds) and may stand still; a step
/// back counts as standing still.
public struct RateMeter: Sendable {
    /// One more than fit into a window, for the one at its very beginning.
    private static let capacity = 11

    private let window: UInt64
    private var times = InlineArray<11, UInt64>(repeating: 0)
    private var totals = InlineArray<11, UInt64>(repeating: 0)
    private var count = 0
    /// Where the next mark goes; the oldest one, when all places are taken.
    private var next = 0
    private var total: UInt64 = 0

    /// `window`: milliseconds to average over.
    public init(window: UInt64 = 5000) { self.window = max(1, window) }

    /// The first addition only starts the measurement: nobody knows how long its bytes took.
    public mutating func add(bytes: Int, at now: UInt64) {
        total &+= UInt64(max(0, bytes))
        let newest = times[(next + Self.capacity - 1) % Self.capacity]
        guard count == 0 || (now > newest && now - newest >= window / 10) else { return }
        times[next] = now
        totals[next] = total
        next = (next + 1) % Self.capacity
        count = min(count + 1, Self.capacity)
    }

    public func bitsPerSecond(at now: UInt64) -> Double {
        for age in (0..<count).reversed() {
            let mark = (next + Self.capacity - 1 - age) % Self.capacity
            guard now > times[mark] else { return 0 }
            let elapsed = now - times[mark]
            if elapsed <= window { return Double(total &- totals[mark]) * 8000 / Double(elapsed) }
        }
        return 0
    }
}
