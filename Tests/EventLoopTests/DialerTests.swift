import EventLoop
import Testing

@Suite(.timeLimit(.minutes(5))) struct DialerTests {
    private func dial(_ host: String, _ port: UInt16, on loop: Loop, avoids: @escaping (Address) -> Bool)
        -> Result<Connection, DialError>
    {
        var outcome: Result<Connection, DialError>?
        let dialer = Dialer(host, port: port, timeout: 10_000, on: loop, avoids: avoids) { outcome = $0 }
        while outcome == nil { loop.turn() }
        withExtendedLifetime(dialer) {}
        return outcome!
    }

    @Test("an address that is to be avoided is not called, and the error names it")
    func avoided() throws {
        let loop = Loop(index: 0)
        var callers = 0
        let listener = try Listener(host: "127.0.0.1", port: 0, on: loop) {
            callers += 1
            $0.close()
        }
        let door = Address(host: "127.0.0.1", port: listener.port)
        guard case .failure(let error) = dial("127.0.0.1", listener.port, on: loop, avoids: { $0 == door }) else {
            Issue.record("it was called")
            return
        }
        #expect(error == .avoided(door))
        #expect("\(error)".contains("127.0.0.1:\(listener.port)"))
        guard case .success(let connection) = dial("127.0.0.1", listener.port, on: loop, avoids: { _ in false }) else {
            Issue.record("it was not called")
            return
        }
        while callers == 0 { loop.turn() }
        #expect(callers == 1)
        connection.close()
        listener.close()
    }

    @Test("the machine knows its own addresses from others")
    func own() {
        #expect(Machine.has("127.0.0.1") && Machine.has("127.3.2.1"))
        // Of the blocks that are for documentation alone (RFC 5737, RFC 3849).
        #expect(!Machine.has("192.0.2.1") && !Machine.has("2001:db8::1") && !Machine.has("example.net"))
    }
}
