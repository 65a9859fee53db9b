/// Writes messages as chunks (RTMP 1.0 §5.3). Data plane: runs once per frame and stream.
///
/// Every message begins with a full header (format 0), so that a viewer may join before any of them, and repeats an
/// extended timestamp in each further chunk, as Flash, ffmpeg, librtmp and nginx-rtmp expect.
public enum ChunkEncoder {
    /// Message header with its one-byte chunk stream number.
    private static let headerSize = 12
    /// From here on a timestamp moves to the extended field.
    private static let extended: UInt32 = 0xFFFFFF

    /// Bytes that `encode` writes.
    public static func encodedSize(payloadCount: Int, timestamp: UInt32, chunkSize: Int) -> Int {
        let continuations = payloadCount == 0 ? 0 : (payloadCount - 1) / chunkSize
        let perChunk = timestamp >= extended ? 4 : 0
        return headerSize + perChunk + payloadCount + continuations * (1 + perChunk)
    }

    /// Writes one message to `target`, which holds at least `encodedSize` bytes, and returns how many it wrote.
    @discardableResult
    public static func encode(
        type: UInt8, timestamp: UInt32, messageStream: UInt32, payload: UnsafeRawBufferPointer, chunkSize: Int,
        into target: UnsafeMutableRawPointer
    ) -> Int {
        precondition(chunkSize > 0 && payload.count <= 0xFFFFFF)
        let chunkStream = chunkStream(of: type)
        let isExtended = timestamp >= extended
        var at = target
        put(chunkStream, &at)
        put24(isExtended ? extended : timestamp, &at)
        put24(UInt32(payload.count), &at)
        put(type, &at)
        // The one little-endian field of the protocol.
        at.storeBytes(of: messageStream.littleEndian, as: UInt32.self)
        at += 4
        if isExtended { put32(timestamp, &at) }

        var sent = 0
        while sent < payload.count {
            if sent > 0 {
                put(0xC0 | chunkStream, &at)
                if isExtended { put32(timestamp, &at) }
            }
            let part = min(chunkSize, payload.count - sent)
            // Safe: `sent + part <= payload.count`, and an empty payload never gets here.
            at.copyMemory(from: payload.baseAddress! + sent, byteCount: part)
            at += part
            sent += part
        }
        return at - target
    }

    /// Sound and picture, data, commands and control each have a chunk stream of their own.
    private static func chunkStream(of type: UInt8) -> UInt8 {
        switch type {
        case MessageType.audio: 4
        case MessageType.video: 6
        case MessageType.data: 5
        case 1...6: 2
        default: 3
        }
    }

    private static func put(_ value: UInt8, _ at: inout UnsafeMutableRawPointer) {
        at.storeBytes(of: value, as: UInt8.self)
        at += 1
    }

    private static func put24(_ value: UInt32, _ at: inout UnsafeMutableRawPointer) {
        put(UInt8(truncatingIfNeeded: value >> 16), &at)
        put(UInt8(truncatingIfNeeded: value >> 8), &at)
        put(UInt8(truncatingIfNeeded: value), &at)
    }

    private static func put32(_ value: UInt32, _ at: inout UnsafeMutableRawPointer) {
        at.storeBytes(of: value.bigEndian, as: UInt32.self)
        at += 4
    }
}

extension [UInt8] {
    /// Appends one message as chunks.
    mutating func append(
        message type: UInt8, timestamp: UInt32 = 0, stream: UInt32 = 0, _ payload: [UInt8], chunkSize: Int
    ) {
        let size = ChunkEncoder.encodedSize(payloadCount: payload.count, timestamp: timestamp, chunkSize: chunkSize)
        let start = count
        append(contentsOf: repeatElement(0, count: size))
        // Safe: `size` bytes were just made room for behind `start`, which is what `encode` asks for.
        withUnsafeMutableBytes { target in
            payload.withUnsafeBytes { bytes in
                _ = ChunkEncoder.encode(
                    type: type, timestamp: timestamp, messageStream: stream, payload: bytes, chunkSize: chunkSize,
                    into: target.baseAddress! + start)
            }
        }
    }
}
