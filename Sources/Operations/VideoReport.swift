/// What a stream's video is: from its codec configuration, and as measured.
public struct VideoReport: Sendable, Equatable {
    /// Short name: `h264`, `h265`, `av1`, `vp9`; the FourCC of any other.
    public var codec: String
    /// `High`, `Main 10`; empty if the configuration does not say.
    public var profile: String
    /// `3.1`; empty if the configuration does not say.
    public var level: String
    /// Pixels; 0 while unknown.
    public var width: Int
    /// Pixels; 0 while unknown.
    public var height: Int
    /// Frames per second as measured, not as announced; 0 while unknown.
    public var frameRate: Double
    /// Seconds between the last two keyframes; 0 while unknown.
    public var keyframeInterval: Double
    /// RFC 6381 name for a browser: `avc1.64001f`.
    public var codecString: String

    public init(
        codec: String, profile: String = "", level: String = "", width: Int = 0, height: Int = 0, frameRate: Double = 0,
        keyframeInterval: Double = 0, codecString: String = ""
    ) {
        self.codec = codec
        self.profile = profile
        self.level = level
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.keyframeInterval = keyframeInterval
        self.codecString = codecString
    }
}
