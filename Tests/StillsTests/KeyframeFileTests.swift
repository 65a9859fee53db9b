/// Keyframes as files, and what ffmpeg is told and says.
import FLV
import Fixtures
import Media
import Testing

@testable import Stills

@Suite("A keyframe as a file")
struct KeyframeFileTests {
    private static let avcC = hex(
        "0164001fffe100186764001facd9405005bb011000003e90000ea600f183196001000668ebe3cb22c0fdf8f800")
    private static let header: [UInt8] = [0x17, 0, 0, 0, 0] + avcC
    private static let picture: [UInt8] = [0x17, 1, 0, 0, 0, 0, 0, 0, 5, 0x65, 1, 2, 3, 4]
    private static let script: [UInt8] = [2, 0, 1, 0x61]

    private static func tag(_ kind: MediaKind, _ body: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: FLVTag.encodedSize(payloadCount: body.count)) { buffer, count in
            body.withUnsafeBytes {
                count = FLVTag.encode(kind: kind, timestamp: 40, payload: $0, into: buffer.baseAddress!)
            }
        }
    }

    private static func contains(_ bytes: [UInt8], _ part: String) -> Bool {
        let part = Array(part.utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: part) }
    }

    @Test("is MP4 with an initialisation section where the codec has a place in it")
    func makesMovies() throws {
        let prologue = Self.tag(.script, Self.script) + Self.tag(.video, Self.header)
        let file = try #require(KeyframeFile(prologue: prologue, keyframe: Self.tag(.video, Self.picture)))
        #expect(file.container == .mp4)
        for box in ["ftyp", "moov", "avcC", "moof", "mdat"] { #expect(Self.contains(file.bytes, box), "\(box)") }
        #expect(!Self.contains(file.bytes, "prft"))
        #expect(file.bytes.suffix(5) == [0x65, 1, 2, 3, 4])
    }

    @Test("is FLV for codecs that MP4 has no place for, with nothing in it but video")
    func makesFLV() throws {
        // Sorenson's H.263.
        let keyframe = Self.tag(.video, [0x12, 1, 2, 3])
        let prologue = Self.tag(.script, Self.script) + Self.tag(.audio, [0xaf, 0, 0x12, 0x10])
        let file = try #require(KeyframeFile(prologue: prologue, keyframe: keyframe))
        #expect(file.container == .flv)
        #expect(file.bytes == FLVTag.fileHeader(hasAudio: false, hasVideo: true) + keyframe)
    }

    @Test("is nothing for sound, and for what is no tag")
    func refusesSound() {
        #expect(KeyframeFile(prologue: [], keyframe: Self.tag(.audio, [0xaf, 1, 2])) == nil)
        #expect(KeyframeFile(prologue: [], keyframe: []) == nil)
        #expect(KeyframeFile(prologue: [1, 2, 3], keyframe: [9, 0, 0]) == nil)
    }

    @Test("is made by a program that reads its input alone and makes one picture of the asked width")
    func tellsTheProgram() throws {
        let words = DevelopCommand.arguments(.mp4, width: 640)
        let input = try #require(words.firstIndex(of: "-i"))
        #expect(words[input - 2..<input + 2] == ["-f", "mp4", "-i", "pipe:0"])
        let list = try #require(words.firstIndex(of: "-protocol_whitelist"))
        #expect(list < input && words[list + 1] == "pipe")
        #expect(words.last == "pipe:1" && words.contains { $0.contains("640") })
        #expect(DevelopCommand.arguments(.flv, width: 640).contains("flv"))
    }

    @Test("the last line that a program says is kept short and without control characters")
    func keepsWords() {
        #expect(DevelopCommand.lastWords([]) == "")
        #expect(DevelopCommand.lastWords(Array("first\nlast\tline\n\n".utf8)) == "last line")
        #expect(DevelopCommand.lastWords(Array(repeating: 0x61, count: 4_000)).count == 300)
    }

    @Test("a picture is whole from its first marker to its last")
    func knowsWholePictures() {
        #expect(Still.isWhole([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xd9]))
        #expect(!Still.isWhole([]) && !Still.isWhole([0xff, 0xd8, 0xff, 0xd9]))
        #expect(!Still.isWhole([0xff, 0xd8, 0xff, 0xe0, 1, 2]) && !Still.isWhole(Array("GIF89a..".utf8)))
    }

    @Test("every failure says what is wrong, and what can be done is in the words for a missing program")
    func saysWhy() {
        let words = StillFailure.noProgram("ffmpeg").description
        #expect(words.contains("apt-get install ffmpeg") && words.contains("snapshot.ffmpeg"))
        #expect(StillFailure.tooSlow(milliseconds: 500).description.contains("snapshot.timeout"))
    }
}
