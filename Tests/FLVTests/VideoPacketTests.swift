import Fixtures
import Media
import Testing

@testable import FLV

struct VideoPacketTests {
    private func parse(_ text: String) throws(FLVError) -> VideoPacket { try VideoPacket.parse(hex(text).span) }

    @Test("an H.264 sequence header has the key frame type and is no keyframe")
    func legacyHeader() throws {
        let packet = try parse("17 00 000000 0164001f")
        #expect(packet.codec == .h264 && packet.isSequenceHeader && !packet.isKeyframe && !packet.isCoded)
        #expect(packet.payloadOffset == 5 && packet.payloadEnd == 9 && !packet.isEnhanced)
    }

    @Test("legacy coded frames with their signed composition time")
    func legacyFrames() throws {
        let key = try parse("17 01 000042 00")
        #expect(key.isKeyframe && key.isCoded && key.compositionTime == 66)
        let inter = try parse("27 01 ffffff 00")
        #expect(!inter.isKeyframe && inter.isCoded && inter.compositionTime == -1)
        #expect(try parse("37 01 000000 00").frameType == .disposable)
        let end = try parse("17 02 000000")
        #expect(end.packetType == .sequenceEnd && !end.isCoded && !end.isKeyframe)
        #expect(try parse("17 02").packetType == .sequenceEnd)
    }

    @Test("codec numbers 12 and 13 are H.265 and AV1; VP6 and others need no packet type")
    func legacyCodecs() throws {
        #expect(try parse("1c 00 000000").codec == .h265)
        #expect(try parse("1d 01 000000 00").codec == .av1)
        let vp6 = try parse("14 00")
        #expect(vp6.codec.name == "VP6F" && vp6.isKeyframe && vp6.payloadOffset == 1)
        #expect(try parse("22").codec.name == "FLV1")
    }

    @Test("an empty body is empty, not an error")
    func empty() throws {
        let packet = try parse("")
        #expect(packet.isEmpty && !packet.isCoded && !packet.isKeyframe && !packet.isSequenceHeader)
    }

    @Test("a command frame is not coded, legacy or enhanced")
    func command() throws {
        for text in ["57 00", "52 01", "d1 00", "d0"] {
            let packet = try parse(text)
            #expect(packet.frameType == .command && !packet.isCoded && !packet.isSequenceHeader)
        }
    }

    @Test("enhanced packets of each type", arguments: [("68766331", VideoCodec.h265), ("61766331", .h264)])
    func enhanced(fourCC: String, codec: VideoCodec) throws {
        let start = try parse("90 \(fourCC) 0102")
        #expect(start.codec == codec && start.isSequenceHeader && start.payloadOffset == 5 && !start.isKeyframe)
        let coded = try parse("91 \(fourCC) fffffe aabb")
        #expect(coded.isKeyframe && coded.compositionTime == -2 && coded.payloadOffset == 8)
        let plain = try parse("a3 \(fourCC) aabb")
        #expect(plain.isCoded && !plain.isKeyframe && plain.compositionTime == 0 && plain.payloadOffset == 5)
        #expect(try parse("92 \(fourCC)").packetType == .sequenceEnd)
        let metadata = try parse("94 \(fourCC) 02")
        #expect(metadata.packetType == .metadata && !metadata.isCoded && !metadata.isSequenceHeader)
    }

    @Test("codecs without reordering have no composition time in coded frames")
    func enhancedPlain() throws {
        for (fourCC, codec) in [("61763031", VideoCodec.av1), ("76703039", .vp9), ("76703038", .vp8)] {
            let packet = try parse("91 \(fourCC) aabb")
            #expect(packet.codec == codec && packet.payloadOffset == 5 && packet.isKeyframe)
        }
        #expect(try parse("95 61763031 80").isSequenceHeader)
        #expect(try parse("91 76766331 80").codec.name == "vvc1")
    }

    @Test("one track, with its number and no size")
    func oneTrack() throws {
        let packet = try parse("96 01 68766331 05 000010 aabb")
        #expect(packet.isMultitrack && packet.trackID == 5 && packet.codec == .h265)
        #expect(packet.packetType == .codedFrames && packet.isKeyframe && packet.compositionTime == 16)
        #expect(packet.payloadOffset == 10 && packet.payloadEnd == 12)
        #expect(try packet.next(in: hex("96 01 68766331 05 000010 aabb").span) == nil)
    }

    @Test("many tracks of one codec")
    func manyTracks() throws {
        let body = hex("96 10 61766331 00 000002 aabb 01 000003 ccddee")
        let first = try VideoPacket.parse(body.span)
        #expect(first.trackID == 0 && first.isSequenceHeader && first.payloadOffset..<first.payloadEnd == 10..<12)
        let second = try #require(try first.next(in: body.span))
        #expect(second.trackID == 1 && second.codec == .h264 && second.payloadOffset..<second.payloadEnd == 16..<19)
        #expect(try second.next(in: body.span) == nil)
    }

    @Test("many tracks of many codecs")
    func manyCodecs() throws {
        let body = hex("96 21 68766331 00 000004 000001 aa 61763031 02 000001 bb")
        let first = try VideoPacket.parse(body.span)
        #expect(first.codec == .h265 && first.compositionTime == 1 && first.payloadEnd - first.payloadOffset == 1)
        let second = try #require(try first.next(in: body.span))
        #expect(second.codec == .av1 && second.trackID == 2 && second.compositionTime == 0)
        #expect(body[second.payloadOffset] == 0xbb)
    }

    @Test("ModEx gives nanoseconds, may be repeated, and stands before multitrack")
    func modEx() throws {
        let packet = try parse("97 02 0bc614 07 00 ff 13 61763031 aa")
        #expect(packet.timestampNanoseconds == 771_604 && packet.packetType == .codedFramesX)
        #expect(packet.codec == .av1 && packet.payloadOffset == 13)
        let long = "97 ff 0002 000001 06 00 61763031 09 aa"
        #expect(try parse(long).trackID == 9)
        #expect(try parse("97 02 ffffff 03 61763031").timestampNanoseconds == 999_999)
    }

    @Test("cut headers and lying sizes are errors")
    func errors() {
        for text in ["17", "17 01 0000", "90", "90 687663", "91 68766331 0000", "97", "97 02 0000", "97 ff 00", "96"] {
            #expect(throws: FLVError.shortVideo) { try parse(text) }
        }
        #expect(throws: FLVError.badTrackSize) { try parse("96 10 61766331 00 0000ff aabb") }
        #expect(throws: FLVError.nestedMultitrack) { try parse("96 06 61766331 00") }
    }
}
