/// Cuts a segment into parts by the times of its frames alone, so that every node cuts the same ones (RFC 8216bis
/// §4.4.4.9): none longer than `PART-TARGET`, and none but a segment's last shorter than 85 % of it, as far as the
/// frames of the stream allow. ``target(near:frameInterval:)`` finds a `PART-TARGET` that they allow.
///
/// Keyframes inside a segment do not end a part: a part that is cut short before one would break the rule.
/// All times are in microseconds.
public struct PartCutter: Sendable {
    public let target: Int64
    private var start: Int64?
    private var newest: Int64 = 0
    private var step: Int64 = 0

    /// The shortest part that is allowed, as a share of the target.
    public static let shortestPercent: Int64 = 85
    /// What times in milliseconds differ from the true ones, at both ends of a part.
    private static let rounding: Int64 = 2_000

    public init(target: Int64) { self.target = max(1, target) }

    /// A segment begins with a frame at this time.
    public mutating func beginSegment(at time: Int64) {
        start = time
        newest = time
    }

    /// Whether a part ends before the frame at this time, which then begins the next one. Asked for the frames of one
    /// track, in order: the video where there is any.
    public mutating func cut(before time: Int64) -> Bool {
        guard let start else {
            beginSegment(at: time)
            return false
        }
        guard time > newest else { return false }
        step = time &- newest
        newest = time
        let (reach, isOverflow) = (time &- start).addingReportingOverflow(step)
        guard isOverflow || reach > target else { return false }
        self.start = time
        return true
    }

    /// The smallest part target from `setting` on whose parts can be whole frames: as many as come nearest to it.
    /// `frameInterval`: 0 where it is not known.
    public static func target(near setting: Int64, frameInterval: Int64) -> Int64 {
        let longest: Int64 = 1_000_000_000
        guard setting > 0, setting < longest, frameInterval > 0, frameInterval < longest else { return max(1, setting) }
        var frames = max(1, (setting + frameInterval / 2) / frameInterval)
        if (frames * frameInterval - rounding) * 100 < setting * shortestPercent { frames += 1 }
        return max(setting, frames * frameInterval + rounding)
    }
}
