import Fixtures
import Testing

@testable import Recording

struct IndexTests {
    static func entry(_ number: Int, stream: String = "show") -> IndexEntry {
        IndexEntry(
            file: "day/\(number).mp4", format: .fmp4, app: "live", stream: stream, start: Int64(number) * 1_000_000,
            finished: Int64(number) * 2_000_000, duration: 1000, bytes: 5000, epoch: .max, firstSequence: 1,
            lastSequence: UInt64.max - 1, tracks: ["avc1.64001f", "mp4a.40.2"], reason: .duration)
    }

    @Test("a line reads back as it was, whatever the names")
    func readsBack() throws {
        for stream in ["show", "a\"b\\c", "zeile\nzwei\u{0}\u{7F}", "🎬é/ü", ""] {
            let entry = Self.entry(1, stream: stream)
            let line = entry.line
            #expect(!line.utf8.contains(0x0A))
            #expect(IndexEntry(line: line.utf8) == entry)
        }
    }

    @Test("an index that was torn anywhere keeps its whole lines")
    func torn() {
        let entries = (0..<4).map { Self.entry($0) }
        let text = Array(entries.map { $0.line + "\n" }.joined().utf8)
        for cut in 0...text.count {
            let index = LibraryIndex.parse(Array(text[..<cut]))
            let whole = text[..<cut].count { $0 == 0x0A }
            let isOnLine = cut == 0 || text[cut - 1] == 0x0A
            #expect(index.isClean == isOnLine)
            #expect(Array(index.entries.prefix(whole)) == Array(entries[..<whole]))
        }
    }

    @Test("an entry that leads out of its folder is none")
    func traversal() {
        for file in ["../x.mp4", "/etc/passwd", "a//b.mp4", "", "a/./b.mp4", "a\u{1}.mp4"] {
            var entry = Self.entry(1)
            entry.file = file
            #expect(IndexEntry(line: entry.line.utf8) == nil)
        }
    }

    @Test("a line that was changed anywhere is read or refused, never worse", arguments: 1...10 as ClosedRange<UInt64>)
    func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let line = Array(Self.entry(1).line.utf8)
        for _ in 0..<500 {
            var changed = line
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<changed.count, using: &random)
                if Bool.random(using: &random) {
                    changed[at] = UInt8.random(in: 0...255, using: &random)
                } else {
                    changed.remove(at: at)
                }
            }
            if let entry = IndexEntry(line: changed) { #expect(IndexEntry(line: entry.line.utf8) == entry) }
        }
        #expect(FlatJSON.members(Array(repeating: UInt8(ascii: "["), count: 100_000)) == nil)
    }

    @Test("unknown members are skipped, spaces are allowed")
    func lenient() {
        let line = #" { "later" : [ "x" , "y" ] , "n":-5, "s":"A\n" } "#
        #expect(FlatJSON.members(line.utf8) == ["later": .list(["x", "y"]), "n": .number(-5), "s": .string("A\n")])
        #expect(FlatJSON.members(#"{"a":{}}"#.utf8) == nil)
        #expect(FlatJSON.members(#"{"a":1} x"#.utf8) == nil)
    }
}

struct RetentionPlanTests {
    private func files(_ random: inout SeededGenerator) -> [RetentionPlan.File] {
        (0..<Int.random(in: 0...60, using: &random)).map { number in
            RetentionPlan.File(
                path: "f\(number)", bytes: Int64.random(in: 0...1000, using: &random),
                finished: Int64.random(in: 0...50, using: &random) * 1_000_000,
                isOpen: Int.random(in: 0..<10, using: &random) == 0)
        }
    }

    @Test(
        "afterwards the limits hold or nothing is left, the oldest went first, and no more than needed",
        arguments: 1...200 as ClosedRange<UInt64>)
    func properties(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let files = files(&random)
        let limits = RetentionPlan.Limits(
            keepAge: Bool.random(using: &random) ? Int64.random(in: 0...60_000, using: &random) : nil,
            keepBytes: Bool.random(using: &random) ? Int64.random(in: 0...30_000, using: &random) : nil,
            minFree: Bool.random(using: &random) ? Int64.random(in: 0...10_000, using: &random) : nil)
        let now: Int64 = 55_000_000
        let free: Int64 = 3000
        let plan = RetentionPlan.choose(files, now: now, limits: limits, free: free)
        let gone = Set(plan.map(\.file.path))
        let left = files.filter { !gone.contains($0.path) }
        let deletable = left.filter { !$0.isOpen }
        #expect(plan.allSatisfy { !$0.file.isOpen }, "seed \(seed)")
        #expect(gone.count == plan.count)
        if let oldest = deletable.map(\.finished).min() {
            #expect(plan.allSatisfy { $0.file.finished <= oldest }, "seed \(seed)")
            let bytes = left.reduce(0) { $0 + $1.bytes }
            if let keep = limits.keepAge { #expect(now - oldest <= keep * 1000, "seed \(seed)") }
            if let keep = limits.keepBytes { #expect(bytes <= keep, "seed \(seed)") }
            let freed = plan.reduce(free) { $0 + $1.file.bytes }
            if let minimum = limits.minFree { #expect(freed >= minimum, "seed \(seed)") }
        }
        // The last one was needed for its cause.
        if let last = plan.last {
            let before = files.reduce(0) { $0 + $1.bytes } - plan.dropLast().reduce(0) { $0 + $1.file.bytes }
            let freed = plan.dropLast().reduce(free) { $0 + $1.file.bytes }
            switch last.cause {
            case .age: #expect(now - last.file.finished > limits.keepAge! * 1000)
            case .bytes: #expect(before > limits.keepBytes!)
            case .space: #expect(freed < limits.minFree!)
            }
        }
        #expect(RetentionPlan.choose(files.shuffled(using: &random), now: now, limits: limits, free: free) == plan)
    }

    @Test("absurd figures neither trap nor delete what is young")
    func absurd() {
        let files = [
            RetentionPlan.File(path: "a", bytes: .max, finished: .min),
            RetentionPlan.File(path: "b", bytes: .max, finished: .max),
            RetentionPlan.File(path: "c", bytes: .min, finished: 0),
        ]
        _ = RetentionPlan.choose(files, now: .max, limits: .init(keepAge: 1, keepBytes: 1, minFree: 1), free: .max)
        #expect(RetentionPlan.choose(files, now: .min, limits: .init(keepAge: .max), free: nil).isEmpty)
    }
}
