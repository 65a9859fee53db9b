import Media

/// One track of a movie: what players and playlists want to know of it, and what its frames need.
public struct MovieTrack: Sendable {
    public let kind: MediaKind
    /// Of multitrack messages; 0 of all others.
    public let id: UInt8
    /// Its track_ID. It follows from kind and id alone, so that every node gives the same.
    public let number: UInt32

    var format: TrackFormat
    /// The sequence header that the format was made of.
    var record: [UInt8]
    var clock = TrackClock()
    var isSelected = false

    init(_ kind: MediaKind, id: UInt8, format: TrackFormat, record: [UInt8]) {
        self.kind = kind
        self.id = id
        self.format = format
        self.record = record
        number = Self.number(kind, id)
    }

    static func number(_ kind: MediaKind, _ id: UInt8) -> UInt32 { 1 + 2 * UInt32(id) + (kind == .audio ? 1 : 0) }

    /// As in RFC 6381, for CODECS and for Media Source Extensions.
    public var codecString: String { format.codecString }
    /// Pixels of a picture; 0 of audio, and until they are known.
    public var width: Int { format.width }
    public var height: Int { format.height }
    /// Hz of audio; 0 of video.
    public var sampleRate: Int { format.sampleRate }
    public var channels: Int { format.channels }
    /// Ticks a second of the track's times.
    public var timescale: UInt32 { kind == .video ? MP4Limits.videoTimescale : UInt32(clamping: format.sampleRate) }

    /// Everything is known that the sample entry says.
    public var isReady: Bool {
        kind == .video ? format.width > 0 && format.height > 0 : format.sampleRate > 0 && timescale > 0
    }
}
