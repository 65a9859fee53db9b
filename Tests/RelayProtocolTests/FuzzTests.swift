import Media
import Testing

@testable import RelayProtocol

/// The fuzz entries on seeded mutations of real input, as part of every test run.
struct FuzzTests {
    private static let rounds = 10_000

    private func mutate(_ seeds: [[UInt8]], seed: UInt64, _ run: (Span<UInt8>) -> Void) {
        var random = Random(seed: seed)
        for bytes in seeds { run(bytes.span) }
        for _ in 0..<Self.rounds {
            var bytes = seeds.randomElement(using: &random)!
            for _ in 0...random.below(6) {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[at] ^= UInt8(1 << random.below(8))
                case 1: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)!
                case 2: bytes.remove(at: at)
                default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + random.below(12))], at: at)
                }
                if bytes.isEmpty { bytes = [1] }
            }
            run(bytes.span)
        }
    }

    private func dialogue(_ first: UInt8, _ types: [MessageType], seed: UInt64) -> [UInt8] {
        var random = Random(seed: seed)
        return types.reduce([first]) { $0 + random.message($1).bytes }
    }

    @Test("the parser survives mutated messages")
    func parser() {
        let single = MessageType.allCases.map { dialogue(0xf8, [$0], seed: UInt64($0.rawValue)) }
        mutate(
            single + [dialogue(0x18, MessageType.allCases, seed: 1), dialogue(9, [.frame, .frame], seed: 2)],
            seed: 21, fuzzRelayParser)
    }

    @Test("a connection survives mutated peers, and lets none in without the secret")
    func connection() {
        let open = MessageType.allCases.filter { !$0.belongsToHandshake }
        let seeds = [
            dialogue(0xf8, [.hello, .proof], seed: 3), dialogue(0x19, [.hello, .proof, .ping], seed: 4),
            dialogue(0xfc, open, seed: 5), dialogue(0x1e, open, seed: 6), dialogue(0xff, [.proof], seed: 7),
        ]
        mutate(seeds, seed: 22, fuzzRelayConnection)
    }

    @Test("a merge survives any frames of any parents")
    func merge() {
        var random = Random(seed: 8)
        mutate((0..<20).map { _ in random.bytes(300) }, seed: 23, fuzzFrameMerge)
    }
}
