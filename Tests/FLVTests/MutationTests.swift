import FLV
import Fixtures
import Testing

/// The fuzz entry points on seeded mutations of real input, as part of every test run.
struct MutationTests {
    static let flv = hex(
        """
        464c5601 05 00000009 00000000
        12 000021 000000 00 000000 02000a6f6e4d65746144617461 03 00057769647468 004094000000000000 000009 00000000
        09 000032 000000 00 000000
        17000000000164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800 00000000
        08 000007 000000 00 000000 af00121056e500 00000000
        09 00000a 000021 00 000000 27010000000000000141 00000000
        08 000003 000020 00 000000 af0121 00000000
        """)

    /// The first byte is the parser's number.
    static let codecs = [
        "00 0164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800",
        "00 01640028ffe1001a67640028acd94078044fde0220000003002000000783e2c5b2c001000668faa3cb22c0fdf8f800",
        """
        01 01022000000090000000000078f000fcfdfafa00000f03200001001840010c01ffff0220000003009000000300000300789598
        09210001002b420101022000000300900000030000030078a002ac80301d6d96566924e5780b4040000003004000000f02
        22000100074401c172b46240
        """,
        "02 812500000a0e2000002d4d55bfddaf92021a0040", "03 01000000001e820202020000", "04 131056e598", "04 eb098800",
        "05 4f707573486561640102380180bb0000000000",
        "06 664c614300000022120012000000780005110bb802f0000012c0ba43705036a3bb057849a9f54f6928a3",
        "07 0b77b50b1e40ebf8", "07 0b77037f3f87c000", "08 fffb38c4", "09 70e8009d012a5603e001000708858588",
        "0a 824983420035501df60638241c184a10", "0b 96 21 68766331 00 000004 000001 aa 61763031 02 000001 bb",
        "0b 97 02 0bc614 07 00 ff 13 61763031 aa", "0b 17 01 000042 00",
        "0c 97 02 000005 05 20 6d703461 00 000002 1210 664c6143 01 000001 bb", "0c af 00 1210",
        "0d 17000000000164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800",
        "0e 02000a6f6e4d65746144617461 03 00057769647468 004094000000000000 000009",
    ].map(hex)

    private func mutated(_ seed: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = Int.random(in: 0..<max(1, bytes.count), using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1 where at < bytes.count: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)!
            case 2 where at < bytes.count: bytes.removeSubrange(at...)
            case 3 where at < bytes.count: bytes.remove(at: at)
            default: bytes.insert(.random(in: 0 ... .max, using: &random), at: min(at, bytes.count))
            }
        }
        return bytes
    }

    @Test("the unmutated FLV reads as its five tags")
    func seed() throws {
        var reader = FLVReader()
        try reader.receive(Self.flv.span)
        var stream = StreamDescription()
        var count = 0
        while let frame = reader.next() {
            try stream.observe(kind: frame.kind, body: frame.payload.span)
            count += 1
        }
        #expect(count == 5 && stream.video?.width == 1280 && stream.audio?.channels == 2)
    }

    @Test("no mutation of FLV traps")
    func mutateFLV() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 { fuzzFLV(mutated(Self.flv, &random).span) }
    }

    @Test("no mutation of a codec configuration or packet header traps")
    func mutateCodecs() {
        var random = SeededGenerator(seed: 2)
        for seed in Self.codecs { fuzzCodecConfigurations(seed.span) }
        for _ in 0..<20_000 {
            fuzzCodecConfigurations(mutated(Self.codecs.randomElement(using: &random)!, &random).span)
        }
    }
}
