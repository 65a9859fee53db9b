import Media
import Testing

@testable import FLV

@Suite("Data among script data")
struct DataMessageTests {
    private static let payload: [UInt8] = [0xfc, 1, 2, 3, 0, 0xff]

    private static var message: DataMessage {
        var message = DataMessage(track: 3, streamType: 0x15)
        (message.streamID, message.headerSize, message.isAligned) = (0xbd, 36, true)
        (message.clock, message.pts) = (90_000, 1 << 33)
        return message
    }

    private static func read(_ body: [UInt8]) -> DataMessage? { DataMessage(body.span) }
    private static func isOne(_ body: [UInt8]) -> Bool { DataMessage.isOne(body.span) }

    @Test("comes back as it was")
    func roundTrip() throws {
        let body = Self.message.encode(descriptors: [0x56, 1, 7], payload: Self.payload.span)
        let message = try #require(Self.read(body))
        #expect(Array(body[message.payload]) == Self.payload)
        #expect(Array(body[message.descriptors]) == [0x56, 1, 7])
        #expect(message.track == 3 && message.streamType == 0x15 && message.streamID == 0xbd)
        #expect(message.headerSize == 36 && message.isAligned && !message.isDeclaration)
        #expect(message.clock == 90_000 && message.pts == 1 << 33)
        var timeless = Self.message
        (timeless.pts, timeless.isDeclaration) = (nil, true)
        let other = timeless.encode(payload: [UInt8]().span)
        let read = try #require(Self.read(other))
        #expect(read.pts == nil && read.isDeclaration && read.payload.isEmpty)
    }

    @Test("is whole AMF0 to those who do not know it, and no metadata")
    func amf0() throws {
        let body = Self.message.encode(payload: Self.payload.span)
        let metadata = try StreamMetadata.parse(body.span)
        #expect(metadata == nil)
        #expect(Array(body[..<15]) == [2, 0, 12] + Array("onSluiceData".utf8))
        #expect(Array(body[15..<20]) == [0x0c, 0, 0, 0, UInt8(body.count - 20)])
    }

    @Test("is told from other script data, and from what is cut off or of a later version")
    func others() {
        let body = Self.message.encode(descriptors: [1, 0], payload: Self.payload.span)
        let metadata: [UInt8] = [2, 0, 10] + Array("onMetaData".utf8) + [3, 0, 0, 9]
        #expect(!Self.isOne(metadata) && Self.read(metadata) == nil)
        for count in 0..<body.count {
            let part = Array(body[..<count])
            #expect(Self.read(part) == nil)
            #expect(Self.isOne(part) == (count > 15))
        }
        for (place, value) in [(20, UInt8(2)), (15, 2), (42, 0xff), (26, 0x7f)] {
            var changed = body
            changed[place] = value
            #expect(Self.isOne(changed))
            #expect(Self.read(changed) == nil, "byte \(place)")
        }
    }
}
