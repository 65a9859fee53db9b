import Media

/// The well-known properties of an `onMetaData` message: what a publisher says of its stream, for stats and the page.
///
/// They are claims: a stream's codec configuration is believed before them.
public struct StreamMetadata: Sendable, Equatable {
    public var width: Double?
    public var height: Double?
    public var frameRate: Double?
    /// Kilobits a second.
    public var videoDataRate: Double?
    public var audioDataRate: Double?
    public var audioSampleRate: Double?
    public var audioChannels: Double?
    public var encoder: String?
    /// What is said of single audio tracks (`audioTrackIdInfoMap` of E-RTMP v2), by their numbers.
    public var audioTracks: [UInt8: AudioTrack] = [:]

    public struct AudioTrack: Sendable, Equatable {
        public var name = ""
        /// A tag of RFC 5646, or a code of ISO 639-2.
        public var language = ""

        public init(name: String = "", language: String = "") {
            self.name = name
            self.language = language
        }
    }

    public init() {}

    /// Bytes of the longest encoder name kept, and of the longest name of a track.
    private static let longestEncoder = 256
    private static let longestName = 128

    /// Reads a script message, with or without `@setDataFrame`; nil when it is another event than `onMetaData`.
    public static func parse(_ body: Span<UInt8>) throws(FLVError) -> StreamMetadata? {
        // An AMF3 data message is an AMF0 one behind a zero byte.
        var reader = AMF0Walker(position: body.count > 0 && body[0] == 0 ? 1 : 0)
        guard var name = try reader.string(body) else { return nil }
        if name == "@setDataFrame" {
            guard let inner = try reader.string(body) else { return nil }
            name = inner
        }
        guard name == "onMetaData" else { return nil }
        var result = StreamMetadata()
        var tracks: Int?
        try reader.forEachProperty(body) { name, value in
            if name == trackMap, case .object(let place) = value { tracks = place }
            result.take(name, value)
        }
        if let tracks { try result.takeTracks(body, at: tracks) }
        return result
    }

    private static let trackMap = "audioTrackIdInfoMap"

    /// Each track is an object of its own; what stands under other names than numbers is passed over.
    private mutating func takeTracks(_ body: Span<UInt8>, at place: Int) throws(FLVError) {
        var places: [UInt8: Int] = [:]
        var reader = AMF0Walker(position: place)
        try reader.forEachProperty(body) { name, value in
            if let id = UInt8(name), case .object(let place) = value { places[id] = place }
        }
        for (id, place) in places {
            var track = AudioTrack()
            var reader = AMF0Walker(position: place)
            try reader.forEachProperty(body) { name, value in
                guard case .string(let text) = value else { return }
                let short = String(decoding: text.utf8.prefix(Self.longestName), as: UTF8.self)
                if name == "language" { track.language = short }
                if name == "name" { track.name = short }
            }
            audioTracks[id] = track
        }
    }

    private mutating func take(_ name: String, _ value: AMF0Walker.Value) {
        switch (name, value) {
        case ("width", .number(let number)): width = number
        case ("height", .number(let number)): height = number
        case ("framerate", .number(let number)), ("videoframerate", .number(let number)): frameRate = number
        case ("videodatarate", .number(let number)): videoDataRate = number
        case ("audiodatarate", .number(let number)): audioDataRate = number
        case ("audiosamplerate", .number(let number)): audioSampleRate = number
        case ("audiochannels", .number(let number)): audioChannels = number
        case ("stereo", .boolean(let isStereo)) where audioChannels == nil: audioChannels = isStereo ? 2 : 1
        case ("encoder", .string(let text)):
            encoder = String(decoding: text.utf8.prefix(Self.longestEncoder), as: UTF8.self)
        default: break
        }
    }
}
