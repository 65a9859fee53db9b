import Fixtures
import Media
import Testing

@testable import FLV

/// Message bodies as ffmpeg 5.1 published them.
struct StreamDescriptionTests {
    private static let metadata = hex(
        """
        02000a6f6e4d65746144617461080000000d00086475726174696f6e003fd77ced916872b00005776964746800409400000000
        00000006686569676874004086800000000000000d766964656f646174617261746500000000000000000000096672616d6572
        617465 00403df853e2556b28 000c766964656f636f646563696400401c000000000000000d617564696f64617461726174
        6500405f400000000000000f617564696f73616d706c65726174650040e5888000000000000f617564696f73616d706c6573
        697a65004030000000000000000673746572656f0101000c617564696f636f64656369640040240000000000000007656e63
        6f64657202000d4c61766635392e32372e313030000866696c6573697a650040ce4c8000000000000009
        """)
    private static let avc = hex(
        "17000000000164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")

    @Test("metadata and sequence headers describe the stream")
    func describe() throws {
        var stream = StreamDescription()
        try stream.observe(kind: .script, body: Self.metadata.span)
        try stream.observe(kind: .video, body: Self.avc.span)
        try stream.observe(kind: .audio, body: hex("af00121056e500").span)
        try stream.observe(kind: .video, body: hex("17 01 000000 00000001 65").span)
        try stream.observe(kind: .audio, body: hex("af0121").span)
        #expect(stream.video?.codecString == "avc1.64001f" && stream.video?.width == 1280)
        #expect(stream.audio?.codecString == "mp4a.40.2" && stream.audio?.sampleRate == 44_100)
        #expect(stream.metadata?.width == 1280 && stream.metadata?.encoder == "Lavf59.27.100")
        #expect(stream.metadata?.audioChannels == 2 && stream.metadata?.audioDataRate == 125)
    }

    @Test("metadata behind @setDataFrame, other events, and an object instead of an array")
    func metadataForms() throws {
        let set = hex("02000d40736574446174614672616d65")
        #expect(try StreamMetadata.parse((set + Self.metadata).span)?.height == 720)
        #expect(try StreamMetadata.parse(([0] + set + Self.metadata).span)?.height == 720)
        #expect(try StreamMetadata.parse(hex("020006 6f6e43756550").span) == nil)
        let object = hex("02000a6f6e4d65746144617461 03 00057769647468 004094000000000000 000009")
        #expect(try StreamMetadata.parse(object.span)?.width == 1280)
    }

    @Test("metadata says what audio tracks are called, and in which language")
    func audioTracks() throws {
        let made = StreamMetadata.message(audioLanguages: [2: "deu", 0: "eng"])
        #expect(made == StreamMetadata.message(audioLanguages: [0: "eng", 2: "deu"]))
        let tracks = try #require(try StreamMetadata.parse(made.span)?.audioTracks)
        #expect(tracks == [0: .init(language: "eng"), 2: .init(language: "deu")])
        for count in 0..<made.count { _ = try? StreamMetadata.parse(made.span.extracting(0..<count)) }
        // Names that are no numbers, values that are no objects, a name, and other properties of a track.
        let map = hex("02000a6f6e4d65746144617461 03 0013617564696f547261636b4964496e666f4d6170 08 00000000")
        let track = hex("000133 03 00046e616d65 020002 4869 00086368616e6e656c73 004000000000000000 000009")
        let others = hex("000178 03 000009 000137 0101 0003333030 03 000009")
        let named = map + others + track + hex("000009 000009")
        #expect(try StreamMetadata.parse(named.span)?.audioTracks == [3: .init(name: "Hi")])
    }

    @Test("metadata cut anywhere is an error or fewer properties; nesting has an end")
    func badMetadata() {
        for count in 0..<Self.metadata.count {
            _ = try? StreamMetadata.parse(Self.metadata.span.extracting(0..<count))
        }
        let bomb = hex("02000a6f6e4d65746144617461 03") + Array(repeating: hex("000161 03"), count: 9).flatMap { $0 }
        #expect(throws: FLVError.badMetadata) { try StreamMetadata.parse(bomb.span) }
        let arrays = hex("02000a6f6e4d65746144617461 03 000161 0a ffffffff 05")
        #expect(throws: FLVError.badMetadata) { try StreamMetadata.parse(arrays.span) }
    }

    @Test("empty bodies, commands and headers of other tracks change nothing")
    func ignored() throws {
        var stream = StreamDescription()
        try stream.observe(kind: .video, body: hex("").span)
        try stream.observe(kind: .audio, body: hex("").span)
        try stream.observe(kind: .video, body: hex("57 00").span)
        try stream.observe(kind: .video, body: hex("96 00 68766331 05 0102").span)
        #expect(stream == StreamDescription())
    }

    @Test("codecs that describe themselves in their frames")
    func selfDescribing() throws {
        var stream = StreamDescription()
        try stream.observe(kind: .audio, body: hex("91 61632d33 0b77b50b1e40ebf8").span)
        #expect(stream.audio == AudioFormat(codec: .ac3, sampleRate: 48_000, channels: 6))
        try stream.observe(kind: .audio, body: hex("2a ff").span)
        #expect(stream.audio == AudioFormat(codec: .mp3, sampleRate: 22_050, channels: 1))
        try stream.observe(kind: .video, body: hex("90 76703039 01000000001e820202020000").span)
        try stream.observe(kind: .video, body: hex("91 76703039 824983420035501df60638241c184a10").span)
        #expect(stream.video?.width == 854 && stream.video?.codecString == "vp09.00.30.08")
        try stream.observe(kind: .audio, body: hex("90 4f707573 4f707573486561640102380180bb0000000000").span)
        #expect(stream.audio?.codec == .opus && stream.audio?.channels == 2)
    }

    @Test("a broken configuration is an error that names it, and the description stays")
    func broken() throws {
        var stream = StreamDescription()
        try stream.observe(kind: .video, body: Self.avc.span)
        let before = stream
        #expect(throws: FLVError.configuration(.truncated("avcC"))) {
            try stream.observe(kind: .video, body: hex("17 00 000000 01").span)
        }
        #expect(stream == before)
        #expect(FLVError.configuration(.truncated("avcC")).reason == "codec_truncated")
    }
}
