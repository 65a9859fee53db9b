//! Durations counted in logarithmic buckets, 64 to a power of two: any percentile to within 1.6 percent.

struct Histogram {
    private static let bits = 6
    private static let perPower = 1 << bits

    /// Microseconds up to 2^40, which is twelve days.
    private var buckets = [UInt64](repeating: 0, count: (40 - bits + 1) * perPower)
    private(set) var count: UInt64 = 0
    private(set) var largest: UInt64 = 0

    mutating func record(nanoseconds: UInt64) {
        let value = min(nanoseconds / 1000, 1 << 39)
        buckets[Histogram.bucket(value)] += 1
        count += 1
        largest = max(largest, value)
    }

    /// The value below which `fraction` of the recorded ones lie, in milliseconds.
    func percentile(_ fraction: Double) -> Double {
        guard count > 0 else { return 0 }
        let wanted = max(1, UInt64((fraction * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for index in buckets.indices where buckets[index] > 0 {
            seen += buckets[index]
            if seen >= wanted { return Double(min(Histogram.upperEdge(index), largest)) / 1000 }
        }
        return Double(largest) / 1000
    }

    var maximum: Double { Double(largest) / 1000 }

    private static func bucket(_ value: UInt64) -> Int {
        guard value >= UInt64(perPower) else { return Int(value) }
        let power = 63 - value.leadingZeroBitCount
        return (power - bits) * perPower + Int(value >> UInt64(power - bits))
    }

    private static func upperEdge(_ bucket: Int) -> UInt64 {
        guard bucket >= 2 * perPower else { return UInt64(bucket) }
        let power = UInt64(bucket / perPower - 1)
        let base = UInt64(bucket % perPower + perPower)
        return (base + 1) << power - 1
    }
}
