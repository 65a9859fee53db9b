import Media
import Testing

@testable import RelayProtocol

/// A connection's shell in memory: what it is told to send waits in `output`.
struct Shell {
    var connection: RelayConnection
    var output: [UInt8]
    var actions: [RelayAction] = []

    init(
        _ role: RelayRole, _ name: String, secret: String? = "open sesame", versions: ClosedRange<UInt16>? = nil,
        nonce: UInt8? = nil, transportIdentity: String? = nil, expectedNode: NodeID? = nil
    ) {
        var configuration = RelayConnection.Configuration(
            node: node(name), idc: "fra", secret: secret.map { Array($0.utf8) })
        if let versions { configuration.versions = versions }
        let seed = nonce ?? (role == .initiator ? 1 : 2)
        connection = RelayConnection(
            role: role, configuration: configuration, nonce: [UInt8](repeating: seed, count: 32),
            transportIdentity: transportIdentity, expectedNode: expectedNode)
        output = connection.start()
    }

    mutating func receive(_ bytes: [UInt8], cuts: [Int] = []) {
        var start = 0
        for end in cuts + [bytes.count] {
            let piece = bytes.span.extracting(start..<end)
            var at = 0
            while let action = connection.next(piece, &at) {
                actions.append(action)
                switch action {
                case .send(let bytes), .close(_, let bytes), .misrouted(_, _, let bytes): output += bytes
                default: break
                }
            }
            #expect(at == piece.count)
            start = end
        }
    }

    mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    var error: RelayError? {
        for case .close(let error, _) in actions { return error }
        return nil
    }

    /// Carries bytes to and fro until both are silent.
    static func talk(_ a: inout Shell, _ b: inout Shell) {
        while !a.output.isEmpty || !b.output.isEmpty {
            b.receive(a.takeOutput())
            a.receive(b.takeOutput())
        }
    }
}

struct ConnectionTests {
    private func talk(_ a: Shell, _ b: Shell) -> (a: Shell, b: Shell) {
        var (a, b) = (a, b)
        Shell.talk(&a, &b)
        return (a, b)
    }

    @Test("two nodes with one secret know each other after a hello and a proof each")
    func handshake() {
        let (a, b) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
        #expect(a.connection.peer?.node == node("relay") && b.connection.peer?.node == node("edge"))
        #expect(a.connection.peer?.version == 1 && a.connection.peer?.idc == "fra")
        #expect(a.actions.count == 2 && a.actions.last == .authenticated(a.connection.peer!))
    }

    @Test("two nodes without a secret need no proof")
    func noSecret() {
        let (a, b) = talk(Shell(.initiator, "edge", secret: nil), Shell(.responder, "relay", secret: nil))
        #expect(a.actions == [.authenticated(a.connection.peer!)] && b.connection.peer != nil)
    }

    @Test("a dialogue between two nodes is the same at every split")
    func everySplit() {
        var a = Shell(.initiator, "edge")
        var b = Shell(.responder, "relay")
        let fromA = a.takeOutput()
        a.receive(b.takeOutput())
        let afterA = a.takeOutput()
        let name = RelayStreamName(app: "live", name: "cam")!
        let subscribe = Subscribe(request: 1, name: name, from: .keyframe, credit: 1 << 20)
        let input = fromA + afterA + RelayMessage.subscribe(subscribe).bytes + RelayMessage.unsubscribe(stream: 4).bytes
        b.receive(input)
        #expect(b.actions.last == .message(.unsubscribe(stream: 4)))
        for cut in 0...input.count {
            var other = Shell(.responder, "relay")
            other.receive(input, cuts: [cut])
            #expect(other.actions == b.actions, "cut at \(cut)")
        }
        var single = Shell(.responder, "relay")
        single.receive(input, cuts: Array(1..<input.count))
        #expect(single.actions == b.actions)
    }

    @Test("a wrong secret is refused on both sides, and nobody is told more than that")
    func wrongSecret() {
        let (a, b) = talk(Shell(.initiator, "edge", secret: "x"), Shell(.responder, "relay", secret: "y"))
        #expect(b.error == .wrongProof(node("edge")))
        #expect(a.error == .wrongProof(node("relay")))
        #expect(a.connection.peer == nil && b.connection.peer == nil)
    }

    @Test("a node without a secret and one with a secret refuse each other, and both say why")
    func oneSecret() {
        for (first, second) in [("x", nil), (nil, "x")] as [(String?, String?)] {
            let (a, b) = talk(Shell(.initiator, "edge", secret: first), Shell(.responder, "relay", secret: second))
            let errors: [RelayError] = [.secretDemanded, .secretMissing(first == nil ? node("edge") : node("relay"))]
            #expect(a.error == errors[first == nil ? 0 : 1] && b.error == errors[first == nil ? 1 : 0])
        }
    }

