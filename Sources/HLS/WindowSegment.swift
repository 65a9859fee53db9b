/// A segment as a playlist knows it: its numbers, its length, and where its parts end, but none of its bytes.
struct WindowSegment: Sendable {
    struct Part: Sendable {
        /// Microseconds.
        var duration: Int64
        var size: Int
        var isIndependent: Bool
    }

    let number: UInt32
    let discontinuity: UInt32
    /// Microseconds since 1970 of its first frame, by the origin's clock; nil where it would contradict the segment
    /// before it.
    var date: Int64?
    let initialisation: UInt64
    let isIndependent: Bool
    /// Microseconds; while the segment is open, the sum of its parts.
    var duration: Int64 = 0
    var size = 0
    /// Known to exist, but not whole at this node (`EXT-X-GAP`).
    var isGap = false
    var parts: [Part] = []
    /// Milliseconds; set when it leaves the playlist.
    var keepUntil: Int64 = .max
}
