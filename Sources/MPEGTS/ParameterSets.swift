import Media

/// The parameter sets that a video stream has sent, the newest of each type and id, and the decoder configuration record
/// (avcC, hvcC) made of them.
///
/// Most units repeat what is there already, which is seen by comparing bytes; only news is taken apart.
struct ParameterSets: Sendable {
    private struct Entry {
        let type: UInt8
        let id: Int
        var unit: [UInt8]
    }

    let codec: VideoCodec
    private var entries: [Entry] = []
    /// Something is new since `record` was last asked for.
    private(set) var hasChanged = false

    init(_ codec: VideoCodec) { self.codec = codec }

    /// Whether the NAL unit with this header byte belongs into the configuration.
    static func isParameterSet(_ codec: VideoCodec, _ header: UInt8) -> Bool {
        codec == .h264 ? [7, 8].contains(header & 0x1f) : (32...34).contains(header >> 1 & 0x3f)
    }

    private func type(of header: UInt8) -> UInt8 { codec == .h264 ? header & 0x1f : header >> 1 & 0x3f }

    mutating func note(_ unit: Span<UInt8>) {
        guard unit.count > 2, unit.count <= TSLimits.parameterSet else { return }
        for i in entries.indices where Self.equal(entries[i].unit, unit) { return }
        let type = type(of: unit[0])
        guard let id = id(of: unit, type: type) else { return }
        if let index = entries.firstIndex(where: { $0.type == type && $0.id == id }) {
            entries[index].unit = unit.copy()
        } else {
            guard entries.count(where: { $0.type == type }) < TSLimits.parameterSets else { return }
            entries.append(Entry(type: type, id: id, unit: unit.copy()))
        }
        hasChanged = true
    }

    private static func equal(_ known: [UInt8], _ unit: Span<UInt8>) -> Bool {
        guard known.count == unit.count else { return false }
        for i in known.indices where known[i] != unit[i] { return false }
        return true
    }

    /// nil for a unit that cannot be read.
    private func id(of unit: Span<UInt8>, type: UInt8) -> Int? {
        var bits = BitCursor(nalUnit: unit)
        switch (codec, type) {
        case (.h264, 7):
            guard (try? H264SequenceParameters.parse(nalUnit: unit)) != nil else { return nil }
            bits.skip(32)
            return bits.unsigned()
        case (.h264, _):
            bits.skip(8)
            return bits.unsigned()
        case (_, 32):
            bits.skip(16)
            return Int(bits.bits(4))
        case (_, 33): return H265Profile(unit)?.id
        default:
            bits.skip(16)
            return bits.unsigned()
        }
    }

    private func units(_ type: UInt8) -> [[UInt8]] {
        entries.filter { $0.type == type }.sorted { $0.id < $1.id }.map(\.unit)
    }

    /// The configuration record; nil while a type of parameter set is missing.
    mutating func record() -> [UInt8]? {
        hasChanged = false
        return codec == .h264 ? avcC() : hvcC()
    }

    /// ISO/IEC 14496-15 §5.3.3.1.
    private func avcC() -> [UInt8]? {
        let sequences = units(7).prefix(31)
        let pictures = units(8).prefix(255)
        guard let first = sequences.first, !pictures.isEmpty else { return nil }
        var record: [UInt8] = [1, first[1], first[2], first[3], 0xff, 0xe0 | UInt8(sequences.count)]
        for unit in sequences { Self.append(unit, to: &record) }
        record.append(UInt8(pictures.count))
        for unit in pictures { Self.append(unit, to: &record) }
        record += Self.chroma(of: first)
        return record
    }

    /// The four bytes that profiles beyond Baseline, Main and Extended add.
    private static func chroma(of sequence: [UInt8]) -> [UInt8] {
        guard ![66, 77, 88].contains(sequence[1]) else { return [] }
        var bits = BitCursor(nalUnit: sequence.span)
        bits.skip(32)
        guard bits.unsigned() != nil, let chroma = bits.unsigned(), chroma <= 3 else { return [] }
        if chroma == 3 { bits.skip(1) }
        guard let luma = bits.unsigned(), let depth = bits.unsigned(), luma <= 7, depth <= 7 else { return [] }
        return [0xfc | UInt8(chroma), 0xf8 | UInt8(luma), 0xf8 | UInt8(depth), 0]
    }

    /// ISO/IEC 14496-15 §8.3.3.1.
    private func hvcC() -> [UInt8]? {
        let types: [UInt8] = [32, 33, 34]
        guard let first = units(33).first, types.allSatisfy({ !units($0).isEmpty }),
            let profile = H265Profile(first.span)
        else { return nil }
        var record = profile.recordHeader
        record.append(UInt8(types.count))
        for type in types {
            record.append(0x80 | type)
            record.append(u16: UInt16(units(type).count))
            for unit in units(type) { Self.append(unit, to: &record) }
        }
        return record
    }

    private static func append(_ unit: [UInt8], to record: inout [UInt8]) {
        record.append(u16: UInt16(unit.count))
        record += unit
    }
}
