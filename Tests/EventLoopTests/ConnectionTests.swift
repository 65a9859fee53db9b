import Glibc
import Testing

@testable import EventLoop

/// One end of a socket pair as a connection on a loop turned by hand; the other is read by the test.
private final class Line: ConnectionHandler {
    let loop = Loop(index: 0)
    let connection: Connection
    let far: Int32
    private(set) var received: [UInt8] = []
    private(set) var ends: [ConnectionEnd] = []

    init() {
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        far = pair[1]
        connection = Connection(pair[0], peer: Address(host: "192.0.2.1", port: 1), on: loop)!
        connection.start(self)
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) { received += Array(bytes) }
    func ended(_ reason: ConnectionEnd) { ends.append(reason) }
    func writable() {}

    /// Turns the loop until `condition` holds, or a limit is over: below the patience after which a connection closes
    /// anyway. What is closed here may still be open in a child that another test has just begun.
    func turn(until condition: () -> Bool) {
        let deadline = Clock.monotonicNanoseconds + 4_000_000_000
        while !condition(), Clock.monotonicNanoseconds < deadline { loop.turn() }
    }

    /// What the far end gets until it is told the end, or until nothing comes any more.
    func readToEnd() -> (bytes: Int, ended: Bool) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var total = 0
        for _ in 0..<10_000 {
            let count = recv(far, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 { return (total, true) }
            if count > 0 { total += count }
            loop.turn()
        }
        return (total, false)
    }
}

struct ConnectionTests {
    @Test("what was written before the end reaches the peer, however much of it had to wait")
    func finishing() {
        let line = Line()
        defer { close(line.far) }
        let size = 5 << 20
        line.connection.write([UInt8](repeating: 7, count: size))
        #expect(line.connection.hasOutbox)
        line.connection.finish()
        #expect(!line.connection.isClosed)
        #expect(line.readToEnd() == (size, true))
        #expect(line.connection.isClosed)
        #expect(line.ends.isEmpty, "a handler hears nothing after the end that it asked for")
    }

    @Test("a peer that goes away while the last bytes wait ends the connection")
    func goneMeanwhile() {
        let line = Line()
        line.connection.write([UInt8](repeating: 7, count: 5 << 20))
        line.connection.finish()
        close(line.far)
        line.turn { line.connection.isClosed }
        #expect(line.connection.isClosed)
    }

    @Test("the end of the peer, and what it said before, are heard in order")
    func hearing() {
        let line = Line()
        _ = [UInt8]("hello".utf8).withUnsafeBytes { send(line.far, $0.baseAddress, $0.count, 0) }
        close(line.far)
        line.turn { !line.ends.isEmpty }
        #expect(line.received == Array("hello".utf8))
        #expect(line.ends == [.closedByPeer])
        line.connection.close()
    }
}
