import Fixtures
import Testing

@testable import Media

struct AudioConfigurationTests {
    private func aac(_ text: String) throws -> AudioFormat { try AACConfiguration.parse(hex(text).span).format }

    @Test("AAC LC, as ffmpeg writes it")
    func lc() throws {
        let expected = AudioFormat(
            codec: .aac, profile: "LC", sampleRate: 44_100, channels: 2, codecString: "mp4a.40.2")
        #expect(try aac("121056e500") == expected)
        #expect(try aac("1210") == expected)
    }

    @Test("HE-AAC, spelt hierarchically and backward compatibly")
    func sbr() throws {
        // 5 | 24 kHz | stereo | 48 kHz | 2, and 2 | 24 kHz | stereo | GA | 0x2b7 5 1 48 kHz
        for text in ["2b118800", "131056e598"] {
            let format = try aac(text)
            #expect(format.profile == "HE-AAC" && format.sampleRate == 48_000 && format.channels == 2)
            #expect(format.codecString == "mp4a.40.5")
        }
    }

    @Test("HE-AACv2 decodes a mono core to stereo")
    func ps() throws {
        let format = try aac("eb098800")
        #expect(format.profile == "HE-AACv2" && format.sampleRate == 48_000 && format.channels == 2)
        #expect(format.codecString == "mp4a.40.29")
    }

    @Test("a sampling frequency written out in 24 bits")
    func escape() throws {
        // 00010 1111 (24 bits: 37,800) 0001 000
        var bits = "000101111"
        let rate = String(37_800, radix: 2)
        bits += String(repeating: "0", count: 24 - rate.count) + rate + "0001" + "000"
        var bytes: [UInt8] = []
        var rest = Substring(bits)
        while !rest.isEmpty {
            bytes.append(UInt8(rest.prefix(8), radix: 2)!)
            rest = rest.dropFirst(8)
        }
        let format = try AACConfiguration.parse(bytes.span).format
        #expect(format.sampleRate == 37_800 && format.channels == 1)
    }

    @Test("impossible AAC configurations are errors")
    func aacErrors() {
        #expect(throws: CodecError.truncated("AudioSpecificConfig")) { try aac("") }
        #expect(throws: CodecError.truncated("AudioSpecificConfig")) { try aac("12") }
        #expect(throws: CodecError.invalid("AudioSpecificConfig", field: "sampling frequency index")) {
            try aac("1690")
        }
        #expect(throws: CodecError.invalid("AudioSpecificConfig", field: "audio object type")) { try aac("0000") }
    }

    @Test("Opus, FLAC, AC-3, E-AC-3 and MP3 headers")
    func headers() throws {
        let opus = try AudioHeaders.opus(hex("4f707573486561640102380180bb0000000000").span)
        #expect(opus == AudioFormat(codec: .opus, sampleRate: 48_000, channels: 2))
        let flac = hex("664c614300000022120012000000780005110bb802f0000012c0ba43705036a3bb057849a9f54f6928a3")
        for skipped in [0, 4, 8] {
            let format = try AudioHeaders.flac(Array(flac.dropFirst(skipped)).span)
            #expect(format == AudioFormat(codec: .flac, sampleRate: 48_000, channels: 2))
        }
        let ac3 = try AudioHeaders.dolby(hex("0b77b50b1e40ebf8").span)
        #expect(ac3 == AudioFormat(codec: .ac3, sampleRate: 48_000, channels: 6))
        let eac3 = try AudioHeaders.dolby(hex("0b77037f3f87c000").span)
        #expect(eac3 == AudioFormat(codec: .eac3, sampleRate: 48_000, channels: 6))
        let mp3 = try AudioHeaders.mp3(hex("fffb38c4").span)
        #expect(mp3 == AudioFormat(codec: .mp3, sampleRate: 32_000, channels: 1))
    }

    @Test("short and foreign audio headers are errors")
    func headerErrors() {
        for bytes in [[], [0x0b], Array(repeating: UInt8(0xff), count: 40)] as [[UInt8]] {
            #expect(throws: CodecError.self) { try AudioHeaders.opus(bytes.span) }
            #expect(throws: CodecError.self) { try AudioHeaders.dolby(bytes.span) }
            #expect(throws: CodecError.self) { try AudioHeaders.mp3(bytes.span) }
        }
        #expect(throws: CodecError.self) { try AudioHeaders.flac([1, 2].span) }
    }
}
