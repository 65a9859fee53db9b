import Testing

@testable import RelayProtocol

/// A dialogue as bytes, made apart from this module by the letter of the specification: what these tests hold, other
/// versions and other implementations can rely on.
struct RecordedDialogueTests {
    /// The child, "edge", under the secret "open sesame" and a nonce of ones: hello, proof, subscribe, credit, unsubscribe.
    static let child = [
        """
        00000039010000000000534c525000010001000000000000000101010101010101010101010101010101010101010101010101010101010101
        01046564676503667261
        """,
        "00000020020000000000846f3cf540f6a02cfdbdeeb8d910402772730a91458bb9004f28debed4617dab",
        "00000025030000000000000000010010000002020000000000000009000000000000041200046c697665000363616d",
        "00000004060000000005 00001000", "000000000a0000000005",
    ].map(hex)

    /// The parent, "relay", with a nonce of twos: hello, proof, subscribed, a frame, end.
    static let parent = [
        """
        0000003a010000000000534c525000010001000000000000000102020202020202020202020202020202020202020202020202020202020202
        020572656c617903667261
        """,
        "00000020020000000000e71675b8876224df8ab81afcdbae0a12d4c217212a395c9b9a2d28642ba5f929",
        "0000002b04000000000500000001000000000000000900000000000004120100000000000000000206696e676573740572656c6179",
        "0000002c07010000000527090000a2d00000000000000009000000000000041200060a24181e40000000000000000000002701000000",
        "00000006080000000005010003627965",
    ].map(hex)

    private static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private let start = FrameNumber(epoch: 9, sequence: 1042)

    private var said: (child: [RelayMessage], parent: [RelayMessage]) {
        let subscribe = Subscribe(
            request: 1, name: RelayStreamName(app: "live", name: "cam")!, from: .at(start), credit: 1 << 20,
            serviceClass: 2)
        let header = RelayFrame.Header(
            stream: 5, number: start, kind: .video, flags: .keyframe, timestamp: 41_680,
            wallClock: 1_700_000_000_000_000)
        let subscribed = Subscribed(
            request: 1, stream: 5, first: start, continuity: .exact, path: path("ingest", "relay"))
        return (
            [.subscribe(subscribe), .credit(stream: 5, bytes: 4096), .unsubscribe(stream: 5)],
            [
                .subscribed(subscribed), .frame(RelayFrame(header: header, body: [0x27, 1, 0, 0, 0])),
                .end(stream: 5, reason: .publisherLeft, text: "bye"),
            ]
        )
    }

    private func told(_ shell: Shell) -> [RelayMessage] {
        shell.actions.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    @Test("what both sides write is the recorded dialogue, to the byte")
    func written() {
        var a = Shell(.initiator, "edge")
        var b = Shell(.responder, "relay")
        let hellos = [a.takeOutput(), b.takeOutput()]
        #expect(hellos == [Self.child[0], Self.parent[0]])
        a.receive(hellos[1])
        b.receive(hellos[0])
        #expect([a.takeOutput(), b.takeOutput()] == [Self.child[1], Self.parent[1]])
        #expect(said.child.map(\.bytes) == Array(Self.child[2...]))
        #expect(said.parent.map(\.bytes) == Array(Self.parent[2...]))
    }

    @Test("both sides read the recorded dialogue the same at every split")
    func read() {
        for cut in 0...Self.parent.joined().count {
            var a = Shell(.initiator, "edge")
            a.receive(Array(Self.parent.joined()), cuts: [cut])
            #expect(told(a) == said.parent && a.connection.peer?.node == node("relay"), "cut at \(cut)")
        }
        for cut in 0...Self.child.joined().count {
            var b = Shell(.responder, "relay")
            b.receive(Array(Self.child.joined()), cuts: [cut])
            #expect(told(b) == said.child && b.connection.peer?.node == node("edge"), "cut at \(cut)")
        }
    }
}
