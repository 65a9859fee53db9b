/// Windows on the disk: their order, their limits, and what a failing disk does to them.
import Fixtures
import Glibc
import StreamLog
import Testing

@testable import Recording

@Suite("A tape")
struct TapeTests {
    private static let root = "/rewind"
    private static let second: Int64 = 1_000_000
    private static let limits = Tape.Limits(window: 60_000, minFree: 0)
    private static let folder = root + "/live/a"

    /// A deck on a disk in memory, and what it has told of.
    private final class Bench {
        let disk = MemoryDisk()
        let owner = TapeOwner()
        private let told = Monitor<[TapeDeck.Event]>([])
        private(set) lazy var deck = makeDeck()
        var limits = TapeTests.limits

        private func makeDeck() -> TapeDeck {
            let told = told
            return TapeDeck(root: TapeTests.root, disk: disk) { event in told.with { $0.append(event) } }
        }

        var events: [TapeDeck.Event] { told.with { $0 } }

        /// Another run of the server.
        func restart() { deck = makeDeck() }

        /// Keeps a segment of two seconds that begins when the disk's clock says.
        func keep(_ number: UInt32, discontinuity: UInt32 = 1, initialisation: UInt64 = 0xab, size: Int = 100) {
            let date = disk.with { state in
                defer { state.clock += 2 * TapeTests.second }
                return state.clock
            }
            let entry = TapeEntry(
                number: number, date: date, duration: 2 * TapeTests.second, target: 2, bytes: size,
                initialisation: initialisation, container: .fragmentedMP4)
            keep(.main(entry, discontinuity: discontinuity), TapeTests.bytes(size, number))
        }

        /// Keeps a segment of an audio track: half as many bytes.
        func keep(_ number: UInt32, of track: UInt8, initialisation: UInt64 = 0xcd) {
            let date = disk.with { $0.clock }
            keep(
                .audio(
                    TapeCompanion(
                        track: track, number: number, date: date, duration: 2 * TapeTests.second, bytes: 50,
                        initialisation: initialisation)), TapeTests.bytes(50, number))
        }

        private func keep(_ segment: TapeDeck.Segment, _ bytes: [UInt8]) {
            let tape = deck.begin(app: "live", stream: "a", limits, owner)
            deck.keep(
                segment, SharedBytes(copying: bytes), initialisation: SharedBytes(copying: [1, 2, 3]), on: tape)
            deck.turn()
        }

        func keep(_ numbers: ClosedRange<UInt32>) { for number in numbers { keep(number) } }

        var tape: Tape? { deck.find(app: "live", stream: "a") }
        var index: TapeIndex { tape?.contents.index ?? TapeIndex() }
        var entries: [TapeEntry] { Array(index.entries) }
        var listed: [UInt32] { index.listed.map(\.number) }
        var files: [String] {
            disk.with { $0.files.keys.filter { $0.hasSuffix(".m4s") }.sorted() }
        }

        func read(_ file: Tape.File?) -> [UInt8]? {
            file.flatMap { deck.piece(of: $0, at: 0, count: $0.size) }?.copy
        }
    }

