import HTTP
import Testing

@testable import HTTP2

@Suite("HTTP/2 floods")
struct FloodTests {
    private static let request: [UInt8] = [0x82, 0x87, 0x84, 0x41, 1, 0x61]

    /// What a hostile client repeats, and the reason with which it is sent away.
    enum Flood: CaseIterable {
        case reset, ping, settings, windowUpdate, priority, emptyData, serverResets, refusedStreams

        func frames(_ round: Int) -> [UInt8] {
            let stream = UInt32(2 * round + 1)
            switch self {
            case .reset:
                return frame(1, flags: 5, stream: stream, FloodTests.request) + frame(3, stream: stream, [0, 0, 0, 8])
            case .ping: return frame(6, [UInt8](repeating: 0, count: 8))
            case .settings: return frame(4)
            case .windowUpdate: return frame(8, [0, 0, 0, 1])
            case .priority: return frame(2, stream: stream, [0, 0, 0, 0, 16])
            case .emptyData:
                return (round == 0 ? frame(1, flags: 4, stream: 1, FloodTests.request) : []) + frame(0, stream: 1)
            case .serverResets:
                // No window update may be larger than that: the server has to reset the stream.
                return frame(1, flags: 5, stream: stream, FloodTests.request)
                    + frame(8, stream: stream, [0x7F, 0xFF, 0xFF, 0xFF])
            case .refusedStreams: return frame(1, flags: 5, stream: stream, FloodTests.request)
            }
        }

        var reason: String {
            switch self {
            case .reset, .serverResets, .refusedStreams: "http2_reset_flood"
            case .ping: "http2_ping_flood"
            case .settings: "http2_settings_flood"
            case .windowUpdate: "http2_window_update_flood"
            case .priority: "http2_priority_flood"
            case .emptyData: "http2_empty_flood"
            }
        }
    }

    @Test("a flood ends the connection, whether its answers are read or not", arguments: Flood.allCases, [true, false])
    func flood(_ flood: Flood, _ isRead: Bool) throws {
        let pair = Pair()
        pair.feed(opening)
        var rounds = 0
        while pair.error == nil, rounds < 10_000 {
            pair.feed(flood.frames(rounds))
            if isRead, pair.error == nil { _ = pair.collect() }
            rounds += 1
        }
        let error = try #require(pair.error)
        if isRead { #expect(error.reason == flood.reason) }
        #expect(!error.description.isEmpty)
        if isRead { #expect(error.code == 11) }
        #expect(rounds < 2_500)
        #expect(pair.server.exchanges.isEmpty)
        let rest = pair.server.takeRest()
        #expect(rest.count < 200_000)
        #expect(rest.contains(7), "a goodbye is among them")
    }

    @Test("what a busy client does in a minute is no flood")
    func busy() {
        let pair = Pair()
        pair.run()
        for second in 0..<60 {
            pair.now += 1_000
            for _ in 0..<30 {
                let stream = pair.client.get("/")
                pair.run()
                if second % 2 == 0 {
                    pair.client.reset(stream)
                } else {
                    pair.server.respond(stream, .init(status: 200))
                }
                pair.run()
            }
            for _ in 0..<5 { pair.client.ping() }
            pair.run()
        }
        #expect(pair.error == nil)
        #expect(pair.requests.count == 1_800)
    }

    @Test("a page that is closed resets all of its streams at once, and comes back")
    func closedPage() {
        let pair = Pair()
        for _ in 0..<3 {
            let streams = (0..<100).map { _ in pair.client.get("/") }
            pair.run()
            for stream in streams { pair.client.reset(stream) }
            pair.run()
            pair.now += 4_000
        }
        #expect(pair.error == nil)
        #expect(pair.closed.count == 300)
    }

    @Test("headers that unpack to far more than the limit end the connection")
    func headerBomb() {
        let pair = Pair()
        // One field of 4,000 bytes goes into the table, and is then named a byte at a time (RFC 7541 §6.1).
        let value = [UInt8](repeating: 0x61, count: 3_900)
        let literal: [UInt8] = [0x40, 1, 0x78, 0x7F, 0xBD, 0x1D] + value
        let block = FloodTests.request + literal + [UInt8](repeating: 0xBE, count: 5_000)
        pair.feed(opening + frame(1, flags: 5, stream: 1, block))
        #expect(pair.error?.reason == "http2_header_flood")
    }

    @Test("an endless series of continuations ends the connection")
    func continuations() {
        let pair = Pair()
        pair.feed(opening + frame(1, flags: 1, stream: 1, FloodTests.request))
        for _ in 0..<1_000 where pair.error == nil {
            pair.feed(frame(9, stream: 1, [0x40, 1, 0x78, 1, 0x79]))
        }
        #expect(pair.error != nil)
    }

    @Test("an update of a window by nothing is a violation")
    func zeroUpdate() {
        let pair = Pair()
        pair.feed(opening + frame(8, [0, 0, 0, 0]))
        #expect(pair.error?.reason == "http2_protocol")
        #expect(pair.error?.code == 1)
    }

    @Test("frames of unknown kinds are passed over")
    func unknown() {
        let pair = Pair()
        pair.feed(opening)
        for _ in 0..<10_000 { pair.feed(frame(0xBB, flags: 0xFF, stream: 9, [1, 2, 3])) }
        #expect(pair.error == nil)
        #expect(pair.collect().count < 100)
    }

    @Test("a client may not push, and may not answer")
    func push() {
        let pair = Pair()
        pair.feed(opening + frame(5, flags: 4, stream: 1, [0, 0, 0, 2] + FloodTests.request))
        #expect(pair.error?.reason == "http2_protocol")
    }

    @Test("a bucket fills with time, and no further than its size")
    func bucket() {
        var flood = FloodGuard(now: 0)
        func spendAll(_ now: UInt64) -> Int {
            var count = 0
            while flood.spend(.ping, now: now) { count += 1 }
            return count
        }
        #expect(spendAll(0) == 100)
        #expect(spendAll(1_000) == 10)
        #expect(spendAll(1_050) == 0)
        #expect(spendAll(1_100) == 1)
        #expect(spendAll(UInt64.max) == 100)
        flood.earn(.ping, 7)
        #expect(spendAll(UInt64.max) == 7)
    }
}
