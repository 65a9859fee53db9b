/// Bits per second over the last `window` milliseconds.
///
/// A ring of ten buckets, each a tenth of the window wide: adding is one addition, asking sums ten numbers, nothing is
/// allocated. Time is passed in (the loop's milliseconds) and may stand still; a step back counts as standing still.
public struct RateMeter: Sendable {
    private static let buckets = 10

    private let width: UInt64
    private var counts = InlineArray<10, UInt64>(repeating: 0)
    /// Number of the newest bucket, counted in widths since time zero.
    private var newest: UInt64 = 0
    private var started: UInt64?

    /// `window`: milliseconds to average over.
    public init(window: UInt64 = 5000) { width = max(1, window / UInt64(Self.buckets)) }

    public mutating func add(bytes: Int, at now: UInt64) {
        if started == nil {
            started = now
            newest = now / width
        }
        advance(to: now / width)
        counts[slot(newest)] &+= UInt64(max(0, bytes))
    }

    public mutating func bitsPerSecond(at now: UInt64) -> Double {
        guard let started else { return 0 }
        advance(to: now / width)
        let span = UInt64(Self.buckets - 1) * width
        let oldest = max(started, newest * width > span ? newest * width - span : 0)
        // Less than one bucket of history would make the first burst look enormous.
        let elapsed = max(width, now > oldest ? now - oldest : 0)
        var bytes: UInt64 = 0
        for i in 0..<Self.buckets { bytes &+= counts[i] }
        return Double(bytes) * 8000 / Double(elapsed)
    }

    private mutating func advance(to bucket: UInt64) {
        guard bucket > newest else { return }
        for step in 1...min(bucket - newest, UInt64(Self.buckets)) { counts[slot(newest + step)] = 0 }
        if bucket - newest > UInt64(Self.buckets) { for i in 0..<Self.buckets { counts[i] = 0 } }
        newest = bucket
    }

    private func slot(_ bucket: UInt64) -> Int { Int(bucket % UInt64(Self.buckets)) }
}
