import Media
import Testing

@testable import RTMP

/// A short, seeded run of the fuzz entries over mutations of real sequences.
@Suite struct FuzzTests {
    private static let rounds = 20_000

    private func mutate(_ seeds: [[UInt8]], rounds: Int, seed: UInt64, _ run: (Span<UInt8>) -> Void) {
        var random = Random(seed: seed)
        for _ in 0..<rounds {
            var bytes = seeds[random.below(seeds.count)]
            for _ in 0...random.below(8) {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[at] ^= UInt8(1 << random.below(8))
                case 1: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
                case 2: bytes.remove(at: at)
                default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + random.below(12))], at: at)
                }
                if bytes.isEmpty { bytes = [1] }
            }
            run(bytes.span)
        }
    }

    @Test("a server session survives mutated clients")
    func server() {
        let start = connect() + command("createStream", 4.0, .null)
        let publish = start + command("publish", 5.0, .null, "s?x=1", "live")
        let media = message(9, time: 0x0100_0000, [UInt8](repeating: 0x17, count: 300))
        let tag: [UInt8] = [8, 0, 0, 2, 0, 0, 5, 0, 0, 0, 0, 1, 2, 0, 0, 0, 13]
        let seeds: [[UInt8]] = [
            [0x81] + publish + media + message(22, tag + tag) + message(18, amf("@setDataFrame", "onMetaData")),
            [0x0D] + start + command("play", 5.0, .null, "s") + message(4, [0, 7, 0, 0, 0, 1]),
            [0xFD] + publish + message(1, [0, 0, 0, 1]) + message(9, [1, 2, 3], chunkSize: 1) + [0xC6, 4],
        ]
        mutate(seeds, rounds: Self.rounds, seed: 11, fuzzRTMPServer)
    }

    @Test("a client session survives mutated servers")
    func client() {
        let answers =
            message(5, [0, 0, 1, 0]) + command("_result", 1.0, .null, .status("NetConnection.Connect.Success", ""))
            + command("_result", 4.0, .null, 1.0) + command("onStatus", 0.0, .null, .status("NetStream.Play.Start", ""))
        let seeds = [[0x83] + answers + message(9, [UInt8](repeating: 1, count: 200)), [0x81] + answers]
        mutate(seeds, rounds: Self.rounds, seed: 12, fuzzRTMPClient)
    }

    @Test("AMF survives mutations")
    func amfValues() {
        let seeds: [[UInt8]] = [
            amf("connect", 1.0, .object(["app": "live", "list": .strictArray(["a", true, .date(1)])])),
            amf("onMetaData", .ecmaArray(["width": 1280.0, "encoder": .longString("x")])),
            [
                0x11, 0x0A, 0x3B, 1, 3, 0x61, 3, 0x62, 3, 0x63, 4, 5, 4, 0xFF, 0xFF, 0xFF, 0xFF, 6, 0, 3, 0x64, 9, 3, 1,
                3, 1,
            ],
        ]
        mutate(seeds, rounds: Self.rounds, seed: 13, fuzzAMF)
    }
}
