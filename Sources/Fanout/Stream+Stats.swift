/// What can be told of a stream at any time, from its logs.
import HLS

extension Stream {
    public var logBytes: Int { channels.reduce(0) { $0 + $1.writer.retainedBytes } }

    /// Pictures a second, by their timestamps.
    public var frameRate: Double { channels[0].writer.rate(of: .video, without: .configuration) }

    public var logMilliseconds: Int64 {
        let frames = channels[0].writer
        guard let oldest = frames.oldestMark?.timestamp, let newest = frames.newestTimestamp else { return 0 }
        return newest - oldest
    }

    /// Milliseconds from one keyframe to the next, or those since the last, where that is longer.
    public var keyframeInterval: Int64 { keyframes.distance }

    /// Whether the encoder is to be told that its keyframes are further apart than segments may be long. True once in a
    /// publish session.
    public func hasFarKeyframes() -> Bool {
        guard publisher?.isUpstream == false else { return false }
        return keyframes.exceeds(SegmentNumbering.longestSegment)
    }
}
