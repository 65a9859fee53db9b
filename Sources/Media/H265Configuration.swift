/// An HEVCDecoderConfigurationRecord, "hvcC" (ISO/IEC 14496-15 §8.3.3.1): what an H.265 sequence header carries.
public struct H265Configuration: Sendable, Equatable {
    /// Bytes of the length before each NAL unit of a frame: 1, 2 or 4.
    public var lengthSize: Int
    /// VPS, SPS, PPS and SEI, in the record's order.
    public var parameterSets: [[UInt8]]
    public var format: VideoFormat

    private static let headerSize = 23
    private static let sequenceParameterSet: UInt8 = 33

    public static func parse(_ record: Span<UInt8>) throws(CodecError) -> H265Configuration {
        guard record.count >= headerSize else { throw .truncated("hvcC") }
        guard record.count <= CodecError.maximumConfigurationSize else {
            throw .oversize("hvcC", bytes: record.count)
        }
        // Version 0 was written by encoders that followed the draft.
        guard record[0] <= 1 else { throw .invalid("hvcC", field: "version") }
        let lengthSize = Int(record[21] & 3) + 1
        guard lengthSize != 3 else { throw .invalid("hvcC", field: "NAL unit length size") }

        var sets: [[UInt8]] = []
        var sequence: H265SequenceParameters?
        var position = headerSize
        for _ in 0..<record[22] {
            guard position + 3 <= record.count else { throw .truncated("hvcC") }
            let type = record[position] & 0x3f
            let units = record.u16(at: position + 1)
            position += 3
            for _ in 0..<units {
                guard position + 2 <= record.count else { throw .truncated("hvcC") }
                let end = position + 2 + Int(record.u16(at: position))
                guard end <= record.count else { throw .truncated("hvcC") }
                let unit = record.extracting(position + 2..<end)
                if type == sequenceParameterSet && sequence == nil { sequence = try .parse(nalUnit: unit) }
                sets.append(unit.copy())
                position = end
            }
        }
        return H265Configuration(
            lengthSize: lengthSize, parameterSets: sets, format: format(header: record, sequence: sequence))
    }

    /// The record's header repeats the general profile, tier and level of the SPS.
    private static func format(header: Span<UInt8>, sequence: H265SequenceParameters?) -> VideoFormat {
        let profile = header[1] & 0x1f
        let level = header[12]
        let averageRate = Double(header.u16(at: 19)) / 256  // frames in 256 seconds
        return VideoFormat(
            codec: .h265, profile: name(profile: profile), level: "\(level / 30).\(level % 30 / 3)",
            width: sequence?.width ?? 0, height: sequence?.height ?? 0,
            frameRate: sequence?.frameRate ?? plausibleFrameRate(averageRate), codecString: codecString(header))
    }

    private static func name(profile: UInt8) -> String {
        switch profile {
        case 1: "Main"
        case 2: "Main 10"
        case 3: "Main Still Picture"
        case 4: "Range Extensions"
        case 9: "Screen Content Coding"
        default: "Profile \(profile)"
        }
    }

    /// ISO/IEC 14496-15 §E.3: the compatibility flags in reverse bit order, constraint bytes without trailing zeros.
    private static func codecString(_ header: Span<UInt8>) -> String {
        let space = ["", "A", "B", "C"][Int(header[1] >> 6)]
        var reversed: UInt32 = 0
        let flags = header.u32(at: 2)
        for bit in 0..<32 as Range<UInt32> where flags >> bit & 1 == 1 { reversed |= 1 << (31 - bit) }
        var text = "hvc1.\(space)\(header[1] & 0x1f)." + String(reversed, radix: 16, uppercase: true)
        text += "." + (header[1] & 0x20 != 0 ? "H" : "L") + "\(header[12])"
        var last = 11
        while last >= 6 && header[last] == 0 { last -= 1 }
        for i in 6..<max(last + 1, 6) { text += "." + String(header[i], radix: 16, uppercase: true) }
        return text
    }
}
