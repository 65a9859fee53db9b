/// An AV1CodecConfigurationRecord, "av1C" (AV1 in ISOBMFF §2.3.3), with the sequence header that it may carry.
public struct AV1Configuration: Sendable, Equatable {
    public var profile: UInt8
    public var level: UInt8
    public var isHighTier: Bool
    public var bitDepth: UInt8
    public var sequence: AV1SequenceHeader?

    public static func parse(_ record: Span<UInt8>) throws(CodecError) -> AV1Configuration {
        guard record.count >= 4 else { throw .truncated("av1C") }
        guard record.count <= CodecError.maximumConfigurationSize else {
            throw .oversize("av1C", bytes: record.count)
        }
        guard record[0] == 0x81 else { throw .invalid("av1C", field: "marker or version") }
        let bitDepth: UInt8 = record[2] & 0x40 == 0 ? 8 : record[2] & 0x20 == 0 ? 10 : 12
        return AV1Configuration(
            profile: record[1] >> 5, level: record[1] & 0x1f, isHighTier: record[2] & 0x80 != 0, bitDepth: bitDepth,
            sequence: try .find(in: record.extracting(4..<record.count)))
    }

    public var format: VideoFormat {
        let names = ["Main", "High", "Professional"]
        return VideoFormat(
            codec: .av1, profile: Int(profile) < names.count ? names[Int(profile)] : "Profile \(profile)",
            level: level == 31 ? "max" : "\(2 + level >> 2).\(level & 3)",
            width: sequence?.width ?? 0, height: sequence?.height ?? 0, frameRate: sequence?.frameRate,
            codecString: "av01.\(profile).\(twoDigits(level))\(isHighTier ? "H" : "M").\(twoDigits(bitDepth))")
    }
}
