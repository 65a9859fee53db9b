import Fixtures
import Glibc
import Testing

@testable import Recording
@testable import StreamLog

struct RecorderTests {
    @Test("a file begins at a keyframe behind the prologue, and holds what the log held")
    func begins() {
        let studio = Studio()
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(10, at: 0)
        log.tell(recorder)
        #expect(recorder.state == .waiting)
        var wanted = LiveLog.prologue(1)
        wanted += log.frame(20, at: 40, keyframe: true)
        wanted += log.frame(30, at: 80)
        log.tell(recorder)
        #expect(recorder.status.queued > 0)
        recorder.finish(.ended)
        studio.settle()
        #expect(studio.disk.finished == ["/rec/live/show/2023-11-14/221320-0001.flv": wanted])
        let entry = studio.events.finished[0]
        #expect(entry.bytes == Int64(wanted.count) && entry.duration == 40 && entry.reason == .ended)
        #expect(entry.firstSequence == 1 && entry.lastSequence == 2)
        #expect(entry.start == LiveLog.origin + 40_000)
        #expect(studio.disk.with { $0.syncs } == ["/rec/live/show/2023-11-14/221320-0001.recording.flv"])
        #expect(
            studio.disk.with { $0.files.keys.sorted() } == [
                "/rec/live/show/2023-11-14/221320-0001.flv", "/rec/live/show/index.jsonl",
            ])
        #expect(recorder.status.queued == 0 && recorder.status.files == 1)
    }

    @Test(
        "cut however it comes, the files together are the log from the first keyframe on, each at a keyframe",
        arguments: 1...12 as ClosedRange<UInt64>)
    func cuts(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let cut = try CutPolicy(duration: 2000, bytes: 300_000)
        let studio = Studio(settings: RecordingSettings(format: .ts, cut: cut, batchMilliseconds: Int64(seed * 40)))
        studio.disk.with { $0.writeLimit = seed % 2 == 0 ? .max : 1 + Int(random.next() % 5000) }
        let recorder = studio.recorder()
        let log = LiveLog(retention: 3_000_000)
        var stream: [UInt8] = []
        var hasBegun = false
        for number in 0..<600 {
            let isKeyframe = random.next() % 25 == 0
            let size = random.next() % 60 == 0 ? 300_000 : 1 + Int(random.next() % 4000)
            let bytes = log.frame(size, at: Int64(number) * 40, keyframe: isKeyframe)
            hasBegun = hasBegun || isKeyframe
            if hasBegun { stream += bytes }
            // One keyframe at most is told at once: what comes with a later one belongs to the file before.
            if isKeyframe || random.next() % 4 == 0 { log.tell(recorder) }
            if random.next() % 10 == 0 { studio.settle() }
        }
        log.tell(recorder)
        recorder.finish(.ended)
        studio.settle()
        let entries = studio.events.finished
        var joined: [UInt8] = []
        let prologue = LiveLog.prologue(1)
        for (_, bytes) in studio.disk.finished.sorted(by: { $0.key < $1.key }) {
            #expect(bytes.starts(with: prologue), "seed \(seed)")
            joined += bytes.dropFirst(prologue.count)
        }
        // By a word: a difference of megabytes takes minutes to print.
        let isSame = joined == stream
        #expect(isSame, "seed \(seed): \(joined.count) of \(stream.count) bytes, \(entries.count) files")
        #expect(entries.count > 3)
        for (one, next) in zip(entries, entries.dropFirst()) {
            #expect(next.firstSequence == one.lastSequence + 1, "seed \(seed)")
        }
        #expect(studio.writer.status(of: recorder.lane).queued == 0)
        #expect(studio.disk.with { $0.open.isEmpty })
    }

    @Test("a new publish session begins a new file at its first keyframe")
    func sessions() {
        let studio = Studio()
        let recorder = studio.recorder()
        let log = LiveLog()
        recorder.epoch = 0x10
        log.frame(5, at: 0, keyframe: true)
        log.tell(recorder)
        log.session = 1
        recorder.epoch = 0x11
        log.frame(6, at: 40)
        log.frame(7, at: 80, keyframe: true)
        log.tell(recorder)
        recorder.finish(.stopped)
        studio.settle()
        let entries = studio.events.finished
        #expect(entries.map(\.reason) == [.session, .stopped])
        #expect(entries.map(\.epoch) == [0x10, 0x11])
        #expect(entries.map(\.firstSequence) == [0, 2])
    }

    @Test(
        "other codecs begin a new file of fragmented MP4, and go on in one of FLV", arguments: RecordingFormat.allCases)
    func configurations(format: RecordingFormat) {
        let studio = Studio(settings: RecordingSettings(format: format))
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(5, at: 0, keyframe: true)
        log.tell(recorder)
        log.reconfigure()
        log.frame(5, at: 40, keyframe: true)
        log.tell(recorder)
        recorder.finish(.ended)
        studio.settle()
        #expect(studio.events.finished.map(\.reason) == (format == .fmp4 ? [.configuration, .ended] : [.ended]))
    }

    @Test("a file that is there is never written over")
    func suffixes() throws {
        let disk = MemoryDisk()
        let pattern = try FilePattern("{app}/{stream}.{ext}")
        for _ in 0..<3 {
            let studio = Studio(disk, settings: RecordingSettings(format: .flv, pattern: pattern))
            let recorder = studio.recorder()
            let log = LiveLog()
            log.frame(5, at: 0, keyframe: true)
            log.tell(recorder)
            recorder.finish(.ended)
            studio.settle()
        }
        #expect(disk.finished.keys.sorted() == ["/rec/live/show-2.flv", "/rec/live/show-3.flv", "/rec/live/show.flv"])
    }

    @Test("an aborted recording leaves nothing")
    func aborts() {
        let studio = Studio()
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(5, at: 0, keyframe: true)
        log.tell(recorder)
        studio.settle()
        recorder.abort()
        studio.settle()
        #expect(studio.disk.with { $0.files.isEmpty })
        #expect(recorder.state == .finished(.stopped))
    }

    @Test("a disk that does not keep up stops the recording, frees what waited, and touches no other")
    func tooSlow() {
        let studio = Studio(settings: RecordingSettings(format: .flv, batchMilliseconds: 0, queueBytes: 100_000))
        let slow = studio.recorder()
        let other = studio.recorder("other")
        let log = LiveLog(retention: 300_000)
        let otherLog = LiveLog()
        log.frame(1000, at: 0, keyframe: true)
        log.tell(slow)
        otherLog.frame(10, at: 0, keyframe: true)
        otherLog.tell(other)
        studio.settle()
        weak let held = log.writer.segments[0]
        for number in 1...40 {
            log.frame(100_000, at: Int64(number) * 400, keyframe: number % 5 == 0)
            log.tell(slow)
        }
        guard case .stopped(.tooSlow(_, 100_000)) = slow.state else {
            Issue.record("\(slow.state)")
            return
        }
        #expect(studio.writer.status(of: slow.lane).queued == 0)
        #expect(held == nil, "a stopped recording holds no segment")
        #expect(studio.events.failures.count == 1)
        otherLog.frame(10, at: 40)
        otherLog.tell(other)
        other.finish(.ended)
        studio.settle()
        #expect(studio.events.finished.map(\.stream).sorted() == ["other", "show"])
        #expect(studio.events.finished.first { $0.stream == "show" }?.reason == .failed)
    }

    @Test(
        "a full disk stops the recording with every whole batch in a finished file", arguments: [1, 999, 5000, 20_000])
    func full(room: Int64) {
        let studio = Studio(settings: RecordingSettings(format: .flv, batchMilliseconds: 0))
        studio.disk.with { $0.room = room }
        let recorder = studio.recorder()
        let log = LiveLog()
        var stream = LiveLog.prologue(1)
        for number in 0..<50 {
            stream += log.frame(1000, at: Int64(number) * 40, keyframe: number == 0)
            log.tell(recorder)
            if number % 3 == 0 { studio.settle() }
        }
        studio.settle()
        #expect(recorder.status.queued == 0)
        let failure = DiskError(.write, "", ENOSPC)
        guard case .stopped(.disk(let error)) = recorder.state, error.code == failure.code else {
            Issue.record("\(recorder.state)")
            return
        }
        #expect(error.description.contains("the disk is full"))
        let files = Array(studio.disk.finished.values)
        #expect(files.count == (room >= 1100 ? 1 : 0))
        for file in files {
            #expect(stream.starts(with: file))
            #expect((file.count - LiveLog.prologue(1).count) % 1000 == 0)
            #expect(room - Int64(file.count) < 1000)
        }
        #expect(studio.disk.with { $0.open.isEmpty })
    }

    @Test(
        "whatever the disk refuses becomes an event that says what to do",
        arguments: [
            (DiskError.Operation.makeFolder, EACCES, "let the server's user write"),
            (.create, EROFS, "read-only"), (.write, EIO, "input or output error"), (.sync, EIO, "kernel's log"),
            (.rename, EIO, "replace the disk"), (.append, ENOSPC, "free space"), (.create, ENOENT, "mounted"),
            (.syncFolder, EIO, "replace the disk"), (.replace, ENOSPC, "free space"),
        ])
    func refusals(operation: DiskError.Operation, code: Int32, text: String) {
        let studio = Studio()
        studio.settle()
        studio.disk.with { $0.failing[operation] = code }
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(50, at: 0, keyframe: true)
        log.tell(recorder)
        recorder.finish(.ended)
        studio.settle()
        #expect(studio.events.failures.count == 1)
        #expect(studio.events.failures.first?.description.contains(text) ?? false)
        #expect(studio.disk.with { $0.open.isEmpty })
        // Once the disk is well again, a restart finds what had not been finished.
        studio.disk.with { $0.failing = [:] }
        let again = Studio(studio.disk)
        again.settle()
        let wasWritten = [.sync, .rename, .append, .syncFolder].contains(operation)
        #expect(again.events.recovered.count == (wasWritten ? 1 : 0))
        let index = try? LibraryIndex.load(studio.disk, "/rec/live/show")
        #expect(index?.entries.count == (wasWritten ? 1 : 0) && index?.isClean == true)
        #expect(!studio.disk.with { $0.files.keys.contains { $0.contains(".recording.") } })
    }

    @Test("below the free space that is asked for, recordings stop, and none begins")
    func floor() {
        let studio = Studio(limits: .init(minFree: 1000))
        let recorder = studio.recorder()
        let log = LiveLog()
        log.frame(50, at: 0, keyframe: true)
        log.tell(recorder)
        recorder.flush()
        studio.settle()
        studio.disk.with {
            $0.free = 999
            $0.clock += 6_000_000
        }
        studio.writer.tick()
        let wanted = RecordingFailure.belowFloor(folder: "/rec", free: 999, minimum: 1000)
        #expect(recorder.status.state == .stopped(wanted))
        #expect(studio.events.finished.map(\.reason) == [.failed])
        studio.disk.with { $0.free = 999 }
        // What has been recorded is deleted before the next one is refused.
        let next = studio.recorder("next")
        log.frame(50, at: 4000, keyframe: true)
        log.tell(next)
        studio.settle()
        #expect(next.status.state == .recording && studio.events.deleted.count == 1)
    }
}
