/// What playlists say of the tracks on a tape. A small file beside the segments has it, for runs of the server that have
/// not seen them: a line of JSON for the stream, and one for each audio track.
public struct TapeTitle: Sendable, Equatable {
    public struct Audio: Sendable, Equatable {
        /// 0 for the track that is in the main segments.
        public var number: UInt8
        public var name: String
        public var language: String
        public var codec: String
        /// 0 where that is not known.
        public var channels: Int

        public init(number: UInt8, name: String, language: String, codec: String, channels: Int) {
            self.number = number
            self.name = name
            self.language = language
            self.codec = codec
            self.channels = channels
        }
    }

    /// Of the main segments, as RFC 6381 calls them, with commas between; empty where they are not known.
    public var codecs = ""
    /// 0 and 0 where that is not known.
    public var width = 0
    public var height = 0
    /// In the order of their numbers.
    public private(set) var audio: [Audio] = []

    public init() {}

    public mutating func learn(_ track: Audio) {
        audio.removeAll { $0.number == track.number }
        audio.insert(track, at: audio.firstIndex { $0.number > track.number } ?? audio.count)
    }

    // MARK: Its file

    static let file = "title.jsonl"
    /// Bytes of the largest that is read.
    static let mostBytes = 64 << 10

    public var text: String {
        var lines = [
            FlatJSON.line([
                ("codecs", .string(codecs)), ("width", .number(Int64(width))), ("height", .number(Int64(height))),
            ])
        ]
        lines += audio.map { track in
            FlatJSON.line([
                ("audio", .number(Int64(track.number))), ("name", .string(track.name)),
                ("language", .string(track.language)), ("codec", .string(track.codec)),
                ("channels", .number(Int64(track.channels))),
            ])
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Lines that make no sense are left out: the file may have been edited.
    public init(text: [UInt8]) {
        for line in text.split(separator: 0x0a).compactMap({ FlatJSON.members($0) }) {
            func number(_ key: String) -> Int { if case .number(let value) = line[key] { Int(value) } else { 0 } }
            func string(_ key: String) -> String { if case .string(let value) = line[key] { value } else { "" } }
            if line["audio"] == nil {
                (codecs, width, height) = (string("codecs"), max(0, number("width")), max(0, number("height")))
            } else if let track = UInt8(exactly: number("audio")) {
                learn(
                    Audio(
                        number: track, name: string("name"), language: string("language"), codec: string("codec"),
                        channels: max(0, number("channels"))))
            }
        }
    }
}
