import Glibc
import Testing

@testable import EventLoop

@Suite("A probe of a UDP port", .serialized, .timeLimit(.minutes(1)))
struct PortProbeTests {
    /// A UDP socket at a port of its own, and where that is.
    private func bound() throws -> (descriptor: Int32, address: Address) {
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
        return (descriptor, Address(host: "127.0.0.1", port: UInt16(bigEndian: name.sin_port)))
    }

    @Test("finds it closed once its owner has gone, and not before")
    func closing() throws {
        let loop = Loop(index: 0)
        let (descriptor, address) = try bound()
        let probe = try #require(PortProbe(address, on: loop))
        for _ in 0..<10 { #expect(!probe.findsClosed()) }
        close(descriptor)
        // The first question brings the answer that the next one finds: at once, on one machine.
        #expect((0..<2).contains { _ in probe.findsClosed() })
    }

    @Test("is none of what is no numeric address")
    func noAddress() {
        let loop = Loop(index: 0)
        for host in ["", "relay.example.net", "127.0.0.256", "::g"] {
            #expect(PortProbe(Address(host: host, port: 9), on: loop) == nil)
        }
    }
}
