import HTTP
import Testing

struct WebSocketTests {
    private static let hello = Array("Hello".utf8)

    private func expectFailure(
        _ bytes: [UInt8], _ reason: String, code: UInt16 = 1002, maxMessage: Int = 4096,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for piece in [Int.max, 1] {
            let error = #expect(throws: WebSocketError.self, sourceLocation: sourceLocation) {
                _ = try events(bytes, piece: piece, maxMessage: maxMessage)
            }
            #expect(error?.reason == reason, sourceLocation: sourceLocation)
            #expect(error?.closeCode == code, sourceLocation: sourceLocation)
        }
    }

    @Test("the example frames of RFC 6455 §5.7 read as written there")
    func examples() throws {
        let text: [UInt8] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(clientFrame(WebSocket.text, Self.hello) == text)
        #expect(try events(text) == [.text(Self.hello)])
        let pong: [UInt8] = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(try events(pong) == [.pong])
        #expect(WebSocket.controlFrame(opcode: WebSocket.ping, payload: Self.hello) == [0x89, 0x05] + Self.hello)
        var header = [UInt8](repeating: 0, count: 10)
        header.withUnsafeMutableBytes {
            #expect(WebSocket.writeHeader(opcode: 2, payloadCount: 256, into: $0.baseAddress!) == 4)
        }
        #expect(header[..<4] == [0x82, 0x7e, 0x01, 0x00])
        header.withUnsafeMutableBytes {
            #expect(WebSocket.writeHeader(opcode: 2, payloadCount: 65536, into: $0.baseAddress!) == 10)
        }
        #expect(header == [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test(
        "a frame of any size around the length forms comes back whole",
        arguments: [
            0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 65537,
        ])
    func sizes(count: Int) throws {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let frame = clientFrame(WebSocket.binary, payload, mask: [1, 0x80, 0xff, 0])
        #expect(frame.count == WebSocket.headerSize(payloadCount: count) + 4 + count)
        for piece in [1, 2, 3, 5, 4096, Int.max] {
            #expect(
                try events(frame + frame, piece: piece, maxMessage: 1 << 20) == [.binary(payload), .binary(payload)])
        }
    }

    @Test("a header is written at odd addresses and not beyond its size")
    func writeHeader() {
        for count in [0, 125, 126, 65535, 65536, 1 << 40] {
            var memory = [UInt8](repeating: 0xAA, count: 16)
            let size = memory.withUnsafeMutableBytes {
                WebSocket.writeHeader(opcode: WebSocket.binary, payloadCount: count, into: $0.baseAddress! + 1)
            }
            #expect(size == WebSocket.headerSize(payloadCount: count))
            #expect(memory[0] == 0xAA && memory[1] == 0x82)
            #expect(memory[(1 + size)...].allSatisfy { $0 == 0xAA })
        }
    }

    @Test("fragments make one message, control frames between them are events of their own", arguments: 1...40)
    func fragments(piece: Int) throws {
        let bytes =
            clientFrame(WebSocket.text, Array("Hel".utf8), isFinal: false)
            + clientFrame(WebSocket.ping, [7])
            + clientFrame(0, [], isFinal: false)
            + clientFrame(0, Array("lo".utf8))
        #expect(try events(bytes, piece: piece) == [.ping([7]), .text(Self.hello)])
    }

    @Test("a close frame gives its code, and nothing follows it")
    func closing() throws {
        #expect(try events(clientFrame(WebSocket.close, [])) == [.close(1005)])
        #expect(try events(clientFrame(WebSocket.close, [0x03, 0xe9, 0x62]) + [0, 1, 2]) == [.close(1001)])
        #expect(WebSocket.closeFrame(code: 1000) == [0x88, 2, 0x03, 0xe8])
        let long = WebSocket.closeFrame(code: 1001, reason: String(repeating: "é", count: 100))
        #expect(long[1] <= 125 && String(validating: long[4...], as: UTF8.self) != nil)
        expectFailure(clientFrame(WebSocket.close, [3]), "ws_bad_close")
        for code: UInt16 in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            expectFailure(clientFrame(WebSocket.close, [UInt8(code >> 8), UInt8(code & 0xFF)]), "ws_bad_close")
        }
        expectFailure(clientFrame(WebSocket.close, [0x03, 0xe8, 0xff]), "ws_bad_utf8", code: 1007)
    }

    @Test("a frame that a client may not send is refused with its reason")
    func violations() {
        expectFailure([0x81, 0x05], "ws_unmasked")
        expectFailure([0xC1], "ws_reserved_bits")
        for opcode: UInt8 in [3, 7, 0xB, 0xF] { expectFailure([0x80 | opcode], "ws_bad_opcode") }
        expectFailure(clientFrame(WebSocket.ping, [], isFinal: false), "ws_bad_control")
        expectFailure([0x89, 0x80 | 126], "ws_bad_control")
        expectFailure(clientFrame(0, []), "ws_bad_fragment")
        expectFailure(
            clientFrame(WebSocket.text, [], isFinal: false) + clientFrame(WebSocket.text, []), "ws_bad_fragment")
        expectFailure(clientFrame(WebSocket.text, [0xff]), "ws_bad_utf8", code: 1007)
    }

    @Test("lengths have one form and a limit, from their announcement on")
    func lengths() {
        let mask: [UInt8] = [0, 0, 0, 0]
        expectFailure([0x82, 0xFE, 0, 125] + mask, "ws_bad_length")
        expectFailure([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xff, 0xff] + mask, "ws_bad_length")
        expectFailure([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0] + mask, "ws_bad_length")
        expectFailure([0x82, 0xFF, 0x7F, 0, 0, 0, 0, 0, 0, 0] + mask, "ws_message_too_large", code: 1009)
        let half = clientFrame(WebSocket.binary, [1, 2, 3], isFinal: false)
        expectFailure(half + clientFrame(0, [4, 5]), "ws_message_too_large", code: 1009, maxMessage: 4)
    }

    @Test("a flood in one read is refused")
    func flood() {
        let pings = (0...WebSocketReader.maxPending).flatMap { _ in clientFrame(WebSocket.ping, []) }
        let error = #expect(throws: WebSocketError.self) { try events(pings) }
        #expect(error?.closeCode == 1008)
    }
}
