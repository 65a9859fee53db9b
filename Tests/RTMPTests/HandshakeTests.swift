import Testing

@testable import RTMP

@Suite struct HandshakeTests {
    @Test("a plain handshake is echoed, in any split", arguments: [1, 7, 1536, 4000])
    func plain(step: Int) throws {
        let block: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0] + (8..<1536).map { UInt8(truncatingIfNeeded: $0) }
        let input = [3] + block + block
        var session = ServerSession(random: 1)
        for start in stride(from: 0, to: input.count, by: step) {
            #expect(!session.handshakeDone)
            try session.feed(Array(input[start..<min(start + step, input.count)]))
        }
        #expect(session.handshakeDone)
        let output = session.takeOutput()
        #expect(output.count == 3073)
        #expect(output[0] == 3)
        #expect(output[5..<9] == [0, 0, 0, 0])
        #expect(Array(output[1537...]) == block)
    }

    @Test("a digest is answered in its own scheme", arguments: HandshakeDigest.Scheme.allCases)
    func digest(scheme: HandshakeDigest.Scheme) throws {
        var random = Random(seed: 3)
        var block: [UInt8] =
            [0, 0, 0, 0, 9, 0, 124, 2] + (8..<1536).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let digest = HandshakeDigest.sign(&block, scheme: scheme, key: HandshakeDigest.playerKey)
        var session = ServerSession(random: 1)
        try session.feed([3] + block)
        let output = session.takeOutput()
        let own = Array(output[1..<1537])
        #expect(HandshakeDigest.find(in: own, key: HandshakeDigest.serverKey)?.scheme == scheme)
        var expected = Array(output[1537...])
        HandshakeDigest.answer(digest, in: &expected, name: HandshakeDigest.serverKey)
        #expect(expected == Array(output[1537...]))
    }

    @Test("a version without a valid digest is echoed")
    func noDigest() throws {
        let block: [UInt8] = [0, 0, 0, 0, 9, 0, 124, 2] + [UInt8](repeating: 0xFF, count: 1528)
        var session = ServerSession(random: 1)
        try session.feed([3] + block)
        #expect(Array(session.takeOutput()[1537...]) == block)
    }

    @Test(
        "what is not RTMP is named",
        arguments: [
            (UInt8(2), RTMPError.unsupportedVersion(2)), (6, .encryptedHandshake(6)), (0x16, .tlsOnPlainPort),
            (UInt8(ascii: "G"), .httpOnRTMPPort), (UInt8(ascii: "P"), .httpOnRTMPPort),
        ])
    func refused(first: UInt8, error: RTMPError) {
        #expect(throws: error) {
            var session = ServerSession(random: 1)
            try session.feed([first, 1, 2])
        }
        #expect(error.reason.hasPrefix("rtmp_"))
    }
}
