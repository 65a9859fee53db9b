import Glibc
import Testing

@testable import EventLoop

/// A connection that a proxy has made, on a loop turned by hand; the test is the proxy.
private final class Door: ConnectionHandler {
    let loop = Loop(index: 0)
    let connection: Connection
    private let far: Int32
    private(set) var received: [UInt8] = []
    private(set) var accepted = 0
    private(set) var refused: [String] = []

    static let proxy = Address(host: "192.0.2.1", port: 1)

    init() {
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        far = pair[1]
        connection = Connection(pair[0], peer: Door.proxy, on: loop)!
        Preface.read(connection) { [unowned self] in
            accepted += 1
            connection.start(self)
        } refused: { [unowned self] failure in
            refused.append(failure.description)
        }
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) { received += Array(bytes) }
    func ended(_ reason: ConnectionEnd) {}
    func writable() {}

    func say(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { send(far, $0.baseAddress, $0.count, 0) }
        for _ in 0..<3 { loop.turn() }
    }

    func leave() {
        close(far)
        for _ in 0..<3 { loop.turn() }
    }
}

struct PrefaceTests {
    private static let text = Array("PROXY TCP4 203.0.113.9 192.0.2.7 40000 1935\r\n".utf8)
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
    /// Version 2, TCP over IPv4.
    private static let binary =
        signature + [0x21, 0x11, 0, 12, 203, 0, 113, 9, 192, 0, 2, 7, 0x9c, 0x40, 0x07, 0x8f] as [UInt8]
    /// Version 2, the proxy's own check of the port.
    private static let local = signature + [0x20, 0, 0, 0] as [UInt8]

    @Test(
        "the client that the header names is the peer, and what comes behind it is the handler's, however it is cut",
        arguments: [text, binary])
    func introduction(header: [UInt8]) {
        let hello = Array("hello".utf8)
        let all = header + hello
        for cut in 0...all.count {
            let door = Door()
            door.say(Array(all[..<cut]))
            #expect(door.accepted == (cut < header.count ? 0 : 1))
            door.say(Array(all[cut...]))
            #expect(door.accepted == 1 && door.refused.isEmpty)
            #expect(door.connection.peer == Address(host: "203.0.113.9", port: 40_000))
            #expect(door.received == hello, "cut at \(cut)")
            door.leave()
            door.connection.close()
        }
    }

    @Test("a proxy that speaks for itself keeps its address")
    func health() {
        let door = Door()
        door.say(PrefaceTests.local + [1])
        #expect(door.accepted == 1 && door.connection.peer == Door.proxy && door.received == [1])
        door.leave()
        door.connection.close()
    }

    @Test("who begins with anything else, or leaves in the middle, is refused once and closed")
    func refusal() {
        let stranger = Door()
        stranger.say(Array("GET / HTTP/1.1\r\n".utf8))
        #expect(stranger.refused.count == 1 && stranger.refused[0].contains("does not begin with a PROXY header"))
        let deserter = Door()
        deserter.say(Array(PrefaceTests.text[..<9]))
        #expect(deserter.refused.isEmpty)
        deserter.leave()
        #expect(deserter.refused == ["closed by peer"])
        for door in [stranger, deserter] {
            #expect(door.connection.isClosed && door.accepted == 0 && door.received.isEmpty)
        }
        stranger.leave()
    }
}
