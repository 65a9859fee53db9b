import Media
import Testing

@testable import RTMP

@Suite("A message in a log")
struct EncodedMessageTests {
    private static let metadata = [0x02, 0x00, 0x0A] + Array("onMetaData".utf8) + [UInt8]([0x05])

    private func encoded(_ type: UInt8, _ time: UInt32, _ payload: [UInt8], stream: UInt32 = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(message: type, timestamp: time, stream: stream, payload, chunkSize: 100)
        return bytes
    }

    @Test("is taken apart, whatever its size and time", arguments: [0, 1, 99, 100, 101, 200, 201, 1_000])
    func takenApart(size: Int) throws {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for time: UInt32 in [0, 0xFF_FFFE, 0xFF_FFFF, 0x100_0000, .max] {
            let bytes = encoded(MessageType.video, time, payload)
            for extra in [[], [9, 9]] as [[UInt8]] {
                let message = try #require((bytes + extra).withUnsafeBytes { EncodedMessage($0, chunkSize: 100) })
                #expect(message.type == MessageType.video && message.timestamp == time && message.payload == payload)
                #expect(message.size == bytes.count)
            }
            for end in [0, 5, bytes.count - 1] {
                #expect(bytes.prefix(end).withUnsafeBytes { EncodedMessage($0, chunkSize: 100) } == nil)
            }
        }
    }

    @Test("is the same for a server but for the stream's number, and metadata is marked as its to keep")
    func published() {
        let log =
            encoded(MessageType.data, 3, Self.metadata)
            + encoded(MessageType.video, 5, [UInt8](repeating: 1, count: 250))
        let marked = MediaMessage.setDataFrame + Self.metadata
        #expect(
            EncodedMessage.published(log, on: 7, chunkSize: 100)
                == encoded(MessageType.data, 3, marked, stream: 7)
                + encoded(MessageType.video, 5, [UInt8](repeating: 1, count: 250), stream: 7))
    }

    @Test("of other data is passed on as it is")
    func otherData() {
        let cue = encoded(MessageType.data, 3, [0x02, 0x00, 0x02, 0x61, 0x62])
        #expect(EncodedMessage.published(cue, on: 1, chunkSize: 100) == cue)
    }
}
