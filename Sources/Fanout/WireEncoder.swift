/// Data plane. Turns a frame's body into the bytes of a wire format: once per stream, frame and kind, never per viewer.
import FLV
import HTTP
import Media
import RTMP

enum WireEncoder {
    /// RTMP players are all served on the message stream that `createStream` gives them.
    private static let messageStream: UInt32 = 1
    private static let binaryMessage: UInt8 = 2

    static func size(_ format: WireKind.Format, bodyCount: Int, timestamp: UInt32) -> Int {
        switch format {
        case .flv:
            return FLVTag.encodedSize(payloadCount: bodyCount)
        case .webSocketFLV:
            let tag = FLVTag.encodedSize(payloadCount: bodyCount)
            return WebSocket.headerSize(payloadCount: tag) + tag
        case .rtmp:
            return ChunkEncoder.encodedSize(
                payloadCount: bodyCount, timestamp: timestamp, chunkSize: ServerSession.outboundChunkSize)
        }
    }

    static func encode(
        _ format: WireKind.Format, _ kind: MediaKind, timestamp: UInt32, body: UnsafeRawBufferPointer,
        into destination: UnsafeMutableRawPointer
    ) {
        switch format {
        case .flv:
            _ = FLVTag.encode(kind: kind, timestamp: timestamp, payload: body, into: destination)
        case .webSocketFLV:
            let tag = FLVTag.encodedSize(payloadCount: body.count)
            let header = WebSocket.writeHeader(opcode: binaryMessage, payloadCount: tag, into: destination)
            _ = FLVTag.encode(kind: kind, timestamp: timestamp, payload: body, into: destination + header)
        case .rtmp:
            _ = ChunkEncoder.encode(
                type: kind.rawValue, timestamp: timestamp, messageStream: messageStream, payload: body,
                chunkSize: ServerSession.outboundChunkSize, into: destination)
        }
    }

    static func append(
        _ format: WireKind.Format, _ kind: MediaKind, timestamp: UInt32, body: [UInt8], to bytes: inout [UInt8]
    ) {
        let count = size(format, bodyCount: body.count, timestamp: timestamp)
        bytes += [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            body.withUnsafeBytes {
                encode(format, kind, timestamp: timestamp, body: $0, into: UnsafeMutableRawPointer(buffer.baseAddress!))
            }
            initialized = count
        }
    }
}
