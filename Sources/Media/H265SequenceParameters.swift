/// The parts of an H.265 sequence parameter set (ITU-T H.265 §7.3.2.2.1) that say how a picture looks and how often
/// one comes. What follows the size may be broken or of an unknown extension: that costs the frame rate alone.
public struct H265SequenceParameters: Sendable, Equatable {
    /// After the conformance window, in luma samples.
    public var width: Int
    public var height: Int
    public var frameRate: Double?

    /// Reads a NAL unit with its two-byte header and its emulation prevention bytes.
    public static func parse(nalUnit: Span<UInt8>) throws(CodecError) -> H265SequenceParameters {
        guard nalUnit.count >= 4 else { throw .truncated("H.265 SPS") }
        guard nalUnit[0] >> 1 & 0x3f == 33 else { throw .invalid("H.265 SPS", field: "NAL unit type") }
        var reader = BitReader(nalUnit: nalUnit, headerSize: 2, in: "H.265 SPS")
        try reader.skip(4)
        let subLayers = Int(try reader.bits(3))
        guard subLayers <= 6 else { throw .invalid("H.265 SPS", field: "sps_max_sub_layers_minus1") }
        try reader.skip(1)
        try skipProfileTierLevel(&reader, subLayers: subLayers)
        _ = try reader.unsigned(atMost: 15, "sps_seq_parameter_set_id")

        var result = H265SequenceParameters(width: 0, height: 0)
        try result.readSize(&reader)
        result.frameRate = (try? frameRate(&reader, subLayers: subLayers)) ?? nil
        return result
    }

    /// §7.3.3: 88 bits of general profile and 8 of level, then as much for each sub-layer that has its own.
    private static func skipProfileTierLevel(_ reader: inout BitReader, subLayers: Int) throws(CodecError) {
        try reader.skip(96)
        guard subLayers > 0 else { return }
        var bits = 0
        for _ in 0..<subLayers {
            if try reader.flag() { bits += 88 }
            if try reader.flag() { bits += 8 }
        }
        try reader.skip((8 - subLayers) * 2 + bits)
    }

    private mutating func readSize(_ reader: inout BitReader) throws(CodecError) {
        var chroma = try reader.unsigned(atMost: 3, "chroma_format_idc")
        if chroma == 3, try reader.flag() { chroma = 0 }
        width = try reader.unsigned(atMost: VideoFormat.maximumDimension, "width")
        height = try reader.unsigned(atMost: VideoFormat.maximumDimension, "height")
        if try reader.flag() {
            let unitX = chroma == 1 || chroma == 2 ? 2 : 1
            let unitY = chroma == 1 ? 2 : 1
            let left = try reader.unsigned(atMost: width, "conformance window")
            let right = try reader.unsigned(atMost: width, "conformance window")
            let top = try reader.unsigned(atMost: height, "conformance window")
            let bottom = try reader.unsigned(atMost: height, "conformance window")
            width -= (left + right) * unitX
            height -= (top + bottom) * unitY
        }
        guard width > 0 && height > 0 else { throw .invalid("H.265 SPS", field: "size") }
    }

    /// Everything between the size and the timing of the VUI, which has to be walked to be skipped.
    private static func frameRate(_ reader: inout BitReader, subLayers: Int) throws(CodecError) -> Double? {
        _ = try reader.unsigned(atMost: 8, "bit_depth_luma")
        _ = try reader.unsigned(atMost: 8, "bit_depth_chroma")
        let orderBits = try reader.unsigned(atMost: 12, "log2_max_pic_order_cnt_lsb") + 4
        for _ in (try reader.flag() ? 0 : subLayers)...subLayers {
            for _ in 0..<3 { _ = try reader.unsigned() }
        }
        for _ in 0..<6 { _ = try reader.unsigned() }  // block and transform sizes
        if try reader.flag(), try reader.flag() { try skipScalingLists(&reader) }
        try reader.skip(2)
        if try reader.flag() {  // pcm_enabled_flag
            try reader.skip(8)
            _ = try reader.unsigned()
            _ = try reader.unsigned()
            try reader.skip(1)
        }
        try skipReferencePictureSets(&reader)
        if try reader.flag() {
            let pictures = try reader.unsigned(atMost: 32, "num_long_term_ref_pics_sps")
            try reader.skip(pictures * (orderBits + 1))
        }
        try reader.skip(2)
        return try reader.flag() ? try vuiFrameRate(&reader) : nil
    }

    /// §7.3.4.
    private static func skipScalingLists(_ reader: inout BitReader) throws(CodecError) {
        for size in 0..<4 {
            for _ in stride(from: 0, to: 6, by: size == 3 ? 3 : 1) {
                guard try reader.flag() else {
                    _ = try reader.unsigned()
                    continue
                }
                if size > 1 { _ = try reader.signed() }
                for _ in 0..<min(64, 1 << (4 + size << 1)) { _ = try reader.signed() }
            }
        }
    }

    /// §7.3.7: a set is spelt out, or differs from the set before it, whose size therefore matters.
    private static func skipReferencePictureSets(_ reader: inout BitReader) throws(CodecError) {
        let sets = try reader.unsigned(atMost: 64, "num_short_term_ref_pic_sets")
        var previous = 0
        for index in 0..<sets {
            if index > 0, try reader.flag() {
                try reader.skip(1)
                _ = try reader.unsigned()
                var count = 0
                for _ in 0...previous {
                    let used = try reader.flag()
                    let kept = used ? true : try reader.flag()
                    count += kept ? 1 : 0
                }
                previous = count
            } else {
                let before = try reader.unsigned(atMost: 16, "num_negative_pics")
                let after = try reader.unsigned(atMost: 16, "num_positive_pics")
                for _ in 0..<before + after {
                    _ = try reader.unsigned()
                    try reader.skip(1)
                }
                previous = before + after
            }
        }
    }

    /// §E.2.1 up to the timing.
    private static func vuiFrameRate(_ reader: inout BitReader) throws(CodecError) -> Double? {
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
        try reader.skip(3)
        if try reader.flag() {  // default display window
            for _ in 0..<4 { _ = try reader.unsigned() }
        }
        guard try reader.flag() else { return nil }
        let units = try reader.bits(32)
        let scale = try reader.bits(32)
        return plausibleFrameRate(Double(scale) / Double(units))
    }
}
