/// What a stream's audio is, from its codec configuration.
public struct AudioReport: Sendable, Equatable {
    /// Short name: `aac`, `mp3`, `opus`; the FourCC of any other.
    public var codec: String
    /// `LC`, `HE`; empty if the configuration does not say.
    public var profile: String
    /// Hz; 0 while unknown.
    public var sampleRate: Int
    /// 0 while unknown.
    public var channels: Int
    /// RFC 6381 name for a browser: `mp4a.40.2`.
    public var codecString: String

    public init(
        codec: String, profile: String = "", sampleRate: Int = 0, channels: Int = 0, codecString: String = ""
    ) {
        self.codec = codec
        self.profile = profile
        self.sampleRate = sampleRate
        self.channels = channels
        self.codecString = codecString
    }
}
