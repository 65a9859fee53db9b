import Media

/// The header of one chunk (RTMP 1.0 §5.3.1), in any of its four formats.
struct ChunkHeader {
    /// How far an extended timestamp in a format 3 header may lie ahead of the last one, in milliseconds, and still be
    /// believed to be a timestamp and not the beginning of a payload.
    private static let believableStep: UInt32 = 60_000

    let format: UInt8
    let chunkStream: UInt32
    /// Where the chunk stream is in the table, or nil if this is its first chunk.
    let index: Int?
    /// Bytes of the header.
    let size: Int
    var time: UInt32 = 0
    var length = 0
    var type: UInt8 = 0
    var messageStream: UInt32 = 0
    var extended: UInt32?

    /// Reads a header, or returns nil when `bytes` ends within it.
    init?(_ bytes: Span<UInt8>, streams: [ChunkStream]) throws(RTMPError) {
        guard let basic = Self.basic(bytes) else { return nil }
        format = bytes[0] >> 6
        let id = basic.chunkStream
        chunkStream = id
        index = streams.firstIndex { $0.id == id }
        // librtmp opens its control stream with a format 1 header; nothing opens one with less.
        if format >= 2, index == nil { throw .chunkWithoutHeader(chunkStream: Int(id)) }

        var at = basic.size
        if format == 3 {
            if let index, let repeated = streams[index].extended {
                switch Self.repeatedTimestamp(bytes, at, repeated, streams[index]) {
                case .unknown: return nil
                case .absent: break
                case .present(let value):
                    extended = value
                    at += 4
                }
            }
            size = at
            return
        }
        let fixed = format == 0 ? 11 : format == 1 ? 7 : 3
        guard bytes.count >= at + fixed else { return nil }
        time = bytes.u24(at: at)
        if format <= 1 {
            length = Int(bytes.u24(at: at + 3))
            type = bytes[at + 6]
        }
        if format == 0 { messageStream = bytes.u32le(at: at + 7) }
        at += fixed
        if time == 0xFFFFFF {
            guard bytes.count >= at + 4 else { return nil }
            extended = bytes.u32(at: at)
            at += 4
        }
        size = at
    }

    /// The chunk stream number, in one, two or three bytes (RTMP 1.0 §5.3.1.1).
    private static func basic(_ bytes: Span<UInt8>) -> (chunkStream: UInt32, size: Int)? {
        guard bytes.count >= 1 else { return nil }
        switch bytes[0] & 0x3F {
        case 0:
            guard bytes.count >= 2 else { return nil }
            return (UInt32(bytes[1]) + 64, 2)
        case 1:
            guard bytes.count >= 3 else { return nil }
            return (UInt32(bytes[1]) + UInt32(bytes[2]) << 8 + 64, 3)
        case let id: return (UInt32(id), 1)
        }
    }

    private enum Repeated {
        case present(UInt32)
        case absent
        /// More bytes are needed to tell.
        case unknown
    }

    /// Tells whether a format 3 header repeats the extended timestamp.
    ///
    /// The specification says that it does (§5.3.1.3) and most senders do, but some leave it out. So four bytes that
    /// are the value of the last field, or the message's time, are that field; anything else is payload. A message
    /// that begins with such a header may bring a later time of its own.
    private static func repeatedTimestamp(
        _ bytes: Span<UInt8>, _ at: Int, _ field: UInt32, _ stream: ChunkStream
    ) -> Repeated {
        let have = min(4, bytes.count - at)
        guard have == 4 else {
            if stream.isOpen {
                let couldBe = hasPrefix(bytes, at, have, of: field) || hasPrefix(bytes, at, have, of: stream.timestamp)
                if !couldBe { return .absent }
            }
            return .unknown
        }
        let value = bytes.u32(at: at)
        if value == field || value == stream.timestamp { return .present(value) }
        let isLater = !stream.isOpen && value &- stream.timestamp <= believableStep
        return isLater ? .present(value) : .absent
    }

    private static func hasPrefix(_ bytes: Span<UInt8>, _ at: Int, _ count: Int, of value: UInt32) -> Bool {
        for i in 0..<count where bytes[at + i] != UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * i)) {
            return false
        }
        return true
    }
}
