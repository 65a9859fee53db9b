import Fixtures
import Testing

@testable import TLS

struct TLSSessionTests {
    @Test(
        "a handshake ends in TLS 1.3 and the protocol both speak, however its bytes are cut",
        arguments: [1, 7, 500, .max])
    func handshake(pieces: Int) throws {
        let pair = Pair(try client(protocols: ["spdy", "http/1.1"]), try server())
        try pair.talk(pieces: pieces)
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        #expect(pair.server.version == "TLSv1.3" && pair.server.cipher == "TLS_AES_128_GCM_SHA256")
        #expect(pair.server.applicationProtocol == "http/1.1" && pair.client.applicationProtocol == "http/1.1")
        #expect(!pair.server.isResumed)
        #expect(pair.client.peerNames == ["one.example", "*.wild.example"])
    }

    @Test(
        "a client that would take any cipher gets AES-128, whatever it likes best",
        arguments: [
            ("TLSv1.2", "ECDHE+AES256:ECDHE+CHACHA20:ECDHE+AES128", "ECDHE-ECDSA-AES128-GCM-SHA256"),
            ("TLSv1.3", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ])
    func preference(version: String, offered: String, chosen: String) throws {
        let dialling = try client()
        dialling.insist(version: version, cipher: offered)
        let pair = Pair(dialling, try server())
        try pair.talk()
        #expect(pair.server.version == version && pair.server.cipher == chosen)
    }

    @Test("a client that offers only what is not spoken here is told so, and one that offers nothing is served")
    func protocols() throws {
        let (web, unnamed) = (try server(), try server(protocols: []))
        for (context, offered) in [(web, ["spdy", "sluice-relay"]), (unnamed, ["h2"]), (unnamed, ["h2", "http/1.1"])] {
            let pair = Pair(try client(protocols: offered), context)
            let error = #expect(throws: TLSError.self) { try pair.talk() }
            #expect(error?.description.contains("no application protocol") == true)
            // A fatal alert, 120 (RFC 7301 §3.2).
            #expect(pair.server.takeOutput() == [21, 3, 3, 0, 2, 2, 120])
        }
        for context in [web, unnamed] {
            let pair = Pair(try client(), context)
            try pair.talk()
            #expect(pair.server.isEstablished && pair.server.applicationProtocol == nil)
        }
    }

    @Test("vectors are sealed in order, as far as the buffer goes, and open to the same bytes")
    func sealing() throws {
        let pair = Pair(try client(), try server())
        try pair.talk()
        let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(try pair.send(bytes, room: 100_000) == bytes.count)
        #expect(pair.answered == bytes)
        var sent = 0
        while sent < bytes.count {
            let taken = try pair.send(bytes, room: 9_000, skipping: sent)
            #expect(taken > 8_000 || sent + taken == bytes.count, "a record adds \(TLSSession.recordOverhead) at most")
            sent += taken
        }
        #expect(pair.answered == bytes + bytes)
        #expect(try pair.send([1, 2, 3], room: TLSSession.recordOverhead) == 0)
        #expect(!pair.server.hasOutput, "nothing is kept beside the buffer")
    }

    @Test("a client that asks for another of the server's names is shown that certificate")
    func names() throws {
        let context = try server(["one", "two"])
        for (host, names) in [
            ("two.example", ["two.example"]), ("TWO.example", ["two.example"]),
            ("a.wild.example", ["one.example", "*.wild.example"]),
        ] {
            let pair = Pair(try client(), context, host: host)
            try pair.talk()
            #expect(pair.client.peerNames == names)
        }
        #expect(throws: TLSError.self) { try Pair(try client(), context, host: "three.example").talk() }
    }

    @Test("who is not signed by a known authority, or stands for another name, is refused with the reason")
    func strangers() throws {
        func reason(_ client: TLSContext, _ server: TLSContext, host: String? = "one.example") -> String {
            do { try Pair(client, server, host: host).talk() } catch { return "\(error)" }
            return ""
        }
        #expect(
            reason(try client(authorities: "other"), try server()).contains("unable to get local issuer certificate"))
        #expect(reason(try client(), try server(), host: "b.example").contains("hostname mismatch"))
        #expect(reason(try client(authorities: nil), try server()).contains("not trusted"))
    }

