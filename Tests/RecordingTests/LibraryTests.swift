import Glibc
import Testing

@testable import Recording
@testable import StreamLog

struct LibraryTests {
    private func record(_ studio: Studio, _ stream: String, files: Int = 1, size: Int = 100) {
        let log = LiveLog()
        for number in 0..<files {
            let recorder = studio.recorder(stream)
            log.frame(size, at: Int64(number) * 1000, keyframe: true)
            log.tell(recorder)
            recorder.finish(.ended)
            studio.settle()
            studio.disk.with { $0.clock += 1_000_000 }
        }
    }

    @Test("what a crash left is adopted with its numbers, indexed, and counted by retention")
    func adopts() throws {
        let disk = MemoryDisk()
        var studio: Studio? = Studio(disk)
        studio!.settle()
        var recorder: Recorder? = studio!.recorder()
        recorder!.epoch = 99
        recorder!.tracks = ["avc1.64001f"]
        let log = LiveLog()
        log.frame(500, at: 0, keyframe: true)
        log.tell(recorder!)
        recorder!.flush()
        studio!.settle()
        disk.with { $0.clock += 3_000_000 }
        log.frame(500, at: 3000)
        log.tell(recorder!)
        recorder!.flush()
        studio!.settle()
        disk.crash()
        recorder = nil
        studio = nil
        let again = Studio(disk)
        again.settle()
        let entry = try #require(again.events.recovered.first)
        #expect(entry.reason == .recovered && entry.epoch == 99 && entry.tracks == ["avc1.64001f"])
        #expect(entry.duration == 3000 && entry.bytes == Int64(1000 + LiveLog.prologue(1).count))
        #expect(disk.finished.count == 1 && again.library.files.count == 1)
        #expect(disk.with { $0.files.count } == 2)
        // Once is enough.
        let third = Studio(disk)
        third.settle()
        #expect(third.events.recovered.isEmpty && third.library.files.count == 1)
    }

    @Test("a file that is being written is never adopted, nor one of another application")
    func leavesAlone() {
        let disk = MemoryDisk()
        let studio = Studio(disk)
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(500, at: 0, keyframe: true)
        log.tell(recorder)
        recorder.flush()
        studio.settle()
        let neighbour = Studio(disk)
        neighbour.settle()
        #expect(neighbour.events.recovered.isEmpty)
        disk.crash()
        let events = Events()
        let writer = DiskWriter(disk: disk, onEvent: events.take)
        writer.add(RecordingLibrary(app: "other", root: "/rec"))
        while writer.turn() {}
        #expect(events.recovered.isEmpty && disk.with { $0.files.keys.contains { $0.hasSuffix(".recording.flv") } })
        recorder.abort()
        studio.settle()
    }

    @Test("a torn index is repaired on start, and entries of files that are gone go with it")
    func repairs() throws {
        let disk = MemoryDisk()
        let studio = Studio(disk)
        record(studio, "show", files: 3)
        let paths = disk.finished.keys.sorted()
        disk.with { state in
            state.files["/rec/live/show/index.jsonl"]!.bytes += Array(#"{"file":"torn"#.utf8)
            state.files[paths[1]] = nil
        }
        let again = Studio(disk)
        again.settle()
        #expect(again.library.files.keys.sorted() == [paths[0], paths[2]])
        let index = try LibraryIndex.load(disk, "/rec/live/show")
        #expect(index.isClean && index.entries.count == 2)
    }

    @Test("retention deletes the oldest and strikes them from the index, and never what is being written")
    func retention() throws {
        let studio = Studio(limits: .init(keepBytes: 700))
        let live = studio.recorder("live")
        let log = LiveLog()
        log.frame(100, at: 0, keyframe: true)
        log.tell(live)
        live.flush()
        record(studio, "show", files: 10)
        studio.disk.with { $0.clock += 60_000_000 }
        studio.writer.tick()
        // Each file has 100 bytes and an 11 bytes prologue; one of them is being written.
        #expect(studio.disk.finished.count == 5)
        #expect(studio.events.deleted.count == 5)
        #expect(try LibraryIndex.load(studio.disk, "/rec/live/show").entries.map(\.firstSequence) == [5, 6, 7, 8, 9])
        studio.writer.setLimits(.init(keepAge: 1000), of: studio.library)
        studio.settle()
        #expect(studio.disk.finished.isEmpty)
        #expect(live.status.state == .recording)
        live.finish(.ended)
        studio.settle()
        #expect(studio.disk.finished.count == 1)
    }

    @Test("a file that cannot be deleted is told once, and tried again")
    func stubborn() {
        let studio = Studio(limits: .init(keepBytes: 0))
        studio.disk.with { $0.failing[.remove] = EACCES }
        record(studio, "show", files: 2)
        for _ in 0..<3 {
            studio.disk.with { $0.clock += 10_000_000 }
            studio.writer.tick()
        }
        #expect(studio.events.warnings.count == 1)
        studio.disk.with {
            $0.failing = [:]
            $0.clock += 10_000_000
        }
        studio.writer.tick()
        #expect(studio.disk.finished.isEmpty)
    }

    @Test("a stream's newest files are listed")
    func lists() {
        let studio = Studio()
        record(studio, "show", files: 4)
        let listed = Monitor<[IndexEntry]>([])
        studio.writer.list(app: "live", stream: "show", pattern: .standard, in: studio.library, limit: 2) { result in
            if case .success(let entries) = result { listed.with { $0 = entries } }
        }
        studio.settle()
        #expect(listed.with { $0.map(\.firstSequence) } == [2, 3])
    }

    @Test("closing completes what is written, and takes no more")
    func closes() {
        let studio = Studio()
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(100, at: 0, keyframe: true)
        log.tell(recorder)
        recorder.flush()
        #expect(studio.writer.close(within: 1000))
        #expect(studio.events.finished.map(\.reason) == [.shutdown])
        log.frame(100, at: 40)
        log.tell(recorder)
        recorder.finish(.shutdown)
        #expect(recorder.state == .stopped(.closed))
    }
}
