/// The parts of an H.264 sequence parameter set (ITU-T H.264 §7.3.2.1.1) that say how a picture looks and how often
/// one comes. A broken VUI costs the frame rate alone: some encoders truncate it, and the size stands before it.
public struct H264SequenceParameters: Sendable, Equatable {
    public var profile: UInt8
    public var constraints: UInt8
    public var level: UInt8
    /// After cropping, in luma samples.
    public var width: Int
    public var height: Int
    public var frameRate: Double?

    /// Profiles whose parameter sets carry a chroma format (§7.3.2.1.1).
    private static let highProfiles: Set<UInt8> = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]

    /// Reads a NAL unit with its one-byte header and its emulation prevention bytes.
    public static func parse(nalUnit: Span<UInt8>) throws(CodecError) -> H264SequenceParameters {
        guard nalUnit.count >= 4 else { throw .truncated("H.264 SPS") }
        guard nalUnit[0] & 0x1f == 7 else { throw .invalid("H.264 SPS", field: "NAL unit type") }
        var reader = BitReader(nalUnit: nalUnit, headerSize: 1, in: "H.264 SPS")
        var result = H264SequenceParameters(
            profile: try reader.byte(), constraints: try reader.byte(), level: try reader.byte(), width: 0, height: 0)
        _ = try reader.unsigned(atMost: 31, "seq_parameter_set_id")

        let chroma = highProfiles.contains(result.profile) ? try readChroma(&reader) : 1
        try skipOrder(&reader)
        try result.readSize(&reader, chroma: chroma)
        if (try? reader.flag()) == true {
            result.frameRate = (try? frameRate(&reader)) ?? nil
        }
        return result
    }

    /// Returns the ChromaArrayType, 0 to 3.
    private static func readChroma(_ reader: inout BitReader) throws(CodecError) -> Int {
        var chroma = try reader.unsigned(atMost: 3, "chroma_format_idc")
        let lists = chroma == 3 ? 12 : 8
        if chroma == 3, try reader.flag() { chroma = 0 }  // separate_colour_plane_flag
        _ = try reader.unsigned(atMost: 6, "bit_depth_luma")
        _ = try reader.unsigned(atMost: 6, "bit_depth_chroma")
        try reader.skip(1)
        guard try reader.flag() else { return chroma }
        for i in 0..<lists where try reader.flag() {
            try skipScalingList(&reader, count: i < 6 ? 16 : 64)
        }
        return chroma
    }

    private static func skipScalingList(_ reader: inout BitReader, count: Int) throws(CodecError) {
        var last = 8
        var next = 8
        for _ in 0..<count {
            if next != 0 { next = (last + (try reader.signed()) + 256) & 0xff }
            last = next == 0 ? last : next
        }
    }

    /// The frame numbers and picture order counts between the chroma format and the size.
    private static func skipOrder(_ reader: inout BitReader) throws(CodecError) {
        _ = try reader.unsigned(atMost: 12, "log2_max_frame_num")
        switch try reader.unsigned(atMost: 2, "pic_order_cnt_type") {
        case 0: _ = try reader.unsigned(atMost: 12, "log2_max_pic_order_cnt_lsb")
        case 1:
            try reader.skip(1)
            _ = try reader.signed()
            _ = try reader.signed()
            for _ in 0..<(try reader.unsigned(atMost: 255, "num_ref_frames_in_pic_order_cnt_cycle")) {
                _ = try reader.signed()
            }
        default: break
        }
        _ = try reader.unsigned()  // max_num_ref_frames
        try reader.skip(1)
    }

    private mutating func readSize(_ reader: inout BitReader, chroma: Int) throws(CodecError) {
        let limit = VideoFormat.maximumDimension / 16
        let columns = try reader.unsigned(atMost: limit - 1, "width") + 1
        let rows = try reader.unsigned(atMost: limit - 1, "height") + 1
        let framesOnly = try reader.flag()
        try reader.skip(framesOnly ? 1 : 2)
        width = columns * 16
        height = rows * (framesOnly ? 16 : 32)
        guard height <= VideoFormat.maximumDimension else { throw .invalid("H.264 SPS", field: "height") }
        guard try reader.flag() else { return }

        // Equations 7-19 to 7-22: crop units depend on the chroma format and on field coding.
        let unitX = chroma == 1 || chroma == 2 ? 2 : 1
        let unitY = (chroma == 1 ? 2 : 1) * (framesOnly ? 1 : 2)
        let left = try reader.unsigned(atMost: width, "cropping")
        let right = try reader.unsigned(atMost: width, "cropping")
        let top = try reader.unsigned(atMost: height, "cropping")
        let bottom = try reader.unsigned(atMost: height, "cropping")
        width -= (left + right) * unitX
        height -= (top + bottom) * unitY
        guard width > 0 && height > 0 else { throw .invalid("H.264 SPS", field: "cropping") }
    }

    /// VUI parameters (§E.1.1) up to the timing. A tick is a field: two of them make a frame.
    private static func frameRate(_ reader: inout BitReader) throws(CodecError) -> Double? {
        if try reader.flag(), try reader.bits(8) == 255 { try reader.skip(32) }  // sample aspect ratio
        if try reader.flag() { try reader.skip(1) }  // overscan
        if try reader.flag() {  // video_signal_type
            try reader.skip(4)
            if try reader.flag() { try reader.skip(24) }
        }
        if try reader.flag() {  // chroma location
            _ = try reader.unsigned()
            _ = try reader.unsigned()
        }
        guard try reader.flag() else { return nil }
        let units = try reader.bits(32)
        let scale = try reader.bits(32)
        return plausibleFrameRate(Double(scale) / (2 * Double(units)))
    }

    public var format: VideoFormat {
        VideoFormat(
            codec: .h264, profile: profileName, level: levelName, width: width, height: height, frameRate: frameRate,
            codecString: "avc1." + hexadecimal(profile, digits: 2) + hexadecimal(constraints, digits: 2)
                + hexadecimal(level, digits: 2))
    }

    private var profileName: String {
        switch profile {
        case 66: constraints & 0x40 != 0 ? "Constrained Baseline" : "Baseline"
        case 77: "Main"
        case 88: "Extended"
        case 100: constraints & 0x0c == 0x0c ? "Constrained High" : "High"
        case 110: "High 10"
        case 122: "High 4:2:2"
        case 244: "High 4:4:4 Predictive"
        case 44: "CAVLC 4:4:4 Intra"
        default: "Profile \(profile)"
        }
    }

    /// Level 1b is 9, or 11 with constraint_set3_flag in the three old profiles (§A.3.1).
    private var levelName: String {
        if level == 9 || (level == 11 && constraints & 0x10 != 0 && [66, 77, 88].contains(profile)) { return "1b" }
        return "\(level / 10).\(level % 10)"
    }
}

/// Timing fields hold what an encoder's author believed; a rate that no camera and no screen has is no rate.
func plausibleFrameRate(_ rate: Double) -> Double? { rate.isFinite && rate > 0 && rate <= 1_000 ? rate : nil }