    @Test("between nodes each shows a certificate of their own authority, and nobody comes in without")
    func mutual() throws {
        let context = try server(["node"], authorities: "ca")
        let pair = Pair(try client(["node"]), context, host: "fra-1")
        try pair.talk()
        #expect(pair.server.peerNames == ["fra-1"])
        #expect(throws: TLSError.self) { try Pair(try client(), context, host: "fra-1").talk() }
        #expect(throws: TLSError.self) { try Pair(try client(["stranger"]), context, host: "fra-1").talk() }
    }

    @Test("a session is resumed, also when the server's certificate was replaced meanwhile")
    func resumption() throws {
        let (one, dialling) = (try server(), try client())
        let first = Pair(dialling, one)
        try first.talk()
        let ticket = try #require(first.client.resumption)
        for context in [one, try server(["one", "two"], previous: one)] {
            let again = Pair(dialling, context)
            again.client.resume(ticket)
            try again.talk()
            #expect(again.client.isResumed && again.server.isResumed)
        }
        let stranger = Pair(dialling, try server())
        stranger.client.resume(ticket)
        try stranger.talk()
        #expect(!stranger.server.isResumed)
    }

    @Test("the end is said, and heard")
    func ending() throws {
        let pair = Pair(try client(), try server())
        try pair.talk()
        pair.server.close()
        #expect(pair.server.hasOutput)
        let alert = pair.server.takeOutput()
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TLSSession.recordSize)
        defer { buffer.deallocate() }
        try alert.withUnsafeBytes { try pair.client.receive($0, through: buffer) { _ in true } }
        #expect(pair.client.isClosedByPeer)
    }

    @Test("what is no TLS, and a record that was changed on the way, ends the session with the reason")
    func garbage() throws {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TLSSession.recordSize)
        defer { buffer.deallocate() }
        let context = try server()
        for text in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{3}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}"] {
            let session = TLSSession(context)
            let error = #expect(throws: TLSError.self) {
                try Array(text.utf8).withUnsafeBytes { try session.receive($0, through: buffer) { _ in true } }
            }
            #expect(error?.description.hasPrefix("TLS: ") == true)
        }
        let pair = Pair(try client(), context)
        try pair.talk()
        #expect(throws: TLSError.self) {
            try [UInt8]([0x17, 3, 3, 0, 20] + [UInt8](repeating: 9, count: 20)).withUnsafeBytes {
                try pair.server.receive($0, through: buffer) { _ in true }
            }
        }
    }

    @Test("files that hold nothing of use are refused by name")
    func files() {
        func reason(_ certificate: String, _ key: String, authorities: String? = nil) -> String {
            do {
                _ = try TLSContext(
                    role: .server,
                    identities: [.init(certificate: Certificates.file(certificate), key: Certificates.file(key))],
                    authorities: authorities.map(Certificates.file))
            } catch { return "\(error)" }
            return ""
        }
        #expect(reason("one.pem", "one.key") == "")
        #expect(reason("chain.pem", "one.key") == "")
        #expect(reason("none.pem", "one.key").contains("none.pem holds no certificate chain"))
        #expect(reason("empty.pem", "one.key").contains("empty.pem holds no certificate chain"))
        #expect(reason("one.pem", "two.key").contains("two.key holds no private key of that certificate"))
        #expect(reason("one.pem", "one.pem").contains("one.pem holds no private key"))
        #expect(
            reason("one.pem", "one.key", authorities: "empty.pem").contains("empty.pem holds no certificates of auth"))
    }
}
