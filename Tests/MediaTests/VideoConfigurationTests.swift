import Fixtures
import Testing

@testable import Media

/// Configuration records as ffmpeg 5.1 with x264, x265, libaom and libvpx wrote them.
struct VideoConfigurationTests {
    static let avc1080 = hex("0142c028ffe100196742c028da01e0089f970110000003001000000303c0f1832a01000468ce0fc8")
    static let avc1080i = hex(
        "01640028ffe1001a67640028acd94078044fde0220000003002000000783e2c5b2c001000668faa3cb22c0fdf8f800")
    static let avc720 = hex(
        "0164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    static let hevc1080 = hex(
        """
        01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000030078959409
        210001002b420101016000000300900000030000030078a003c0801107cb965654a4c2f0168080000003008000000c84
        22000100064401c073c189
        """)
    static let hevc768 = hex(
        """
        01022000000090000000000078f000fcfdfafa00000f03200001001840010c01ffff022000000300900000030000030078959809
        210001002b420101022000000300900000030000030078a002ac80301d6d96566924e5780b4040000003004000000f02
        22000100074401c172b46240
        """)
    static let av1 = hex("812500000a0e2000002d4d55bfddaf92021a0040")
    static let vp9 = hex("01000000001e820202020000")

    @Test("a cropped 1920x1080 picture of H.264 is 1080 lines high")
    func h264Cropping() throws {
        let configuration = try H264Configuration.parse(Self.avc1080.span)
        #expect(configuration.lengthSize == 4)
        #expect(configuration.sequenceParameterSets.count == 1)
        #expect(configuration.pictureParameterSets == [hex("68ce0fc8")])
        #expect(
            configuration.format
                == VideoFormat(
                    codec: .h264, profile: "Constrained Baseline", level: "4.0", width: 1920, height: 1080,
                    frameRate: 30, codecString: "avc1.42c028"))
    }

    @Test("field-coded H.264 counts lines in pairs")
    func h264Interlaced() throws {
        let format = try H264Configuration.parse(Self.avc1080i.span).format
        #expect(format.width == 1920 && format.height == 1080)
        #expect(format.profile == "High")
        #expect(format.frameRate == 30)
    }

    @Test("1280x720 at 29.97 in High profile, level 3.1")
    func h264Fraction() throws {
        let format = try H264Configuration.parse(Self.avc720.span).format
        #expect(format.width == 1280 && format.height == 720)
        #expect(format.codecString == "avc1.64001f" && format.level == "3.1" && format.profile == "High")
        #expect(abs((format.frameRate ?? 0) - 30_000 / 1_001) < 0.001)
    }

    @Test("an SPS whose VUI is cut short keeps its size")
    func h264ShortTiming() throws {
        let unit = hex("6764001facd9405005bb011000")
        let sequence = try H264SequenceParameters.parse(nalUnit: unit.span)
        #expect(sequence.width == 1280 && sequence.height == 720 && sequence.frameRate == nil)
    }

    @Test("a configuration cut anywhere is an error or a configuration, never a trap")
    func cuts() {
        for record in [Self.avc1080, Self.avc720, Self.hevc1080, Self.hevc768, Self.av1, Self.vp9] {
            for count in 0..<record.count {
                let span = record.span.extracting(0..<count)
                _ = try? H264Configuration.parse(span)
                _ = try? H265Configuration.parse(span)
                _ = try? AV1Configuration.parse(span)
                _ = try? VP9Configuration.parse(span)
            }
        }
    }

    @Test("bad H.264 records say what is wrong")
    func h264Errors() {
        #expect(throws: CodecError.truncated("avcC")) { try H264Configuration.parse([1, 2, 3].span) }
        #expect(throws: CodecError.invalid("avcC", field: "version")) {
            try H264Configuration.parse([9, 100, 0, 31, 0xff, 0xe1, 0, 0].span)
        }
        #expect(throws: CodecError.invalid("avcC", field: "count of SPS")) {
            try H264Configuration.parse([1, 100, 0, 31, 0xff, 0xe0, 0].span)
        }
        #expect(CodecError.truncated("avcC").reason == "codec_truncated")
        #expect("\(CodecError.invalid("avcC", field: "version"))" == "the avcC has an impossible version")
    }

    @Test("a 1920x1080 picture of H.265, its rate from the VUI")
    func h265() throws {
        let configuration = try H265Configuration.parse(Self.hevc1080.span)
        #expect(configuration.parameterSets.count == 3)
        #expect(
            configuration.format
                == VideoFormat(
                    codec: .h265, profile: "Main", level: "4.0", width: 1920, height: 1080, frameRate: 25,
                    codecString: "hvc1.1.6.L120.90"))
    }

    @Test("H.265 Main 10 with scaling lists and an odd width")
    func h265Main10() throws {
        let format = try H265Configuration.parse(Self.hevc768.span).format
        #expect(format.width == 1366 && format.height == 768)
        #expect(format.profile == "Main 10" && format.codecString == "hvc1.2.4.L120.90")
        #expect(format.frameRate == 60)
    }

    @Test("AV1 takes its size from the sequence header in av1C")
    func av1() throws {
        let format = try AV1Configuration.parse(Self.av1.span).format
        #expect(format.width == 1366 && format.height == 768)
        #expect(format.profile == "High" && format.level == "3.1" && format.codecString == "av01.1.05M.08")
    }

    @Test("av1C without a sequence header is a configuration without a size")
    func av1Bare() throws {
        let format = try AV1Configuration.parse([0x81, 0x08, 0x0c, 0].span).format
        #expect(format.width == 0 && format.codecString == "av01.0.08M.08" && format.level == "4.0")
    }

    @Test("vpcC with and without the four bytes of a full box")
    func vp9() throws {
        for record in [Self.vp9, Array(Self.vp9.dropFirst(4))] {
            let format = try VP9Configuration.parse(record.span).format
            #expect(format.codecString == "vp09.00.30.08" && format.level == "3.0")
        }
    }

    @Test("VP8 and VP9 keyframes say their size")
    func keyframes() throws {
        let vp9 = hex("824983420035501df60638241c184a1005707fd1")
        #expect(try VPKeyframe.vp9(vp9.span) == VPKeyframe(width: 854, height: 480))
        let vp8 = hex("70e8009d012a5603e001000708858588")
        #expect(try VPKeyframe.vp8(vp8.span) == VPKeyframe(width: 854, height: 480))
        #expect(throws: CodecError.self) { try VPKeyframe.vp9(vp8.span) }
    }

    @Test("exponential Golomb codes")
    func golomb() throws {
        // 1 | 010 | 011 | 00100 | 00101
        var reader = BitReader([0b1010_0110, 0b0100_0010, 0b1000_0000], in: "test")
        for expected in 0...4 as ClosedRange<UInt32> { #expect(try reader.unsigned() == expected) }
        var signed = BitReader([0b1010_0110, 0b0100_0010, 0b1000_0000], in: "test")
        for expected in [0, 1, -1, 2, -2] { #expect(try signed.signed() == expected) }
        var zeros = BitReader([0, 0, 0, 0, 0, 0, 0, 0, 0], in: "test")
        #expect(throws: CodecError.self) { try zeros.unsigned() }
    }

    @Test("emulation prevention bytes are removed")
    func emulation() throws {
        var reader = BitReader(nalUnit: hex("67 000003 01 000003 000003 00").span, headerSize: 1, in: "test")
        #expect(reader.remaining == 8 * 8)
        #expect(try reader.bits(24) == 1)
    }
}
