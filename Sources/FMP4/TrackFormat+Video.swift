import Media

/// Sample entries of video out of sequence headers.
extension TrackFormat {
    /// Throws when the header makes no sense, and is nil when MP4 has no place for the codec.
    static func video(_ codec: VideoCodec, _ record: Span<UInt8>) throws(CodecError) -> TrackFormat? {
        switch codec {
        case .h264: try h264(record)
        case .h265: try h265(record)
        case .av1: try av1(record)
        case .vp9: try vp9(record)
        case .vp8, .other: nil
        }
    }

    private static func box(_ type: FourCC, _ bytes: [UInt8]) -> [UInt8] {
        var builder = BoxBuilder()
        builder.box(type) { $0.put(bytes) }
        return builder.bytes
    }

    private static func make(
        _ coding: TrackCoding, _ entry: FourCC, _ configuration: [UInt8], _ format: VideoFormat
    ) -> TrackFormat {
        TrackFormat(
            coding: coding, entry: entry, configuration: configuration, codecString: format.codecString,
            width: format.width, height: format.height)
    }

    /// ISO/IEC 14496-15 §5.4.2.1. Hardware encoders that send picture parameter sets in band alone are `avc3`.
    private static func h264(_ record: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try H264Configuration.parse(record)
        var bytes = record.copy()
        var end = 6
        for set in parsed.sequenceParameterSets { end += 2 + set.count }
        if end >= bytes.count { bytes.append(0) }
        let isComplete = !parsed.pictureParameterSets.isEmpty
        var format = make(
            .h264(lengthSize: parsed.lengthSize), isComplete ? "avc1" : "avc3", box("avcC", bytes), parsed.format)
        if !isComplete { format.codecString = "avc3" + format.codecString.dropFirst(4) }
        return format
    }

    private static let parameterSets: ClosedRange<UInt8> = 32...34

    /// ISO/IEC 14496-15 §8.4.1.1: `hvc1`, which Apple's players insist on, wants arrays that say that they are complete.
    private static func h265(_ record: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try H265Configuration.parse(record)
        guard parsed.format.width > 0 else { throw .invalid("hvcC", field: "count of SPS") }
        var bytes = record.copy()
        bytes[0] = 1
        var position = 23
        for _ in 0..<bytes[22] {
            if parameterSets.contains(bytes[position] & 0x3f) { bytes[position] |= 0x80 }
            let count = record.u16(at: position + 1)
            position += 3
            for _ in 0..<count { position += 2 + Int(record.u16(at: position)) }
        }
        return make(.h265(lengthSize: parsed.lengthSize), "hvc1", box("hvcC", bytes), parsed.format)
    }

    /// AV1 in ISOBMFF §2.3. Without a sequence header in the record the size comes with the first keyframe.
    private static func av1(_ record: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try AV1Configuration.parse(record)
        return make(.av1, "av01", box("av1C", record.copy()), parsed.format)
    }

    /// VP codec binding §2.2. The size, and with it a level that was left out, comes with the first keyframe.
    private static func vp9(_ record: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try VP9Configuration.parse(record)
        let start = record.count >= 12 && record.u32(at: 0) == 0x0100_0000 ? 4 : 0
        var bytes: [UInt8] = [1, 0, 0, 0]
        bytes += record.copy(start..<start + 6) + [0, 0]
        return make(.vp9, "vp09", box("vpcC", bytes), parsed.format)
    }

    private static func isUnsized(_ format: TrackFormat) -> Bool { format.width == 0 || format.height == 0 }

    /// What a keyframe says of the picture's size, where the record did not.
    mutating func learnSize(keyframe: Span<UInt8>) {
        guard coding.isVideo, Self.isUnsized(self) else { return }
        switch coding {
        case .av1:
            guard let sequence = (try? AV1SequenceHeader.find(in: keyframe)) ?? nil else { return }
            (width, height) = (sequence.width, sequence.height)
        case .vp9:
            guard let size = try? VPKeyframe.vp9(keyframe) else { return }
            (width, height) = (size.width, size.height)
            completeVP9Level()
        default: break
        }
    }

    /// The VP9 levels' largest pictures, in pixels, at 60 pictures a second (VP9 levels, table 1).
    private static let levels: [(level: UInt8, pixels: Int)] = [
        (11, 36_864), (21, 122_880), (31, 552_960), (40, 983_040), (41, 2_228_224), (51, 8_912_896), (61, 35_651_584),
    ]

    /// Browsers refuse a codec string of level 0, which encoders write that do not know.
    private mutating func completeVP9Level() {
        let position = 8 + 4 + 1
        guard configuration.count > position + 1, configuration[position] == 0 else { return }
        let level = Self.levels.first { $0.pixels >= width * height }?.level ?? 62
        configuration[position] = level
        guard let parsed = try? VP9Configuration.parse(configuration.span.extracting(12..<configuration.count)) else {
            return
        }
        codecString = parsed.format.codecString
    }
}