    @Test("a proof sent back to its maker is refused")
    func reflectedProof() {
        var a = Shell(.initiator, "edge")
        // The attacker has no secret; it has only what `a` sends, and says that it is somebody else.
        let hello = RelayMessage.hello(
            Hello(
                node: node("relay"), idc: "fra", nonce: [UInt8](repeating: 9, count: 32), capabilities: .proof))
        _ = a.takeOutput()
        a.receive(hello.bytes)
        a.receive(a.takeOutput())
        #expect(a.error == .wrongProof(node("relay")))
    }

    @Test("a proof that a node gave in one role is worthless in the other, even under the same nonces")
    func roleLabels() {
        // The attacker lets "relay" answer as responder, and offers that proof to it where it is an initiator.
        var responder = Shell(.responder, "relay")
        let hello = RelayMessage.hello(
            Hello(node: node("edge"), idc: "fra", nonce: [UInt8](repeating: 1, count: 32), capabilities: .proof))
        responder.receive(hello.bytes)
        var initiator = Shell(.initiator, "relay", nonce: 2)
        initiator.receive(hello.bytes)
        let proofs = [responder.actions, initiator.actions]
        #expect(proofs[0] != proofs[1])
    }

    @Test("a proof recorded on an earlier connection is refused on a later one")
    func replayedProof() {
        var a = Shell(.initiator, "edge")
        var b = Shell(.responder, "relay")
        var record: [UInt8] = []
        for _ in 0..<2 {
            record += a.output
            b.receive(a.takeOutput())
            a.receive(b.takeOutput())
        }
        #expect(b.connection.peer != nil)
        var again = Shell(.responder, "relay", nonce: 77)
        again.receive(record)
        #expect(again.error == .wrongProof(node("edge")))
    }

    @Test("a hello changed on the way fails at the proofs, whatever was changed in it")
    func changedHello() {
        let honest = Shell(.initiator, "edge").output
        for at in 14..<honest.count {
            var a = Shell(.initiator, "edge")
            var b = Shell(.responder, "relay")
            var changed = a.takeOutput()
            changed[at] ^= 1
            b.receive(changed)
            a.receive(b.takeOutput())
            b.receive(a.takeOutput())
            #expect(b.connection.peer == nil && b.error != nil, "byte \(at)")
        }
    }

    @Test("fields that a later version adds to its hello are covered by the proofs and otherwise ignored")
    func longerHello() {
        // The later node is `a`; its hello as it is written by this version, and three bytes more.
        var b = Shell(.responder, "relay")
        let body = Array(Shell(.initiator, "edge").output[10...]) + [1, 2, 3]
        let theirs = Array(b.takeOutput()[10...])
        b.receive(raw(1, body))
        let secret = Array("open sesame".utf8)
        b.receive(RelayMessage.proof(Proof.make(secret: secret, role: .initiator, mine: body, theirs: theirs)).bytes)
        #expect(b.connection.peer?.node == node("edge"))
    }

    @Test("the highest common version is spoken")
    func versions() {
        let (a, b) = talk(
            Shell(.initiator, "edge", versions: 1...4), Shell(.responder, "relay", versions: 2...3))
        #expect(a.connection.peer?.version == 3 && b.connection.peer?.version == 3)
    }

    @Test("without a common version both refuse, and say which they speak")
    func noCommonVersion() {
        let (a, b) = talk(
            Shell(.initiator, "edge", versions: 1...2), Shell(.responder, "relay", versions: 3...4))
        #expect(a.error == .noCommonVersion(ours: 1...2, theirs: 3...4))
        #expect(b.error == .noCommonVersion(ours: 3...4, theirs: 1...2))
        #expect(a.error?.description.contains("we speak 1 to 2, the peer 3 to 4") == true)
    }

