/// Cuts a segment into parts by the times of its own frames alone, so that every node cuts the same ones (RFC 8216bis
/// §4.4.4.9): none longer than `PART-TARGET`, and none but a segment's last shorter than 85 % of it, as far as the
/// frames of the stream allow. ``target(near:frameInterval:)`` finds a `PART-TARGET` that they allow.
///
/// Invariant: where a part ends depends on the setting and on the times of its own frames, never on what came before it,
/// nor on the `PART-TARGET` that a node announces: nodes measure that at different times.
///
/// Keyframes inside a segment do not end a part: a part that is cut short before one would break the rule.
/// All times are in microseconds.
public struct PartCutter: Sendable {
    private let setting: Int64
    /// Of the part.
    private var start: Int64?
    /// Of the segment, and how many steps of time its frames have made since.
    private var segmentStart: Int64 = 0
    private var steps: Int64 = 0
    private var isVideo = false
    private var newest: Int64 = 0

    /// The shortest part that is allowed, as a share of the target.
    public static let shortestPercent: Int64 = 85
    /// What times in milliseconds differ from the true ones, at both ends of a part.
    private static let rounding: Int64 = 2_000
    /// What that makes of a part and half a frame.
    private static let uncertainty: Int64 = 1_500
    /// Settings and intervals from here on are nobody's: 1,000 s.
    private static let longestSetting: Int64 = 1_000_000_000

    /// `setting`: what parts are cut toward.
    public init(setting: Int64) { self.setting = min(max(1, setting), Self.longestSetting) }

    /// The longest that a part may be, by the rate of the segment's pictures so far; the setting where there are none.
    public var longest: Int64 {
        let (elapsed, isBeyond) = newest.subtractingReportingOverflow(segmentStart)
        return Self.target(near: setting, frameInterval: isVideo && steps > 0 && !isBeyond ? elapsed / steps : 0)
    }

    /// A segment begins with a frame at this time. `isVideo`: parts are whole pictures, and may be a little longer than
    /// the setting where that comes nearest to it; sound comes in pieces so small that they never are.
    public mutating func beginSegment(at time: Int64, isVideo: Bool) {
        self.isVideo = isVideo
        start = time
        segmentStart = time
        steps = 0
        newest = time
    }

    /// Whether a part ends before the frame at this time, which then begins the next one. Asked for the frames of one
    /// track, in order: the video where there is any.
    public mutating func cut(before time: Int64) -> Bool {
        guard let start else {
            beginSegment(at: time, isVideo: isVideo)
            return false
        }
        guard time > newest else { return false }
        let (step, isBeyond) = time.subtractingReportingOverflow(newest)
        newest = time
        steps += 1
        let (part, isFar) = time.subtractingReportingOverflow(start)
        guard isBeyond || isFar || isFull(part, step) else { return false }
        self.start = time
        return true
    }

    /// Whether a part of that length is nearer to the setting than one of a frame more. A tie goes to the longer one, on
    /// every node and in every part, however the times have been rounded.
    private func isFull(_ part: Int64, _ step: Int64) -> Bool {
        guard isVideo else { return part > setting - step }
        return part >= setting + Self.uncertainty - step / 2 && part >= Self.least(setting)
    }

    private static func least(_ setting: Int64) -> Int64 { setting * shortestPercent / 100 + rounding }

    /// The smallest part target from `setting` on whose parts can be whole frames: as many as come nearest to it.
    /// `frameInterval`: 0 where it is not known.
    public static func target(near setting: Int64, frameInterval: Int64) -> Int64 {
        guard setting > 0, setting < longestSetting, frameInterval > 0, frameInterval < longestSetting else {
            return max(1, setting)
        }
        // By the nearest rate of whole or half pictures a second: between those there is none that encoders use, and
        // times in milliseconds differ by less. So what is announced and what is cut are the same number of pictures.
        let halfRate = (2_000_000 + frameInterval / 2) / frameInterval
        let isSlow = halfRate < 2
        let interval = isSlow ? frameInterval : max(1, 2_000_000 / halfRate)
        // The most that ``cut(before:)`` makes of such frames, whatever rounding does to their times.
        let enough = max(setting + 2 * uncertainty - interval / 2, least(setting) + rounding / 2)
        let frames = max(1, (enough + interval - 1) / interval)
        return max(setting, (isSlow ? frames * interval : frames * 2_000_000 / halfRate) + rounding)
    }
}
