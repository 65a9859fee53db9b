//! How long a viewer saw nothing: the longest time between two pictures, over the measured time and over the interval
//! that is being reported.
//!
//! Invariants: before the first picture there is no silence; a silence that lasts over the end of an interval is seen
//! in each interval that it touches, as long as it was by then; pictures
//! come in order.

struct Silence {
    private(set) var lastPicture: UInt64?
    private var longest: UInt64 = 0
    private var longestLately: UInt64 = 0

    /// A picture has come; the nanoseconds since the one before.
    mutating func picture(at time: UInt64) -> UInt64 {
        let gap = ongoing(at: time)
        lastPicture = time
        longest = max(longest, gap)
        longestLately = max(longestLately, gap)
        return gap
    }

    /// The measured time begins. A silence that has begun already counts whole when it ends later.
    mutating func startMeasuring() {
        longest = 0
        longestLately = 0
    }

    /// Since the last picture; none when one came behind `time`, in the turn that was going on then.
    func ongoing(at time: UInt64) -> UInt64 { lastPicture.map { time - min(time, $0) } ?? 0 }

    /// The longest of the measured time up to now.
    func longest(until time: UInt64) -> UInt64 { max(longest, ongoing(at: time)) }

    /// The longest of the interval that ends now; the next one begins.
    mutating func nextInterval(at time: UInt64) -> UInt64 {
        defer { longestLately = 0 }
        return max(longestLately, ongoing(at: time))
    }
}
