/// An MPEG-4 AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1), with SBR and PS in both their spellings: hierarchical
/// (object type 5 or 29 comes first) and backward compatible (a sync word after the core's configuration).
public struct AACConfiguration: Sendable, Equatable {
    /// Of the core codec: 2 is LC.
    public var objectType: Int
    public var coreSampleRate: Int
    /// With SBR, twice the core's as a rule.
    public var sampleRate: Int
    public var channels: Int
    public var hasSBR = false
    public var hasPS = false

    private static let what: CodecError.StaticName = "AudioSpecificConfig"
    private static let rates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]
    /// By channelConfiguration; 0 means that a program config element says, and the gaps are reserved.
    private static let channelCounts = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0]

    public static func parse(_ bytes: Span<UInt8>) throws(CodecError) -> AACConfiguration {
        guard bytes.count <= CodecError.maximumConfigurationSize else { throw .oversize(what, bytes: bytes.count) }
        var reader = BitReader(bytes.copy(), in: what)
        let first = try objectType(&reader)
        let rate = try sampleRate(&reader)
        let channelConfiguration = Int(try reader.bits(4))
        var result = AACConfiguration(
            objectType: first, coreSampleRate: rate, sampleRate: rate, channels: channelCounts[channelConfiguration])
        if first == 5 || first == 29 {
            result.hasSBR = true
            result.hasPS = first == 29
            result.sampleRate = try sampleRate(&reader)
            result.objectType = try objectType(&reader)
        }
        // What follows refines; a configuration that ends here, as some encoders' do, is still a good one.
        try? result.readExtensions(&reader, hasProgram: channelConfiguration == 0)
        return result
    }

    private static func objectType(_ reader: inout BitReader) throws(CodecError) -> Int {
        let type = Int(try reader.bits(5))
        let full = type == 31 ? 32 + Int(try reader.bits(6)) : type
        guard full != 0 else { throw .invalid(what, field: "audio object type") }
        return full
    }

    private static func sampleRate(_ reader: inout BitReader) throws(CodecError) -> Int {
        let index = Int(try reader.bits(4))
        if index == 15 {
            let rate = Int(try reader.bits(24))
            guard rate > 0 else { throw .invalid(what, field: "sampling frequency") }
            return rate
        }
        guard index < rates.count else { throw .invalid(what, field: "sampling frequency index") }
        return rates[index]
    }

    /// GASpecificConfig (§4.4.1) and the backward-compatible extension after it.
    private mutating func readExtensions(_ reader: inout BitReader, hasProgram: Bool) throws(CodecError) {
        guard [1, 2, 3, 4, 6, 7].contains(objectType) else { return }
        try reader.skip(1)
        if try reader.flag() { try reader.skip(14) }
        let isExtended = try reader.flag()
        if hasProgram { channels = try Self.programChannels(&reader) }
        if objectType == 6 { try reader.skip(3) }
        if isExtended { try reader.skip(1) }

        guard !hasSBR, reader.remaining >= 16, try reader.bits(11) == 0x2b7, try reader.bits(5) == 5 else { return }
        guard try reader.flag() else { return }
        sampleRate = try Self.sampleRate(&reader)
        hasSBR = true
        guard reader.remaining >= 12, try reader.bits(11) == 0x548 else { return }
        hasPS = try reader.flag()
    }

    /// program_config_element() (§4.4.1.1), read for its channels: an element with the pair flag counts twice.
    private static func programChannels(_ reader: inout BitReader) throws(CodecError) -> Int {
        try reader.skip(10)
        let front = Int(try reader.bits(4))
        let side = Int(try reader.bits(4))
        let back = Int(try reader.bits(4))
        let lowFrequency = Int(try reader.bits(2))
        let data = Int(try reader.bits(3))
        let coupling = Int(try reader.bits(4))
        if try reader.flag() { try reader.skip(4) }
        if try reader.flag() { try reader.skip(4) }
        if try reader.flag() { try reader.skip(3) }
        var channels = lowFrequency
        for _ in 0..<front + side + back {
            channels += try reader.flag() ? 2 : 1
            try reader.skip(4)
        }
        try reader.skip(lowFrequency * 4 + data * 4 + coupling * 5)
        try reader.skip((8 - reader.position % 8) % 8)
        try reader.skip(Int(try reader.bits(8)) * 8)
        return channels
    }

    public var format: AudioFormat {
        let profile =
            switch objectType {
            case _ where hasPS: "HE-AACv2"
            case _ where hasSBR: "HE-AAC"
            case 1: "Main"
            case 2: "LC"
            case 3: "SSR"
            case 4: "LTP"
            case 23: "LD"
            case 39: "ELD"
            case 42: "xHE-AAC"
            default: "Object type \(objectType)"
            }
        let signalled = hasPS ? 29 : hasSBR ? 5 : objectType
        return AudioFormat(
            codec: .aac, profile: profile, sampleRate: sampleRate, channels: hasPS && channels == 1 ? 2 : channels,
            codecString: "mp4a.40.\(signalled)")
    }
}
