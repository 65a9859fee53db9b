/// A picture of a stream: its keyframe as JPEG.
public struct Still: Sendable, Equatable {
    /// Which keyframe it shows: two of one stream are the same only if both are equal.
    public struct Mark: Sendable, Hashable {
        /// Of the publish session.
        public var epoch: UInt64
        /// Milliseconds on the stream's timeline.
        public var timestamp: Int64

        public init(epoch: UInt64, timestamp: Int64) {
            self.epoch = epoch
            self.timestamp = timestamp
        }
    }

    public let jpeg: [UInt8]
    public let mark: Mark

    public init(jpeg: [UInt8], mark: Mark) {
        self.jpeg = jpeg
        self.mark = mark
    }

    /// A strong entity tag, quotes included.
    public var tag: String {
        "\"\(String(mark.epoch, radix: 16))-\(String(mark.timestamp, radix: 16))-\(jpeg.count)\""
    }

    /// Whether the bytes are one JPEG from its first marker to its last: a program that was killed or that failed leaves
    /// less.
    public static func isWhole(_ bytes: [UInt8]) -> Bool {
        bytes.count > 4 && bytes.starts(with: [0xff, 0xd8, 0xff]) && bytes.suffix(2).elementsEqual([0xff, 0xd9])
    }
}