    private static func bytes(_ size: Int, _ number: UInt32) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
    }

    private static func entry(_ number: UInt32, date: Int64 = 0, duration: Int64 = 2_000_000) -> TapeEntry {
        TapeEntry(
            number: number, date: date, duration: duration, target: 2, bytes: 100, initialisation: 0,
            container: .transportStream)
    }

    @Test("a segment's name says all of it, in one spelling")
    func namesSegments() throws {
        var entry = TapeEntry(
            number: 7, date: 1_700_000_000_000_000, duration: 1_999_999, target: 2, bytes: 12,
            initialisation: .max, container: .transportStream)
        entry.place = 5
        entry.discontinuity = 6
        #expect(entry.file == "5-6-7-1700000000000000-1999999-2-12-ffffffffffffffff.ts")
        #expect(TapeEntry(file: entry.file) == entry)
        for wrong in [
            "5-6-7-8-9000-1-3-a", "5-6-7-8-9000-1-3-a.mp4", "05-6-7-8-9000-1-3-a.ts", "5-6-7-8-9000-1-3-A.ts",
            "5-6-7-8-9000-1-3.ts", "5-6-7-8-9-1-3-a.ts", "5-6-7-8-9000-0-3-a.ts", ".ts",
            "18446744073709551615-6-7-8-9000-1-3-a.ts",
        ] { #expect(TapeEntry(file: wrong) == nil, "\(wrong)") }
        // No longer than its target allows, as a pause can make it.
        #expect(Self.entry(1, duration: 9_000_000).duration == 2_499_000)
    }

    @Test("keeps segments in order, and gives their bytes back, whole and in pieces")
    func keepsSegments() throws {
        let bench = Bench()
        bench.keep(10...13)
        #expect(bench.entries.map(\.place) == [10, 11, 12, 13])
        #expect(Set(bench.entries.map(\.discontinuity)) == [10])
        let tape = try #require(bench.tape)
        let file = try #require(tape.file(number: 12, .fragmentedMP4))
        #expect(bench.read(file) == Self.bytes(100, 12))
        #expect(bench.deck.piece(of: file, at: 90, count: 10)?.copy == Self.bytes(10, 12))
        #expect(bench.deck.piece(of: file, at: 90, count: 11) == nil, "more than there is")
        #expect(tape.file(number: 12, .transportStream) == nil)
        #expect(tape.file(number: 14, .fragmentedMP4) == nil)
        #expect(bench.read(tape.file(initialisation: 0xab)) == [1, 2, 3])
        #expect(tape.file(initialisation: 0xac) == nil)
        #expect(tape.status.bytes == 403 && tape.status.segments == 4 && tape.status.queued == 0)
        #expect(bench.deck.totals.bytes == 403)
        bench.disk.with { $0.files[Self.folder + "/" + bench.entries[2].file] = nil }
        #expect(bench.read(file) == nil, "gone behind our back")
    }

    @Test("places go on over gaps and sessions, which are discontinuities, and what is not new is left out")
    func marksGaps() {
        let bench = Bench()
        bench.keep(10)
        bench.keep(11)
        bench.keep(11)
        bench.keep(20)
        bench.keep(21, discontinuity: 2)
        bench.keep(22, discontinuity: 2)
        #expect(bench.entries.map(\.number) == [10, 11, 20, 21, 22])
        #expect(bench.entries.map(\.place) == [10, 11, 12, 13, 14])
        #expect(bench.entries.map(\.discontinuity) == [10, 10, 11, 12, 12])
    }

    @Test("what lies outside of the window is listed no more, and goes a minute later with what nobody else needs")
    func slides() {
        let bench = Bench()
        bench.keep(1, initialisation: 1)
        bench.keep(2...40)
        #expect(bench.listed == Array(10...40), "a minute, and the segment that it begins in")
        #expect(bench.entries.count == 40 && bench.files.count == 40, "who has just been told of them still gets them")
        bench.keep(41...80)
        #expect(bench.listed == Array(50...80))
        #expect(bench.entries.map(\.number) == Array(20...80))
        #expect(bench.files.count == bench.entries.count)
        #expect(bench.entries.map(\.place) == Array(20...80))
        #expect(bench.disk.with { $0.files[Self.folder + "/init-1.mp4"] == nil })
        #expect(bench.disk.with { $0.files[Self.folder + "/init-ab.mp4"] != nil })
        #expect(bench.tape?.status.bytes == 61 * 100 + 3)
    }

    @Test("a part by time begins where it is asked to, only grows, and is gone when its beginning is")
    func cuts() {
        let bench = Bench()
        let start = bench.disk.with { $0.clock }
        bench.keep(1...10)
        func cut(_ from: Int64, _ to: Int64? = nil, isLive: Bool = true) -> TapeIndex.Cut {
            bench.index.cut(
                from: start + from * Self.second, to: to.map { start + $0 * Self.second }, isLive: isLive,
                now: bench.deck.now)
        }
        func numbers(_ cut: TapeIndex.Cut) -> [UInt32]? {
            if case .entries(let entries, _) = cut { entries.map(\.number) } else { nil }
        }
        #expect(numbers(cut(0)) == Array(1...10) && numbers(cut(-100)) == Array(1...10))
        #expect(numbers(cut(5)) == Array(3...10))
        #expect(numbers(cut(5, 8)) == [3, 4])
        #expect(numbers(cut(5, 9)) == [3, 4, 5])
        #expect(cut(20) == .tooEarly && cut(5, 21) == .tooEarly)
        #expect(numbers(cut(5, 20, isLive: false)) == Array(3...10))
        #expect(cut(5, 21, isLive: false) == .tooEarly, "it may go on before that time comes")
        if case .entries(_, let isOver) = cut(5) { #expect(!isOver) }
        if case .entries(_, let isOver) = cut(5, 9) { #expect(isOver) }
        bench.keep(11...34)
        #expect(bench.listed.first == 4)
        #expect(cut(5) == .gone && cut(0) == .gone && cut(5, 9) == .gone)
        #expect(numbers(cut(6))?.first == 4)
    }

    @Test("goes on after a restart where it was, with a discontinuity, and without what a crash has left half")
    func survivesRestarts() throws {
        let bench = Bench()
        bench.keep(10...12)
        bench.disk.with { $0.files[Self.folder + "/13-10-13-1-1000-2-9-ab.m4s\(TapeEntry.unfinished)"] = .init() }
        bench.restart()
        bench.deck.adopt { _, _ in Self.limits }
        let found = try #require(bench.tape)
        #expect(found.contents.isLive == false && bench.listed == [10, 11, 12])
        #expect(bench.read(found.file(initialisation: 0xab)) == [1, 2, 3])
        bench.keep(40, discontinuity: 1)
        #expect(bench.entries.map(\.number) == [10, 11, 12, 40])
        #expect(bench.entries.map(\.place) == [10, 11, 12, 13])
        #expect(bench.entries.map(\.discontinuity) == [10, 10, 10, 11])
        #expect(bench.disk.with { $0.files.keys.allSatisfy { !$0.hasSuffix(TapeEntry.unfinished) } })
    }

    @Test("a file that a crash of the machine has torn is a gap, and what lies before it stays")
    func survivesTornFiles() throws {
        let bench = Bench()
        bench.keep(10...12)
        let torn = Self.folder + "/" + bench.entries[1].file
        bench.disk.with { $0.files[torn]?.bytes = [] }
        bench.restart()
        bench.keep(13)
        #expect(bench.entries.map(\.number) == [10, 11, 12, 13])
        #expect(bench.entries.map(\.isTorn) == [false, true, false, false])
        #expect(try #require(bench.tape).file(number: 11, .fragmentedMP4) == nil)
    }

    @Test("a segment of an audio track has its name, in one spelling")
    func namesCompanions() throws {
        let one = TapeCompanion(
            track: 2, number: 7, date: 1_700_000_000_000_000, duration: 1_999_999, bytes: 12, initialisation: .max)
        #expect(one.file == "audio-2-7-1700000000000000-1999999-12-ffffffffffffffff.m4s")
        #expect(TapeCompanion(file: one.file) == one && TapeEntry(file: one.file) == nil)
        for wrong in [
            "audio-2-7-8-9000-3-a", "audio-2-7-8-9000-3-a.ts", "audio-02-7-8-9000-3-a.m4s",
            "audio-256-7-8-9000-3-a.m4s",
            "audio-2-7-8-9000-3.m4s", "audio-2-7-8-9-3-a.m4s", "audio-2-7-8-9000-3-A.m4s", "audio-.m4s", "audio-m4s",
        ] { #expect(TapeCompanion(file: wrong) == nil, "\(wrong)") }
    }

    @Test("segments of audio tracks lie beside those of their numbers, and go with them")
    func keepsCompanions() throws {
        let bench = Bench()
        bench.keep(10)
        for number in 11...40 as ClosedRange<UInt32> {
            bench.keep(number, of: 1)
            bench.keep(number)
            // Behind its entry, as sound may come.
            if number == 30 { bench.keep(number, of: 4, initialisation: 0xef) }
        }
        let tape = try #require(bench.tape)
        #expect(bench.index.tracks == [1, 4])
        #expect(bench.read(tape.file(number: 12, of: 1)) == Self.bytes(50, 12))
        #expect(bench.read(tape.file(initialisation: 0xef)) == [1, 2, 3])
        #expect(tape.file(number: 10, of: 1) == nil && tape.file(number: 12, of: 4) == nil)
        let files = bench.files
        #expect(tape.status.bytes == files.filter { $0.contains("/audio-") }.count * 50 + bench.entries.count * 100 + 9)
        for number in 41...90 as ClosedRange<UInt32> {
            bench.keep(number, of: 1)
            bench.keep(number)
        }
        #expect(bench.index.tracks == [1] && bench.entries.first?.number == 30)
        #expect(bench.files.count == bench.entries.count * 2 + 1, "of both, and what is listed no more")
        bench.keep(91...92)
        #expect(tape.file(number: 30, of: 4) == nil && tape.file(initialisation: 0xef) == nil)
        #expect(tape.file(number: 30, of: 1) == nil && tape.file(number: 32, of: 1) != nil)
        bench.deck.end(app: "live", stream: "a", bench.owner)
        bench.deck.turn()
        bench.disk.with { $0.clock += 61 * Self.second + TapeIndex.grace }
        bench.deck.age()
        #expect(bench.files.isEmpty && bench.tape == nil && bench.disk.with { $0.files.isEmpty })
    }

    @Test("whether the newest segment has a companion is said when the next is there, or nothing follows")
    func waitsForCompanions() {
        let bench = Bench()
        let start = bench.disk.with { $0.clock }
        bench.keep(1)
        bench.keep(1, of: 1)
        bench.keep(2)
        func numbers(isLive: Bool) -> [UInt32] { bench.index.listed(for: 1, isLive: isLive).map(\.number) }
        func cut(_ to: Int64?) -> TapeIndex.Cut {
            bench.index.cut(
                from: start, to: to.map { start + $0 * Self.second }, of: 1, isLive: true, now: bench.deck.now)
        }
        #expect(numbers(isLive: true) == [1] && numbers(isLive: false) == [1, 2])
        #expect(cut(4) == .tooEarly && cut(2) == .entries(bench.index.listed.prefix(1), isOver: true))
        bench.keep(3)
        #expect(numbers(isLive: true) == [1, 2], "the second is a gap")
        bench.keep(3, of: 1)
        #expect(numbers(isLive: true) == [1, 2, 3])
        #expect(cut(4) == .entries(bench.index.listed.prefix(2), isOver: true))
    }

    @Test("after a restart audio tracks and what is said of them are there, without what has lost its segment")
    func loadsCompanions() throws {
        let bench = Bench()
        for number in 10...12 as ClosedRange<UInt32> {
            bench.keep(number, of: 1)
            bench.keep(number)
        }
        bench.keep(13, of: 1)
        var title = TapeTitle()
        (title.codecs, title.width, title.height) = ("avc1.64001f,mp4a.40.2", 640, 360)
        title.learn(.init(number: 1, name: "\"Kommentar\"\n", language: "deu", codec: "mp4a.40.2", channels: 2))
        title.learn(.init(number: 0, name: "", language: "", codec: "ac-3", channels: 6))
        bench.deck.describe(title, on: try #require(bench.tape))
        bench.deck.turn()
        let torn = try #require(bench.files.first { $0.contains("/audio-1-11-") })
        bench.disk.with { $0.files[torn]?.bytes = [] }
        bench.restart()
        bench.deck.adopt { _, _ in Self.limits }
        let tape = try #require(bench.tape)
        #expect(tape.title == title && title.audio.map(\.number) == [0, 1])
        #expect(bench.index.tracks == [1] && bench.read(tape.file(number: 10, of: 1)) == Self.bytes(50, 10))
        #expect(tape.file(number: 11, of: 1) == nil, "torn")
        #expect(bench.files.allSatisfy { !$0.contains("/audio-1-13-") }, "it has no segment beside it")
        #expect(bench.index.rates(of: 1)?.average == 50 * 8 * 3 / 6)
        #expect(TapeTitle(text: Array("no json\n{\"audio\":-1}\n{\"audio\":256}\n".utf8)) == TapeTitle())
    }

    @Test("after the stream's end it ages until nothing is left, and begins above everything that it has said")
    func endsAndBegins() {
        let bench = Bench()
        for number in 10...30 as ClosedRange<UInt32> { bench.keep(number, discontinuity: number) }
        let last = bench.entries[20]
        bench.deck.end(app: "live", stream: "a", TapeOwner())
        bench.deck.turn()
        #expect(bench.tape?.contents.isLive == true, "somebody else's end")
        bench.deck.end(app: "live", stream: "a", bench.owner)
        bench.deck.turn()
        #expect(bench.tape?.contents.isLive == false)
        bench.disk.with { $0.clock += 61 * Self.second + TapeIndex.grace }
        bench.deck.age()
        #expect(bench.files.isEmpty && bench.tape == nil)
        bench.keep(31)
        #expect(bench.entries[0].place > last.place && bench.entries[0].discontinuity > last.discontinuity)
    }

    @Test("a full disk makes a hole that is told of once, and it is tried again after a while")
    func survivesFullDisks() {
        let bench = Bench()
        bench.keep(1)
        bench.disk.with { $0.room = 50 }
        var title = TapeTitle()
        title.codecs = "avc1.64001f,mp4a.40.2,and so on, so that there is no room for it"
        bench.deck.describe(title, on: bench.deck.begin(app: "live", stream: "a", bench.limits, bench.owner))
        bench.keep(2)
        bench.keep(3)
        #expect(bench.events.count == 1)
        guard case .failed(let folder, let failure) = bench.events[0] else {
            Issue.record("\(bench.events)")
            return
        }
        #expect(folder == Self.folder && failure.code == "disk_full")
        #expect(failure.description.contains("rewind.min_free"))
        #expect(bench.files.count == 1, "nothing half is left")
        #expect(bench.tape?.status.failure == failure && bench.deck.totals.failing == 1)
        bench.disk.with { state in
            state.room = nil
            state.clock += TapeDeck.pause
        }
        bench.keep(40)
        #expect(bench.events.last == .again(folder: folder))
        #expect(bench.entries.last?.number == 40 && bench.tape?.status.failure == nil)
        bench.restart()
        bench.deck.adopt { _, _ in Self.limits }
        #expect(bench.tape?.title == title, "written when it can be")
    }

    @Test("a disk that fails says what it is that fails, and holds nothing in memory")
    func survivesBrokenDisks() {
        let bench = Bench()
        bench.disk.with { $0.failing[.write] = EIO }
        bench.keep(1)
        guard case .failed(_, let failure) = bench.events.first else {
            Issue.record("\(bench.events)")
            return
        }
        #expect(failure.code == "disk_error" && failure.description.contains("rewind.path"))
        #expect(bench.tape?.status.queued == 0 && bench.deck.totals.queued == 0 && bench.entries.isEmpty)
    }

    @Test("the oldest segments make room where the file system is to have some left")
    func makesRoom() {
        let bench = Bench()
        bench.limits = Tape.Limits(window: 60_000, minFree: 1_000)
        bench.keep(1...5)
        bench.disk.with { $0.free = 950 }
        bench.keep(6)
        #expect(bench.entries.map(\.number) == [3, 4, 5, 6])
        #expect(bench.listed == [3, 4, 5, 6])
        #expect(bench.events == [.dropped(folder: Self.folder, segments: 2)])
        bench.disk.with { $0.free = 0 }
        bench.keep(7)
        guard case .failed(_, let failure) = bench.events.last else {
            Issue.record("\(bench.events)")
            return
        }
        #expect(failure == .belowFloor(minimum: 1_000))
    }

    @Test("a disk that does not answer costs a bounded number of bytes, for one stream and for all")
    func isBounded() {
        let bench = Bench()
        let bytes = SharedBytes(copying: Self.bytes(1 << 20, 1))
        func fill(_ stream: String) -> Tape {
            let tape = bench.deck.begin(app: "live", stream: stream, Self.limits, TapeOwner())
            for number in 0..<UInt32(TapeDeck.mostQueued >> 20) + 5 {
                bench.deck.keep(
                    .main(Self.entry(number), discontinuity: 0), bytes, initialisation: SharedBytes(), on: tape)
            }
            return tape
        }
        #expect(fill("a").status.queued == TapeDeck.mostQueued)
        #expect(bench.events == [.failed(folder: Self.folder, .tooSlow(limit: TapeDeck.mostQueued))])
        for stream in ["b", "c", "d", "e"] { _ = fill(stream) }
        #expect(bench.deck.totals.queued == TapeDeck.mostQueuedOfAll)
        // Paused, and asked for again and again: nothing more waits.
        let waiting = bench.deck.queues.with { $0.writes.count }
        _ = fill("a")
        #expect(bench.deck.queues.with { $0.writes.count } == waiting)
        // What waits holds the deck, and nobody will write it.
        bench.deck.queues.with { $0.writes = [] }
    }

    @Test("of a folder from which a file was taken the newest run that fits together is kept")
    func loadsWhatFits() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var index = TapeIndex()
            var discontinuity: UInt32 = 1
            for number in 1...30 as ClosedRange<UInt32> where Int.random(in: 0..<4, using: &random) > 0 {
                if Int.random(in: 0..<6, using: &random) == 0 { discontinuity += 1 }
                if let placed = index.placed(Self.entry(number), discontinuity: discontinuity) {
                    index.append(placed, discontinuity: discontinuity)
                }
            }
            var names = index.entries.map(\.file)
            let all = names.count
            let taken = all > 0 ? Int.random(in: 0..<all, using: &random) : 0
            if all > 0 { names.remove(at: taken) }
            var loaded = TapeIndex()
            let files = (names + ["notes.txt", "init-ab.mp4"]).shuffled(using: &random).map { (name: $0, bytes: 100) }
            let lost = loaded.load(files)
            let expected = taken == all - 1 ? all - 1 : all - 1 - taken
            #expect(loaded.entries.count == max(0, expected), "seed \(seed)")
            #expect(lost.count == names.count - loaded.entries.count, "seed \(seed)")
        }
    }

    @Test("the rates of a window are those of its heaviest segment and of all")
    func rates() throws {
        let bench = Bench()
        #expect(bench.index.rates() == nil)
        bench.keep(1, size: 1_000)
        bench.keep(2, size: 3_000)
        let rates = try #require(bench.index.rates())
        #expect(rates.peak == 12_000 && rates.average == 8_000)
    }
}
