/// A VPCodecConfigurationRecord, "vpcC" (VP codec ISO media file format binding), for VP9 and VP8.
///
/// It says nothing of the picture's size, which every keyframe repeats: see `VPKeyframe`.
public struct VP9Configuration: Sendable, Equatable {
    public var profile: UInt8
    public var level: UInt8
    public var bitDepth: UInt8

    /// ffmpeg writes the record as a full box, with four bytes of version and flags; others leave them out.
    public static func parse(_ record: Span<UInt8>) throws(CodecError) -> VP9Configuration {
        guard record.count >= 8 else { throw .truncated("vpcC") }
        let isFullBox = record.count >= 12 && record.u32(at: 0) == 0x0100_0000
        let start = isFullBox ? 4 : 0
        let result = VP9Configuration(
            profile: record[start], level: record[start + 1], bitDepth: record[start + 2] >> 4)
        guard result.profile <= 3 else { throw .invalid("vpcC", field: "profile") }
        return result
    }

    public var format: VideoFormat {
        VideoFormat(
            codec: .vp9, profile: "Profile \(profile)", level: level == 0 ? "" : "\(level / 10).\(level % 10)",
            codecString: "vp09.\(twoDigits(profile)).\(twoDigits(level)).\(twoDigits(bitDepth))")
    }
}
