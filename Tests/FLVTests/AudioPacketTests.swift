import Fixtures
import Media
import Testing

@testable import FLV

struct AudioPacketTests {
    private func parse(_ text: String) throws(FLVError) -> AudioPacket { try AudioPacket.parse(hex(text).span) }

    @Test("AAC: the sequence header is not coded, the frames are")
    func aac() throws {
        let header = try parse("af 00 1210")
        #expect(header.codec == .aac && header.isSequenceHeader && !header.isCoded && header.payloadOffset == 2)
        let frame = try parse("af 01 21")
        #expect(frame.isCoded && !frame.isSequenceHeader)
        #expect(try parse("af 01").isCoded)
    }

    @Test("legacy codec numbers")
    func legacy() throws {
        let codecs: [(String, AudioCodec)] = [
            ("06", .pcm), ("36", .pcm), ("2f", .mp3), ("ef", .mp3), ("7e", .g711a), ("8e", .g711u), ("b2", .speex),
            ("df", .opus),
        ]
        for (byte, codec) in codecs {
            let packet = try parse(byte + "00")
            #expect(packet.codec == codec && packet.isCoded && packet.payloadOffset == 1)
        }
        #expect(try parse("2f00").headerSampleRate == 44_100)
        #expect(try parse("2a00").headerSampleRate == 22_050)
        #expect(try parse("2a00").headerChannels == 1)
        #expect(try parse("b200").headerSampleRate == 16_000)
        #expect(try parse("7e00").headerSampleRate == 8_000)
        #expect(try parse("ef00").headerSampleRate == 8_000)
    }

    @Test("an empty body is empty, not an error")
    func empty() throws {
        let packet = try parse("")
        #expect(packet.isEmpty && !packet.isCoded && !packet.isSequenceHeader)
    }

    @Test("enhanced packets of each codec and type")
    func enhanced() throws {
        let codecs: [(String, AudioCodec)] = [
            ("4f707573", .opus), ("664c6143", .flac), ("61632d33", .ac3), ("65632d33", .eac3), ("6d703461", .aac),
            ("2e6d7033", .mp3),
        ]
        for (fourCC, codec) in codecs {
            let start = try parse("90 \(fourCC) 01")
            #expect(start.codec == codec && start.isSequenceHeader && start.payloadOffset == 5)
            #expect(try parse("91 \(fourCC) 01").isCoded)
            #expect(try parse("92 \(fourCC)").packetType == .sequenceEnd)
            #expect(try parse("94 \(fourCC) 000200").packetType == .multichannelConfiguration)
        }
    }

    @Test("multitrack in its three layouts, and behind ModEx")
    func multitrack() throws {
        let one = try parse("95 01 4f707573 03 aa")
        #expect(one.isMultitrack && one.trackID == 3 && one.isCoded && one.payloadOffset == 7)

        let many = hex("95 11 4f707573 00 000001 aa 01 000002 bbcc")
        let first = try AudioPacket.parse(many.span)
        let second = try #require(try first.next(in: many.span))
        #expect(second.trackID == 1 && second.codec == .opus && second.payloadEnd - second.payloadOffset == 2)
        #expect(try second.next(in: many.span) == nil)

        let mixed = hex("97 02 000005 05 20 6d703461 00 000002 1210 664c6143 01 000001 bb")
        let aac = try AudioPacket.parse(mixed.span)
        #expect(aac.codec == .aac && aac.isSequenceHeader && aac.timestampNanoseconds == 5)
        #expect(try aac.next(in: mixed.span)?.codec == .flac)
    }

    @Test("the tracks that a message is of, as far as they are told apart")
    func tracks() {
        for (text, numbers) in [
            ("af01 21", [0]), ("", [0]), ("91 4f707573 aa", [0]), ("95 01 4f707573 03 aa", [3]),
            ("95 11 4f707573 00 000001 aa 01 000002 bbcc", [0, 1]), ("95 01 4f707573 10 aa", []),
            ("97 02 000005 05 20 6d703461 0f 000002 1210 664c6143 01 000001 bb", [1, 15]), ("95", []),
        ] as [(String, [UInt8])] {
            #expect(AudioPacket.tracks(of: hex(text).span).numbers == numbers, "\(text)")
        }
        var set = TrackSet.first
        set.insert(200)
        #expect(set == .first && !set.contains(200) && set.contains(TrackSet()) && !TrackSet().contains(set))
    }

    @Test("cut headers and lying sizes are errors")
    func errors() {
        for text in ["af", "90", "90 4f70", "95", "95 01 4f707573", "97 02"] {
            #expect(throws: FLVError.shortAudio) { try parse(text) }
        }
        #expect(throws: FLVError.badTrackSize) { try parse("95 11 4f707573 00 000009 aa") }
        #expect(throws: FLVError.nestedMultitrack) { try parse("95 05 4f707573 00") }
    }
}
