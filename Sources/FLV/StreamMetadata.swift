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

    public init() {}

    /// Bytes of the longest encoder name kept.
    private static let longestEncoder = 256

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
        try reader.forEachProperty(body) { name, value in result.take(name, value) }
        return result
    }

    private mutating func take(_ name: String, _ value: AMF0Walker.Scalar) {
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
