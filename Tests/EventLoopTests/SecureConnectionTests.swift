import Fixtures
import Glibc
import TLS
import Testing

@testable import EventLoop

/// One end of a sealed connection.
private final class End: ConnectionHandler {
    let connection: Connection
    private(set) var received: [UInt8] = []
    private(set) var ends: [ConnectionEnd] = []

    init(_ descriptor: Int32, _ session: TLSSession, _ loop: Loop) {
        connection = Connection(descriptor, peer: Address(host: "192.0.2.1", port: 1), on: loop)!
        connection.start(self)
        connection.secure(session)
    }

    /// Said as soon as the first bytes come: within the call that also ends the handshake.
    var answer: [UInt8] = []

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        received += Array(bytes)
        connection.write(answer)
        answer = []
    }

    func ended(_ reason: ConnectionEnd) { ends.append(reason) }
    func writable() {}
}

struct SecureConnectionTests {
    private func pair(_ loop: Loop, host: String = "one.example") throws -> (server: End, client: End) {
        let server = try TLSContext(
            role: .server,
            identities: [.init(certificate: Certificates.file("one.pem"), key: Certificates.file("one.key"))])
        let client = try TLSContext(role: .client, identities: [], authorities: Certificates.file("ca.pem"))
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        return (End(pair[0], TLSSession(server), loop), End(pair[1], TLSSession(client, host: host), loop))
    }

    private func wait(_ loop: Loop, _ condition: () -> Bool) -> Bool {
        for _ in 0..<20_000 where !condition() { loop.turn() }
        return condition()
    }

    @Test("what is written before and after the handshake arrives, however much it is, and then the end")
    func writing() throws {
        let loop = Loop(index: 0)
        let (server, client) = try pair(loop)
        client.connection.write(Array("hello".utf8))
        let answer = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        server.connection.write(answer)
        #expect(wait(loop) { client.received.count == answer.count && server.received.count == 5 })
        #expect(server.received == Array("hello".utf8) && client.received == answer)
        server.connection.finish()
        #expect(wait(loop) { !client.ends.isEmpty })
        #expect(client.ends == [.closedByPeer])
        client.connection.close()
    }

    @Test("an answer given while the handshake's last words still wait goes out behind them")
    func order() throws {
        let loop = Loop(index: 0)
        let (server, client) = try pair(loop)
        server.answer = Array("welcome".utf8)
        client.connection.write(Array("hello".utf8))
        #expect(wait(loop) { client.received.count == 7 })
        #expect(client.received == Array("welcome".utf8) && client.ends.isEmpty)
        server.connection.close()
        client.connection.close()
    }

    @Test("what was written before the handshake goes out before an answer to words that came with its last")
    func early() throws {
        let loop = Loop(index: 0)
        let (server, client) = try pair(loop)
        server.connection.write(Array("banner,".utf8))
        server.answer = Array("welcome".utf8)
        client.connection.write(Array("hello".utf8))
        #expect(wait(loop) { client.received.count == 14 })
        #expect(client.received == Array("banner,welcome".utf8))
        server.connection.close()
        client.connection.close()
    }

    @Test("vectors are sealed and written, and what a full socket leaves over goes out before anything else")
    func vectors() throws {
        let loop = Loop(index: 0)
        let (server, client) = try pair(loop)
        #expect(wait(loop) { client.connection.security?.isEstablished == true })
        let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 29) }
        var sent = 0
        var waits = 0
        while sent < bytes.count {
            let outcome = bytes.withUnsafeBytes { bytes in
                let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
                let middle = sent + (bytes.count - sent) / 3
                let vectors = [
                    iovec(iov_base: base + sent, iov_len: middle - sent),
                    iovec(iov_base: base + middle, iov_len: bytes.count - middle),
                ]
                return server.connection.writeSealed(vectors, 2)
            }
            switch outcome {
            case .wrote(let count): sent += count
            case .full:
                waits += 1
                loop.turn()
            case .failed:
                Issue.record("a socket that is open took nothing")
                return
            }
        }
        #expect(waits > 0, "the socket was full at times")
        #expect(server.connection.outboxBytes < 40_000)
        #expect(wait(loop) { client.received.count == bytes.count })
        #expect(client.received == bytes)
        server.connection.close()
        client.connection.close()
    }

    @Test("a client that does not trust the server leaves, and both hear why")
    func distrust() throws {
        let loop = Loop(index: 0)
        let (server, client) = try pair(loop, host: "other.example")
        #expect(wait(loop) { !client.ends.isEmpty && !server.ends.isEmpty })
        guard case .insecure(let reason) = client.ends[0], case .insecure(let told) = server.ends[0] else {
            Issue.record("\(client.ends), \(server.ends)")
            return
        }
        #expect(reason.contains("hostname mismatch") && told.hasPrefix("TLS: "))
        #expect(client.ends.count == 1 && server.ends.count == 1)
        server.connection.close()
        client.connection.close()
    }
}
