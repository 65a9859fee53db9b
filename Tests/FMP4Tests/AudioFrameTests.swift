import Fixtures
import Media
import Testing

@testable import FMP4

@Suite("How long audio frames last")
struct AudioFrameTests {
    private func opus(_ text: String) -> Int { AudioFrame.opus(hex(text).span) }
    private func flac(_ text: String) -> Int { AudioFrame.flac(hex(text).span) }
    private func aac(_ text: String, _ type: Int) -> Int { AudioFrame.aac(hex(text).span, objectType: type) }
    private func mp3(_ text: String) -> Int? { MP3Head(hex(text).span)?.samples }
    private func dolby(_ frame: [UInt8], _ isEnhanced: Bool) -> Int? {
        DolbyHead(frame.span, isEnhanced: isEnhanced)?.samples
    }

    @Test("Opus says it in its first byte, and in the second when it has many frames")
    func opusFrames() {
        let lengths: [(String, Int)] = [
            ("00", 480), ("18", 2_880), ("08", 960), ("60", 480), ("68", 960), ("80", 120), ("98", 960), ("fc", 960),
            ("f9", 1_920), ("fb03", 2_880), ("ff", 0), ("1b05", 0), ("", 0),
        ]
        for (bytes, samples) in lengths { #expect(opus(bytes) == samples, "\(bytes)") }
    }

    @Test("FLAC says it by a code, or behind the frame's number")
    func flacFrames() {
        let lengths: [(String, Int)] = [
            ("fff8 c9 18 00 c2", 4_096), ("fff8 59 18 00 00", 4_608), ("fff8 19 18 00 00", 192),
            ("fff8 69 18 00 bf 00 00", 192), ("fff8 79 18 05 11ff 00", 4_608), ("fff9 79 18 c285 03ff 00", 1_024),
            ("fff8 79 18 05", 0), ("0000c9180000", 0), ("fff8 09 18 00 00", 0),
        ]
        for (bytes, samples) in lengths { #expect(flac(bytes) == samples, "\(bytes)") }
    }

    @Test("AAC says it in its configuration")
    func aacFrames() {
        #expect(aac("1190", 2) == 1_024)
        #expect(aac("1194", 2) == 960)
        #expect(aac("2b0a8800", 2) == 1_024)
        #expect(aac("b990", 23) == 512)
    }

    @Test("MP3, AC-3 and E-AC-3 say it in the head of each frame")
    func heads() {
        #expect(mp3("fffb9064") == 1_152)
        #expect(mp3("fff38064") == 576)
        #expect(mp3("fffd9064") == nil, "layer II")
        #expect(dolby(Bodies.ac3Frame, false) == 1_536)
        // Two frames of one block each: frames of 16 bytes, numblkscod 0.
        let block = hex("0b77 0007 0f87 c000") + [UInt8](repeating: 0, count: 8)
        #expect(dolby(block + block, true) == 512)
        #expect(dolby(block.dropLast(1), true) == nil)
    }
}
