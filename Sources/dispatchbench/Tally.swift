/// Samples and their quantiles, a clock, and seeded chance.
@preconcurrency import Glibc

struct Tally {
    private var samples: [Double] = []
    private var isSorted = false

    var count: Int { samples.count }

    mutating func add(_ value: Double) {
        samples.append(value)
        isSorted = false
    }

    /// The value that `share` of the samples do not pass.
    mutating func quantile(_ share: Double) -> Double {
        guard !samples.isEmpty else { return 0 }
        if !isSorted { samples.sort() }
        isSorted = true
        return samples[min(samples.count - 1, Int(Double(samples.count) * share))]
    }

    var mean: Double { samples.isEmpty ? 0 : samples.reduce(0, +) / Double(samples.count) }

    mutating func line(unit: String) -> String {
        "median \(fixed(quantile(0.5), 1)), 99 % \(fixed(quantile(0.99), 1)), "
            + "99.9 % \(fixed(quantile(0.999), 1)), longest \(fixed(quantile(1), 1)) \(unit)"
    }
}

func nanoseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
}

func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    var fraction = String(scaled % scale)
    fraction = String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    return (value < 0 && scaled > 0 ? "-" : "") + String(scaled / scale) + (digits > 0 ? "." + fraction : "")
}

/// SplitMix64.
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Places that want each stream: the first is wanted everywhere, the k-th by a k-th as many, at least by one.
func zipfAudience(streams: Int, places: Int, largest: Double) -> [Int] {
    (1...streams).map { max(1, min(places, Int(largest / Double($0)))) }
}
