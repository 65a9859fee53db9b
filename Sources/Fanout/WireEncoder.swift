/// Data plane. Turns a frame's body into the bytes of a wire format: once per stream, frame and kind, never per viewer.
import FLV
import HTTP
import Media
import RTMP
import RelayProtocol
import StreamLog

enum WireEncoder {
    /// What a relayed frame says of where it comes from; other formats have no room for it.
    struct Source {
        let stream: UInt32
        let epoch: UInt64
        /// What this node has added to the ingest node's timestamps. It is taken off again for other nodes: all of them
        /// have the same times, and a child that changes parents finds what it expects.
        let shift: Int64
    }

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
        case .relay:
            return RelayFrame.headerSize + bodyCount
        case .ts, .mp4, .webSocketMP4:
            preconditionFailure("frames depend on those before them: the log's muxer makes them")
        }
    }

    static func encode(
        _ format: WireKind.Format, _ kind: MediaKind, _ mark: FrameMark, of source: Source,
        body: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer
    ) {
        let timestamp = UInt32(truncatingIfNeeded: mark.timestamp)
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
        case .relay:
            let header = RelayFrame.Header(
                stream: source.stream, number: FrameNumber(epoch: source.epoch, sequence: mark.sequence), kind: kind,
                flags: RelayFrame.Flags(mark.flags),
                timestamp: UInt32(truncatingIfNeeded: mark.timestamp - source.shift), wallClock: mark.origin,
                segment: mark.segment, bodyCount: body.count)
            header.write(into: UnsafeMutableRawBufferPointer(start: destination, count: RelayFrame.headerSize))
            if let bytes = body.baseAddress {
                (destination + RelayFrame.headerSize).copyMemory(from: bytes, byteCount: body.count)
            }
        case .ts, .mp4, .webSocketMP4:
            preconditionFailure("frames depend on those before them: the log's muxer makes them")
        }
    }

    static func append(
        _ format: WireKind.Format, _ kind: MediaKind, _ mark: FrameMark, of source: Source, body: [UInt8],
        to bytes: inout [UInt8]
    ) {
        let count = size(format, bodyCount: body.count, timestamp: UInt32(truncatingIfNeeded: mark.timestamp))
        bytes += [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            body.withUnsafeBytes {
                encode(format, kind, mark, of: source, body: $0, into: UnsafeMutableRawPointer(buffer.baseAddress!))
            }
            initialized = count
        }
    }
}

extension RelayFrame.Flags {
    init(_ flags: FrameMark.Flags) {
        self = []
        if flags.contains(.keyframe) { insert(.keyframe) }
        if flags.contains(.configuration) { insert(.configuration) }
        if flags.contains(.repeated) { insert(.prologue) }
    }
}
