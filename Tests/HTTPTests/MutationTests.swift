import Fixtures
import Testing

/// The fuzz entry points on seeded mutations of real input, as part of every test run.
struct MutationTests {
    private static let heads = [RequestParserTests.pipeline, UpgradeTests.handshake + "\u{2}"].map {
        [UInt8(7)] + Array($0.utf8)
    }
    private static let frames: [[UInt8]] = [
        [3] + clientFrame(1, Array("Hel".utf8), isFinal: false) + clientFrame(9, [7]) + clientFrame(0, [0x6c]),
        [0] + clientFrame(2, [UInt8](repeating: 5, count: 130)) + clientFrame(10, [])
            + clientFrame(8, [3, 0xe8, 0x62]),
    ]
    private static let lively = Array("\r\n\0:;,% ./\\0f".utf8) + [0x7e, 0x7f, 0x80, 0xff]

    private func mutated(_ seed: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = Int.random(in: 0..<max(1, bytes.count), using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1 where at < bytes.count: bytes[at] = Self.lively.randomElement(using: &random)!
            case 2 where at < bytes.count: bytes.removeSubrange(at...)
            case 3 where at < bytes.count: bytes.remove(at: at)
            case 4 where at < bytes.count: bytes.insert(contentsOf: bytes[at...].prefix(24), at: at)
            default: bytes.insert(Self.lively.randomElement(using: &random)!, at: min(at, bytes.count))
            }
        }
        return bytes
    }

    @Test("20,000 mutated inputs neither trap nor read differently in pieces")
    func mutations() {
        var random = SeededGenerator(seed: 6455)
        for _ in 0..<10_000 {
            fuzzHTTP(mutated(Self.heads.randomElement(using: &random)!, &random).span)
            fuzzWebSocket(mutated(Self.frames.randomElement(using: &random)!, &random).span)
        }
    }
}
