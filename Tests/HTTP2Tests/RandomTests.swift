import Fixtures
import HTTP
import Testing

@testable import HTTP2

/// Whatever comes, nothing traps, nothing grows without bound, and everything is let go of.
@Suite("HTTP/2 random input")
struct RandomTests {
    private let seeds: Range<UInt64> = 0..<300

    @Test("random bytes behind the preface")
    func bytes() { for seed in seeds { bytes(seed) } }

    private func bytes(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pair = Pair()
        pair.feed(opening)
        for _ in 0..<20 where pair.error == nil {
            pair.feed(
                (0..<Int.random(in: 1...400, using: &generator)).map { _ in .random(in: 0...255, using: &generator) })
            _ = pair.collect()
        }
        _ = pair.server.takeRest()
    }

    @Test("random frames, answered at random")
    func frames() { for seed in seeds { frames(seed) } }

    private func frames(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let releases = Releases()
        var owners = 0
        do {
            let pair = Pair()
            pair.feed(opening)
            for _ in 0..<200 where pair.error == nil {
                pair.feed(randomFrame(&generator))
                owners += act(pair, releases, &generator)
                if .random(using: &generator) { _ = pair.collect() }
                if Int.random(in: 0..<10, using: &generator) == 0 {
                    pair.tick(after: .random(in: 0..<5_000, using: &generator))
                }
                #expect(pair.server.output.count < HTTP2Limits.outputTarget + 40_000, "seed \(seed)")
                #expect(pair.server.exchanges.count <= 100, "seed \(seed)")
                #expect((0...pair.server.limits.maxBodies).contains(pair.server.bodyBytes), "seed \(seed)")
            }
            if .random(using: &generator) { _ = pair.server.takeRest() }
        }
        #expect(releases.count == owners, "seed \(seed)")
    }

    @Test("a conversation with some bytes changed")
    func mutations() { for seed in seeds { mutations(seed) } }

    private func mutations(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let client = Client()
        let pair = Pair(client)
        for round in 0..<5 {
            client.get("/\(round)?a=b", [("user-agent", "random"), ("priority", "u=1, i")])
            client.post("/api", pattern(1_000, round))
        }
        var bytes = client.takeOutput()
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            bytes[.random(in: 24..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
        }
        pair.feed(bytes)
        for (stream, _) in pair.requests { pair.server.respond(stream, HTTPResponse(status: 200, text: "x")) }
        _ = pair.collect()
        #expect(pair.requests.count <= 10, "seed \(seed)")
    }

    private func randomFrame(_ generator: inout SeededGenerator) -> [UInt8] {
        let stream = UInt32.random(in: 0..<20, using: &generator)
        let flags = UInt8.random(in: 0...63, using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<4: return frame(1, flags: flags & 1 | 4, stream: stream | 1, [0x82, 0x87, 0x84, 0x41, 1, 0x61])
        case 4:
            return frame(0, flags: flags & 1, stream: stream, [UInt8](repeating: 1, count: Int(flags) * 50))
        case 5: return frame(8, stream: stream, [0, 0, flags, 1])
        case 6: return frame(3, stream: stream, [0, 0, 0, 8])
        case 7: return frame(6, flags: flags & 1, [UInt8](repeating: flags, count: 8))
        case 8: return frame(4, [0, 4, 0, 0, flags, 0])
        default:
            let type = UInt8.random(in: 0...16, using: &generator)
            let payload = (0..<Int.random(in: 0..<30, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            return frame(type, flags: flags, stream: stream, payload)
        }
    }

    /// Answers, resets or leaves parked; says how many owners it made.
    private func act(_ pair: Pair, _ releases: Releases, _ generator: inout SeededGenerator) -> Int {
        var made = 0
        for (stream, _) in pair.requests {
            guard let exchange = pair.server.exchanges[stream], case .asked = exchange.state else { continue }
            switch Int.random(in: 0..<5, using: &generator) {
            case 0:
                let bytes = pattern(.random(in: 0..<100_000, using: &generator))
                made += 1
                pair.server.respond(stream, HTTPResponse(status: 200), ranges: [Owned(bytes, releases).range])
            case 1:
                let tap = Tap(releases)
                made += 1
                tap.put(pattern(.random(in: 0..<100_000, using: &generator)))
                tap.isOver = .random(using: &generator)
                pair.server.respond(stream, HTTPResponse(status: 200), live: tap)
            case 2: pair.server.reset(stream)
            default: pair.server.resume(stream)
            }
        }
        return made
    }
}
