import Testing

@testable import RTMP

@Suite struct AMFTests {
    private func read(_ bytes: [UInt8], limits: Limits = Limits()) throws(RTMPError) -> [AMFValue] {
        var reader = AMFReader(bytes, limits: limits)
        return try reader.readAll()
    }

    @Test("AMF0 values survive being written and read")
    func roundTrip() throws {
        let values: [AMFValue] = [
            .number(-1.5), true, "héllo", .object(["b": 1.0, "a": .null, "c": .object([:])]), .undefined,
            .ecmaArray(["width": 1280.0]), .strictArray(["x", 2.0, .strictArray([])]), .date(1_000),
            .longString(String(repeating: "y", count: 10)),
        ]
        var bytes: [UInt8] = []
        bytes.append(amf: values)
        #expect(try read(bytes) == values)
    }

    @Test("every cut of a message is an error or a shorter list, never a trap")
    func cuts() throws {
        let bytes = amf("connect", 1.0, .object(["app": "live", "list": .strictArray(["a", "b"])]), .date(5))
        for end in bytes.indices { _ = try? read(Array(bytes[..<end])) }
    }

    @Test("an AMF3 object with traits, references and integers is read")
    func amf3() throws {
        // { a: 5, b: -1, c: "a" by reference, dynamic d: [true] }
        let bytes: [UInt8] = [
            0x11, 0x0A, 0x3B, 0x01, 0x03, 0x61, 0x03, 0x62, 0x03, 0x63, 0x04, 0x05, 0x04, 0xFF, 0xFF, 0xFF, 0xFF, 0x06,
            0x00, 0x03, 0x64, 0x09, 0x03, 0x01, 0x03, 0x01,
        ]
        let expected: AMFObject = ["a": 5.0, "b": .number(-1), "c": "a", "d": .strictArray([true])]
        #expect(try read(bytes) == [.object(expected)])
    }

    @Test("AMF3 doubles, dates, byte arrays and empty values are read")
    func amf3Scalars() throws {
        let double: [UInt8] = [0x3F, 0xF8, 0, 0, 0, 0, 0, 0]
        let bytes: [UInt8] =
            [0x11, 0x05] + double + [0x11, 0x08, 0x01] + double + [0x11, 0x0C, 0x05, 7, 8, 0x11, 0x00, 0x11, 0x01]
        #expect(try read(bytes) == [1.5, .date(1.5), .bytes([7, 8]), .undefined, .null])
    }

    @Test("nesting has a limit, in AMF0 and in AMF3")
    func depth() {
        let zero = [[UInt8]](repeating: [0x03, 0x00, 0x01, 0x61], count: 40).flatMap(\.self)
        #expect(throws: RTMPError.amfTooDeep(limit: 16)) { try read(zero) }
        let three = [0x11] + [[UInt8]](repeating: [0x09, 0x03, 0x01], count: 40).flatMap(\.self)
        #expect(throws: RTMPError.amfTooDeep(limit: 16)) { try read(three) }
    }

    @Test("announced lengths beyond the bytes are refused without being tried")
    func lies() {
        #expect(throws: RTMPError.amfTruncated) { try read([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x05]) }
        #expect(throws: RTMPError.amfTruncated) { try read([0x0C, 0xFF, 0xFF, 0xFF, 0xFF, 0x05]) }
        #expect(throws: RTMPError.amfTruncated) { try read([0x11, 0x09, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]) }
        #expect(throws: RTMPError.amfBadReference) { try read([0x11, 0x06, 0x04]) }
    }

    @Test("values, strings and types have limits")
    func limits() {
        var limits = Limits()
        limits.maxAMFValues = 3
        limits.maxAMFString = 4
        #expect(throws: RTMPError.amfTooManyValues(limit: 3)) { try read([5, 5, 5, 5], limits: limits) }
        #expect(throws: RTMPError.amfStringTooLong(limit: 4)) { try read(amf("12345"), limits: limits) }
        #expect(throws: RTMPError.amfUnsupportedType(0x0D)) { try read([0x0D]) }
        #expect(throws: RTMPError.amfUnsupportedType(0x0A)) { try read([0x11, 0x0A, 0x07, 0x01]) }
    }
}
