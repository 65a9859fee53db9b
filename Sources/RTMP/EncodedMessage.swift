/// A whole message as `ChunkEncoder` has written it, taken apart again: for those who get the bytes of a log with
/// something about them changed.
import Media

public struct EncodedMessage {
    public let type: UInt8
    public let timestamp: UInt32
    public let payload: [UInt8]
    /// Bytes that it took up.
    public let size: Int

    /// Where the type stands in a message's first chunk: what is changed by its type can be told without reading more.
    public static let typeOffset = 7
    private static let headerSize = 12
    private static let extended: UInt32 = 0xFFFFFF

    /// Reads the message at the start of `bytes`; nil if it is not whole, or not of `ChunkEncoder`'s making.
    public init?(_ bytes: UnsafeRawBufferPointer, chunkSize: Int) {
        guard bytes.count >= EncodedMessage.headerSize, bytes[0] & 0xC0 == 0 else { return nil }
        func number(_ at: Int) -> UInt32 {
            UInt32(bytes[at]) << 16 | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2])
        }
        let isExtended = number(1) == EncodedMessage.extended
        let count = Int(number(4))
        let between = isExtended ? 5 : 1
        var at = EncodedMessage.headerSize + (isExtended ? 4 : 0)
        let chunks = count == 0 ? 0 : (count - 1) / chunkSize
        size = at + count + chunks * between
        guard bytes.count >= size else { return nil }
        type = bytes[EncodedMessage.typeOffset]
        timestamp =
            isExtended ? UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)) : number(1)
        var body: [UInt8] = []
        body.reserveCapacity(count)
        while body.count < count {
            if !body.isEmpty { at += between }
            let part = min(chunkSize, count - body.count)
            body.append(contentsOf: bytes[at..<at + part])
            at += part
        }
        payload = body
    }

    /// The message for a server that it is published to: on the stream that the server has given, and metadata marked as
    /// the server's to keep.
    public func published(on stream: UInt32, chunkSize: Int) -> [UInt8] {
        let media = MediaMessage(type: type, timestamp: timestamp, payload: payload)
        var bytes: [UInt8] = []
        bytes.append(
            message: type, timestamp: timestamp, stream: stream, media?.published ?? payload, chunkSize: chunkSize)
        return bytes
    }

    /// The same for several, one behind the other.
    public static func published(_ messages: [UInt8], on stream: UInt32, chunkSize: Int) -> [UInt8] {
        messages.withUnsafeBytes { bytes in
            var (result, at): ([UInt8], Int) = ([], 0)
            while let message = EncodedMessage(UnsafeRawBufferPointer(rebasing: bytes[at...]), chunkSize: chunkSize) {
                result += message.published(on: stream, chunkSize: chunkSize)
                at += message.size
            }
            return result
        }
    }
}
