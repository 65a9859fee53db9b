import Glibc
import Testing

@testable import EventLoop

@Suite("A calling socket", .serialized, .timeLimit(.minutes(5)))
struct CallingSocketTests {
    /// A UDP socket at a port of its own, and where that is.
    private func bound() throws -> (descriptor: Int32, name: sockaddr_in) {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(descriptor >= 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = in_addr_t(0x7f00_0001 as UInt32).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
            }
        }
        try #require(failed == 0)
        return (descriptor, name)
    }

    private func send(_ socket: CallingSocket, to name: sockaddr_in) {
        var byte: UInt8 = 0
        _ = withUnsafePointer(to: name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket.descriptor, &byte, 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    @Test("hears that a port is closed once its owner has gone, and not before")
    func closing() throws {
        let loop = Loop(index: 0)
        let (descriptor, name) = try bound()
        let socket = try #require(CallingSocket(ipv6: false, on: loop))
        defer { close(socket.descriptor) }
        var refusals = 0
        socket.onRefused = { refusals += 1 }
        for _ in 0..<10 {
            send(socket, to: name)
            loop.turn()
        }
        #expect(refusals == 0)
        close(descriptor)
        // On one machine the answer is there before the call returns.
        for heard in 1...3 {
            send(socket, to: name)
            loop.turn()
            #expect(refusals == heard)
        }
        // Errors that have been heard are over: nothing wakes the loop for them again.
        loop.turn()
        #expect(refusals == 3)
    }

    @Test("waits for room as its user expects, whatever the loop does with it")
    func blocking() throws {
        let loop = Loop(index: 0)
        for ipv6 in [false, true] {
            guard let socket = CallingSocket(ipv6: ipv6, on: loop) else {
                #expect(ipv6, "every machine has IPv4")
                continue
            }
            #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK == 0)
            close(socket.descriptor)
        }
    }

    @Test("what is refused by one disturbs nothing that is sent to others, and ears take nothing of what comes")
    func undisturbed() throws {
        let loop = Loop(index: 0)
        let (peer, peerName) = try bound()
        let (gone, goneName) = try bound()
        close(gone)
        defer { close(peer) }
        let socket = try #require(CallingSocket(ipv6: false, on: loop))
        defer { close(socket.descriptor) }
        var refusals = 0
        socket.onRefused = { refusals += 1 }
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var byte: UInt8 = 0
        for number in 1...20 {
            send(socket, to: goneName)
            send(socket, to: peerName)
            loop.turn()
            #expect(refusals == number)
            let count = withUnsafeMutablePointer(to: &own) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(peer, &byte, 1, Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            try #require(count == 1, "a datagram to another was not sent")
            var error: Int32 = 0
            var size = socklen_t(4)
            getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
            #expect(error == 0)
        }
        // From as many peers as it takes for a share of them to go elsewhere.
        for _ in 0..<50 {
            let (other, _) = try bound()
            let sent = withUnsafePointer(to: &own) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(other, &byte, 1, 0, $0, length) }
            }
            close(other)
            #expect(sent == 1 && recv(socket.descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == 1)
        }
    }

    @Test("a port with ears is taken, and free when all have gone")
    func taken() throws {
        let loop = Loop(index: 0)
        let (descriptor, name) = try bound()
        var ears: Ears? = Ears(EarSockets(of: descriptor), on: loop)
        func take() -> Bool {
            let other = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(other) }
            return withUnsafePointer(to: name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(other, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        #expect(!take())
        withExtendedLifetime(ears) {}
        ears = nil
        loop.turn()
        #expect(!take())
        close(descriptor)
        #expect(take())
    }
}
