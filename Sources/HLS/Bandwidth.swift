/// What a rendition's segments weigh, in bits per second, for `BANDWIDTH` and `AVERAGE-BANDWIDTH`.
public struct Bandwidth: Hashable, Sendable {
    /// The peak segment bit rate (RFC 8216bis §3): the highest of any contiguous segments that together last between
    /// half a target duration and one and a half.
    public var peak: Int
    public var average: Int

    public init(peak: Int, average: Int) {
        self.peak = peak
        self.average = average
    }
}

extension MediaPlaylist {
    /// Measured over the segments that can be fetched; nil while none is whole. Segments below half a target duration
    /// count with those that follow them.
    public var bandwidth: Bandwidth? {
        var size = 0
        var duration: Int64 = 0
        var peak = 0
        for index in segments.indices where !segments[index].isGap {
            size += segments[index].size
            duration += segments[index].duration
            peak = max(peak, self.peak(from: index))
        }
        guard duration > 0 else { return nil }
        let average = Self.rate(size, duration)
        return Bandwidth(peak: max(peak, average), average: average)
    }

    private func peak(from first: Int) -> Int {
        var size = 0
        var duration: Int64 = 0
        var peak = 0
        for segment in segments[first...] {
            if segment.isGap || duration > 0 && (duration + segment.duration) * 2 > targetDuration * 3 { break }
            size += segment.size
            duration += segment.duration
            if duration * 2 >= targetDuration { peak = max(peak, Self.rate(size, duration)) }
        }
        return peak
    }

    /// Bits per second, rounded up; in integers, because `ceil` would be the one reason to link a library of
    /// mathematics.
    private static func rate(_ size: Int, _ microseconds: Int64) -> Int {
        let milliseconds = max(1, Int(microseconds / 1_000))
        return (size * 8_000 + milliseconds - 1) / milliseconds
    }
}
