/// What the head of an hvcC record repeats from an H.265 sequence parameter set (ITU-T H.265 §7.3.2.2.1).
struct H265Profile {
    let id: Int
    /// general_profile_space to general_level_idc.
    private let general: [UInt8]
    private let chroma: UInt8
    private let lumaDepth: UInt8
    private let chromaDepth: UInt8
    private let temporalLayers: UInt8
    private let isTemporallyNested: Bool

    /// nil when the unit cannot be read up to its bit depths.
    init?(_ unit: Span<UInt8>) {
        var bits = BitCursor(nalUnit: unit)
        bits.skip(20)
        let subLayers = Int(bits.bits(3))
        isTemporallyNested = bits.flag()
        temporalLayers = UInt8(subLayers + 1)
        guard subLayers <= 6, let general = bits.take(bytes: 12) else { return nil }
        self.general = general
        Self.skipSubLayers(&bits, subLayers)
        guard let id = bits.unsigned(), id <= 15, let chroma = bits.unsigned(), chroma <= 3 else { return nil }
        if chroma == 3 { bits.skip(1) }
        guard bits.unsigned() != nil, bits.unsigned() != nil else { return nil }
        if bits.flag() {
            for _ in 0..<4 where bits.unsigned() == nil { return nil }
        }
        guard let luma = bits.unsigned(), let depth = bits.unsigned(), luma <= 7, depth <= 7 else { return nil }
        self.id = id
        self.chroma = UInt8(chroma)
        lumaDepth = UInt8(luma)
        chromaDepth = UInt8(depth)
    }

    private static func skipSubLayers(_ bits: inout BitCursor, _ subLayers: Int) {
        guard subLayers > 0 else { return }
        var count = 0
        for _ in 0..<subLayers {
            if bits.flag() { count += 88 }
            if bits.flag() { count += 8 }
        }
        bits.skip((8 - subLayers) * 2 + count)
    }

    /// The first 22 bytes of the record. Segmentation, parallelism and frame rate are left unknown.
    var recordHeader: [UInt8] {
        var record: [UInt8] = [1]
        record += general
        record += [0xf0, 0, 0xfc, 0xfc | chroma, 0xf8 | lumaDepth, 0xf8 | chromaDepth, 0, 0]
        record.append(temporalLayers << 3 | (isTemporallyNested ? 4 : 0) | 3)
        return record
    }
}
