/// What an audio track is, as its configuration or its first frame says.
///
/// A sample rate or channel count of 0 means that the stream has not said.
public struct AudioFormat: Sendable, Equatable {
    public var codec: AudioCodec
    /// "LC", "HE-AAC", "HE-AACv2"; empty where the codec has no profiles.
    public var profile: String
    /// Of the decoder's output, in Hz.
    public var sampleRate: Int
    public var channels: Int
    /// As in RFC 6381: "mp4a.40.2", "opus".
    public var codecString: String

    public init(
        codec: AudioCodec, profile: String = "", sampleRate: Int = 0, channels: Int = 0, codecString: String? = nil
    ) {
        self.codec = codec
        self.profile = profile
        self.sampleRate = sampleRate
        self.channels = channels
        self.codecString = codecString ?? Self.codecString(of: codec)
    }

    private static func codecString(of codec: AudioCodec) -> String {
        switch codec {
        case .aac: "mp4a.40.2"
        case .mp3: "mp4a.6b"
        case .ac3: "ac-3"
        case .eac3: "ec-3"
        case .g711a: "alaw"
        case .g711u: "ulaw"
        default: codec.name
        }
    }
}
