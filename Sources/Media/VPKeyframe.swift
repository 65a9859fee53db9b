/// The picture size at the head of a VP8 or VP9 keyframe, which the codec configuration does not give.
public struct VPKeyframe: Sendable, Equatable {
    public var width: Int
    public var height: Int

    /// RFC 6386 §9.1: a 3-byte frame tag, a start code, then 14 bits each of width and height.
    public static func vp8(_ frame: Span<UInt8>) throws(CodecError) -> VPKeyframe {
        guard frame.count >= 10 else { throw .truncated("VP8 keyframe") }
        guard frame[0] & 1 == 0, frame.u24(at: 3) == 0x9d012a else {
            throw .invalid("VP8 keyframe", field: "start code")
        }
        let width = Int(frame[6]) | Int(frame[7] & 0x3f) << 8
        let height = Int(frame[8]) | Int(frame[9] & 0x3f) << 8
        return VPKeyframe(width: width, height: height)
    }

    /// VP9 bitstream §6.2 `uncompressed_header`, as far as `frame_size`.
    public static func vp9(_ frame: Span<UInt8>) throws(CodecError) -> VPKeyframe {
        let what: CodecError.StaticName = "VP9 keyframe"
        var reader = BitReader(frame.copy(0..<min(frame.count, longestHeader)), in: what)
        guard try reader.bits(2) == 2 else { throw .invalid(what, field: "frame marker") }
        let profile = try reader.bits(1) | (try reader.bits(1)) << 1
        if profile == 3 { try reader.skip(1) }
        let showsExisting = try reader.flag()
        let isInter = try reader.flag()
        guard !showsExisting && !isInter else { throw .invalid(what, field: "frame type") }
        try reader.skip(2)
        guard try reader.bits(24) == 0x498342 else { throw .invalid(what, field: "sync code") }
        try skipColour(&reader, profile: profile)
        return VPKeyframe(width: Int(try reader.bits(16)) + 1, height: Int(try reader.bits(16)) + 1)
    }

    /// Bytes of a VP9 frame that the size certainly stands in.
    private static let longestHeader = 16

    private static func skipColour(_ reader: inout BitReader, profile: UInt32) throws(CodecError) {
        if profile >= 2 { try reader.skip(1) }
        let isRGB = try reader.bits(3) == 7
        if !isRGB { try reader.skip(1) }
        if profile & 1 == 1 { try reader.skip(isRGB ? 1 : 3) }
    }
}
