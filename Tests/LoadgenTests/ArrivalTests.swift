import CSystem
import Glibc
import Testing

@testable import loadgen

@Suite struct ArrivalTests {
    /// Between two clocks that are compared.
    private static let clockNoise: UInt64 = 50_000

    @Test("what came is dated by when it came, not by when it was read")
    func arrival() throws {
        let listener = try Address(host: "127.0.0.1", port: 0).listen()
        defer { close(listener) }
        let port = UInt16(loadgen_local_port(listener))
        let viewer = try Address(host: "127.0.0.1", port: port).connect()
        defer { close(viewer) }
        loadgen_stamp_arrivals(viewer)
        var server = loadgen_accept(listener)
        while server == -EAGAIN { server = loadgen_accept(listener) }
        defer { close(server) }
        _ = loadgen_compare_clocks()
        // The kernel begins to note arrivals a little after it was asked to: until then reading is what dates them.
        let wasExact = (0..<50).contains { _ in
            let before = now()
            #expect(loadgen_send(server, "a", 1) == 1)
            var readable = pollfd(fd: viewer, events: Int16(POLLIN), revents: 0)
            while poll(&readable, 1, -1) != 1 {}
            let there = now()
            while now() < there + nanosecondsPerMillisecond {}
            var byte: UInt8 = 0
            var arrival: UInt64 = 0
            #expect(loadgen_receive_stamped(viewer, &byte, 1, &arrival) == 1)
            #expect(arrival + Self.clockNoise > before)
            return arrival < there + Self.clockNoise
        }
        #expect(wasExact)
    }
}
