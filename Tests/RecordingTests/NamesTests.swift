import Fixtures
import Testing

@testable import Recording

struct NamesTests {
    private static func values(_ stream: String = "show", app: String = "live", format: RecordingFormat = .fmp4)
        -> FilePattern.Values
    {
        // 2024-02-29 23:59:58.123 UTC
        .init(
            app: app, stream: stream, start: 1_709_251_198_123_456, number: 7, epoch: 0xAB12, format: format)
    }

    @Test("the standard pattern gives a folder for the stream, one for the day, and a name by the time")
    func standard() {
        let path = FilePattern.standard.path(Self.values())
        #expect(path.home == "live/show")
        #expect(path.file == "2024-02-29/235958-0007.mp4")
    }

    @Test("every field is filled in")
    func fields() throws {
        let pattern = try FilePattern("x/{stream}_{epoch}_{unix}_{millisecond}.{ext}")
        let path = pattern.path(Self.values(format: .ts))
        #expect(path == ("x", "show_ab12_1709251198_123.ts"))
    }

    @Test("dates agree with the calendar")
    func dates() {
        let days: [(Int64, Int, Int, Int)] = [
            (0, 1970, 1, 1), (-1, 1969, 12, 31), (951_782_400_000_000, 2000, 2, 29),
            (951_868_800_000_000, 2000, 3, 1), (4_107_542_400_000_000, 2100, 3, 1),
            (1_735_689_599_999_999, 2024, 12, 31),
        ]
        for (time, year, month, day) in days {
            let civil = CivilTime(unixMicroseconds: time)
            #expect((civil.year, civil.month, civil.day) == (year, month, day))
        }
        for extreme in [Int64.min, .max] { _ = CivilTime(unixMicroseconds: extreme) }
    }

    @Test(
        "a wrong pattern is refused with its reason",
        arguments: [
            ("", FilePatternError.empty),
            ("/{stream}.{ext}", .absolute("/{stream}.{ext}")),
            ("a/../{stream}.{ext}", .traversal("a/../{stream}.{ext}")),
            ("a//{stream}.{ext}", .emptyComponent("a//{stream}.{ext}")),
            ("a/.{stream}.{ext}", .hidden(".{stream}.{ext}")),
            ("{stream}/{when}.{ext}", .unknownField("when")),
            ("{stream", .strayBrace("{stream")),
            ("{stream}}.{ext}", .strayBrace("{stream}}.{ext}")),
            ("{stream}.mp4", .fixedExtension("{stream}.mp4", .fmp4)),
            ("{stream}.{ext}.flv", .fixedExtension("{stream}.{ext}.flv", .flv)),
            ("{stream}.mkv", .noExtension("{stream}.mkv")),
            ("{stream}{ext}", .noExtension("{stream}{ext}")),
            ("{app}.{ext}", .noStream("{app}.{ext}")),
            ("a\u{7}{stream}.{ext}", .controlCharacter),
            (String(repeating: "a/", count: 20) + "{stream}.{ext}", .tooDeep(21)),
            (String(repeating: "a", count: 600), .tooLong(bytes: 600)),
        ])
    func refusals(text: String, error: FilePatternError) {
        #expect(throws: error) { try FilePattern(text) }
        #expect(error.description.contains("record.pattern"))
    }

    @Test(
        "a pattern says whether the files of one publish session have names of their own",
        arguments: [
            ("{stream}.{ext}", false), ("{app}/{stream}-{epoch}.{ext}", false), ("{stream}/{number}.{ext}", true),
            ("{stream}/{day}/x.{ext}", true), ("{stream}-{unix}.{ext}", true),
        ])
    func ownNames(text: String, isApart: Bool) throws {
        #expect(try FilePattern(text).tellsFilesApart == isApart)
    }

    @Test("whatever a stream is called, its file stays in its folder and is told from others", arguments: 1...20)
    func hostile(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("../\\:ab\u{0}\n\u{202E}é🎬 -~{}.recording".unicodeScalars)
        var seen: [String: String] = [:]
        for _ in 0..<300 {
            var name = ""
            for _ in 0..<Int.random(in: 0...(seed % 3 == 0 ? 400 : 12), using: &random) {
                name.unicodeScalars.append(alphabet.randomElement(using: &random)!)
            }
            let path = FilePattern.standard.path(Self.values(name, app: "a/../\(name)"))
            let parts = (path.home + "/" + path.file).split(separator: "/", omittingEmptySubsequences: false)
            #expect(parts.count == 4, "seed \(seed)")
            for part in parts {
                #expect(!part.isEmpty && part.first != "." && part.first != "-" && part.utf8.count <= 210)
                #expect(part.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\\" })
            }
            if let other = seen.updateValue(name, forKey: String(parts[1])) {
                #expect(Array(other.utf8) == Array(name.utf8), "seed \(seed): two streams share \(parts[1])")
            }
        }
    }

    @Test("a stream that is called like an unfinished file does not look like one")
    func unfinishedLook() throws {
        let path = try FilePattern("{stream}.{ext}").path(Self.values("x.recording"))
        #expect(UnfinishedName.recovered(path.file) == nil)
        #expect(UnfinishedName.recovered("a/x.recording.mp4")?.path == "a/x.mp4")
        #expect(UnfinishedName.recovered("a/.recording.mp4") == nil)
        #expect(UnfinishedName.recovered("a/x.recording.txt") == nil)
        #expect(UnfinishedName.finished("a/x.mp4", suffix: 3) == "a/x-3.mp4")
        #expect(UnfinishedName.note("a/x.recording.mp4") == "a/x.recording.json")
    }

    @Test("a file is cut by what comes first, and never because time went backwards")
    func cuts() throws {
        let policy = try CutPolicy(duration: 10_000, bytes: 1 << 20)
        #expect(policy.reason(start: 5, timestamp: 10_004, size: 10) == nil)
        #expect(policy.reason(start: 5, timestamp: 10_005, size: 10) == .duration)
        #expect(policy.reason(start: 5, timestamp: 6, size: 1 << 20) == .size)
        #expect(policy.reason(start: 50_000, timestamp: 6, size: 5) == nil)
        #expect(policy.reason(start: .max, timestamp: .min, size: 5) == nil)
        #expect(policy.reason(start: .min, timestamp: .max, size: 5) == .duration)
        #expect(CutPolicy.never.reason(start: .min, timestamp: .max, size: .max) == nil)
        #expect(throws: CutPolicyError.duration(10)) { try CutPolicy(duration: 10) }
        #expect(throws: CutPolicyError.bytes(10)) { try CutPolicy(bytes: 10) }
    }
}