    @Test("a refusal of the other side is told in its words")
    func refusal() {
        var a = Shell(.initiator, "edge")
        a.receive(RelayMessage.refused(Refused(request: 0, reason: .draining, text: "going down")).bytes)
        #expect(a.error == .refusedByPeer(.draining, text: "going down"))
        #expect(a.error?.description == "the peer refused the connection (draining); it says: going down")
        #expect(
            a.takeOutput().isEmpty || a.actions == [.close(.refusedByPeer(.draining, text: "going down"), send: [])])
    }

    @Test("a connection to itself is refused, dialled or reflected")
    func selfConnection() {
        let (a, b) = talk(Shell(.initiator, "edge"), Shell(.responder, "edge"))
        #expect(a.error == .selfConnection(node("edge")) && b.error == .selfConnection(node("edge")))
        var reflected = Shell(.initiator, "edge")
        reflected.receive(reflected.takeOutput())
        #expect(reflected.error == .nonceReflected)
    }

    @Test("the certificate's name and the node that was dialled have to be the hello's")
    func identity() {
        let good = talk(
            Shell(.initiator, "edge", expectedNode: node("relay")),
            Shell(.responder, "relay", transportIdentity: "edge"))
        #expect(good.a.connection.peer != nil && good.b.connection.peer != nil)
        let bad = talk(
            Shell(.initiator, "edge", expectedNode: node("other")),
            Shell(.responder, "relay", transportIdentity: "mallory"))
        #expect(bad.a.error == .unexpectedNode(expected: node("other"), claimed: node("relay")))
        #expect(bad.b.error == .identityMismatch(transport: "mallory", claimed: node("edge")))
    }

    @Test("nothing but the handshake is taken before it is through")
    func tooEarly() {
        let hello = Shell(.initiator, "edge").output
        for type in MessageType.allCases where !type.belongsToHandshake {
            var random = Random(seed: 1)
            var b = Shell(.responder, "relay")
            b.receive(hello + random.message(type).bytes)
            #expect(b.error == .beforeHandshake(type: type.rawValue))
        }
        var optional = Shell(.responder, "relay")
        optional.receive(hello + raw(200))
        #expect(optional.error == .beforeHandshake(type: 200))
        var twice = Shell(.responder, "relay")
        twice.receive(hello + hello)
        #expect(twice.error == .beforeHandshake(type: 1))
        var large = Shell(.responder, "relay")
        large.receive(hello + raw(2, announced: 1025))
        #expect(large.error == .messageTooLarge(type: 2, announced: 1025, limit: 1024))
    }

    @Test("a second hello or proof after the handshake ends the connection")
    func tooLate() {
        for type in [MessageType.hello, .proof] {
            var random = Random(seed: 1)
            var (_, b) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
            b.receive(random.message(type).bytes)
            #expect(b.error == .afterHandshake(message: type))
        }
    }

    @Test("a handshake that takes too long is ended, one that is through is not")
    func timeout() {
        var waiting = Shell(.responder, "relay")
        guard case .close(.handshakeTimeout, let bytes) = waiting.connection.handshakeTimedOut() else {
            Issue.record("a waiting connection must time out")
            return
        }
        #expect(!bytes.isEmpty && waiting.connection.handshakeTimedOut() == nil)
        var (a, _) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
        #expect(a.connection.handshakeTimedOut() == nil)
    }

    @Test("a path that holds the receiver is refused for its stream, and the connection goes on")
    func pathLoop() {
        var (a, _) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
        let loop = path("ingest", "edge", "relay")
        let error = RelayError.pathLoop(node: node("edge"), path: "ingest > edge > relay > edge")
        let first = FrameNumber(epoch: 1, sequence: 1)
        let refused: [RelayMessage] = [
            .subscribed(Subscribed(request: 1, stream: 9, first: first, continuity: .fresh, path: loop)),
            .path(stream: 9, loop),
        ]
        let unsubscribe = RelayMessage.unsubscribe(stream: 9)
        for message in refused {
            a.receive(message.bytes)
            #expect(a.actions.last == .misrouted(message, error, send: unsubscribe.bytes))
        }
        let name = RelayStreamName(app: "live", name: "cam")!
        let announce = RelayMessage.announce(Announce(name: name, epoch: 1, priority: 0, path: loop))
        a.receive(announce.bytes)
        #expect(a.actions.last == .misrouted(announce, error, send: []))
        let long = RelayMessage.path(stream: 9, path("1", "2", "3", "4", "5", "6", "7", "relay"))
        a.receive(long.bytes)
        #expect(a.actions.last == .misrouted(long, .pathTooLong(limit: 8), send: unsubscribe.bytes))
        let good = RelayMessage.path(stream: 9, path("ingest", "relay"))
        a.receive(good.bytes)
        #expect(a.actions.last == .message(good) && a.error == nil)
    }

    @Test("a path that leaves out the node that tells it ends the connection")
    func pathOfAnother() {
        var (a, _) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
        a.receive(RelayMessage.path(stream: 9, path("ingest", "other")).bytes)
        #expect(a.error == .pathOfAnother(peer: node("relay"), path: "ingest > other"))
    }

    @Test("frames are told by their header first, and passed over on request")
    func frames() {
        var (a, _) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
        let bytes = RelayMessage.frame(frame(1)).bytes
        var at = 0
        #expect(a.connection.next(bytes.span, &at) == .frameBegins(frame(1).header))
        a.connection.skipBody()
        #expect(a.connection.next(bytes.span, &at) == nil && at == bytes.count)
        a.receive(bytes)
        #expect(a.actions.suffix(2) == [.frameBegins(frame(1).header), .message(.frame(frame(1)))])
    }

    @Test("after its end a connection takes nothing and says nothing")
    func closed() {
        var (a, _) = talk(Shell(.initiator, "edge"), Shell(.responder, "relay"))
        a.receive(raw(99))
        let count = a.actions.count
        a.receive(RelayMessage.frame(frame(1)).bytes)
        #expect(a.error == .unknownMessage(type: 99) && a.actions.count == count)
    }
}
