/// What a video track is, as its codec configuration says: for stats, the page's player and playlists.
///
/// A width and height of 0 and an empty profile or level mean that the stream has not said.
public struct VideoFormat: Sendable, Equatable {
    public var codec: VideoCodec
    /// As its specification names it: "High", "Main 10", "Profile 0".
    public var profile: String
    public var level: String
    public var width: Int
    public var height: Int
    /// From the bit stream's own timing; nil when it gives none.
    public var frameRate: Double?
    /// As in RFC 6381, what Media Source Extensions ask for: "avc1.64001f".
    public var codecString: String

    public init(
        codec: VideoCodec, profile: String = "", level: String = "", width: Int = 0, height: Int = 0,
        frameRate: Double? = nil, codecString: String? = nil
    ) {
        self.codec = codec
        self.profile = profile
        self.level = level
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.codecString = codecString ?? codec.name
    }

    /// The widest or highest picture believed, in pixels: twice 16K, beyond every level of every codec here.
    static let maximumDimension = 32_768
}
