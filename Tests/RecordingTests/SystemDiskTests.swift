import Glibc
import Testing

@testable import Recording
@testable import StreamLog

/// A folder of its own under the system's temporary one, gone with the value.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/sluice-recording-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit { _ = system("rm -rf \(path)") }
}

@Suite(.timeLimit(.minutes(5)))
struct SystemDiskTests {
    private func writer(_ events: Events) -> DiskWriter {
        let writer = DiskWriter(onEvent: events.take)
        #expect(writer.start())
        return writer
    }

    @Test("many recordings on the disk thread are all there, byte for byte, and indexed")
    func many() throws {
        let folder = TemporaryFolder()
        let events = Events()
        let writer = writer(events)
        let library = RecordingLibrary(app: "live", root: folder.path + "/deep/er", limits: .init(minFree: 1))
        writer.add(library)
        let cut = try CutPolicy(duration: 1000)
        let settings = RecordingSettings(format: .flv, cut: cut, batchMilliseconds: 100)
        let recorders = (0..<8).map { number in
            Recorder(app: "live", stream: "s\(number)", settings: settings, library: library, writer: writer)
        }
        let logs = recorders.map { _ in LiveLog(retention: 1 << 20) }
        var streams = [[UInt8]](repeating: [], count: recorders.count)
        for number in 0..<150 {
            for (index, log) in logs.enumerated() {
                streams[index] += log.frame(2000 + index, at: Int64(number) * 40, keyframe: number % 25 == 0)
                log.tell(recorders[index])
            }
        }
        for recorder in recorders { recorder.finish(.ended) }
        #expect(writer.close(within: 30_000))
        #expect(events.failures.isEmpty && events.warnings.isEmpty)
        let disk = SystemDisk()
        for (index, stream) in streams.enumerated() {
            let home = library.root + "/live/s\(index)"
            let entries = try LibraryIndex.load(disk, home).entries
            #expect(entries.count == 6)
            var joined: [UInt8] = []
            for entry in entries {
                let bytes = try disk.read(home + "/" + entry.file, limit: 1 << 24)
                #expect(bytes.count == Int(entry.bytes))
                joined += bytes.dropFirst(LiveLog.prologue(1).count)
            }
            // By a word: a difference of megabytes takes minutes to print.
            let isSame = joined == stream
            #expect(isSame, "\(joined.count) of \(stream.count) bytes")
        }
    }

    @Test("names are never replaced, locks are seen, and what is missing says so")
    func names() throws {
        let folder = TemporaryFolder()
        let disk = SystemDisk()
        let path = folder.path + "/a/b/c"
        try disk.makeFolder(path)
        try disk.makeFolder(path)
        let file = try disk.create(path + "/x.recording.flv")
        #expect(disk.isBeingWritten(path + "/x.recording.flv"))
        #expect(throws: DiskError(.create, path + "/x.recording.flv", EEXIST)) {
            try disk.create(path + "/x.recording.flv")
        }
        disk.close(file)
        #expect(!disk.isBeingWritten(path + "/x.recording.flv"))
        try disk.append([1], to: path + "/y")
        #expect(throws: DiskError(.rename, path + "/y", EEXIST)) {
            try disk.rename(path + "/x.recording.flv", to: path + "/y")
        }
        try disk.rename(path + "/x.recording.flv", to: path + "/z")
        #expect(Set(try disk.entries(path).map(\.name)) == ["y", "z"])
        #expect(throws: DiskError(.read, path + "/no", ENOENT)) { try disk.read(path + "/no", limit: 1) }
        try disk.replace(path + "/y", with: [7, 8])
        #expect(try disk.read(path + "/y", limit: 100) == [7, 8])
        disk.removeFolder(path)
        #expect(disk.exists(path))
        #expect(try disk.freeBytes(path) > 0)
        #expect(throws: DiskError(.makeFolder, path + "/y/sub", ENOTDIR)) { try disk.makeFolder(path + "/y/sub") }
        #expect(throws: DiskError(.makeFolder, "/proc/sluice", ENOENT)) { try disk.makeFolder("/proc/sluice") }
    }

    @Test("a process killed while it writes leaves every batch that the system took, and the next start adopts it")
    func killed() async throws {
        let root = "/tmp/sluice-recording-killed-\(getpid())"
        defer { _ = system("rm -rf \(root)") }
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let events = Events()
            let writer = DiskWriter(onEvent: events.take)
            #expect(writer.start())
            let library = RecordingLibrary(app: "live", root: "/tmp/sluice-recording-killed-\(getppid())")
            writer.add(library)
            let settings = RecordingSettings(format: .ts, batchMilliseconds: 0)
            let recorder = Recorder(app: "live", stream: "show", settings: settings, library: library, writer: writer)
            recorder.epoch = 5
            let log = LiveLog()
            for number in 0..<200 {
                log.frame(1000, at: Int64(number) * 40, keyframe: number % 50 == 0)
                log.tell(recorder)
            }
            while writer.status(of: recorder.lane).queued > 0 { usleep(1000) }
            kill(getpid(), SIGKILL)
        }
        let events = Events()
        let writer = writer(events)
        writer.add(RecordingLibrary(app: "live", root: root))
        #expect(writer.close(within: 10_000))
        let entry = try #require(events.recovered.first)
        #expect(entry.bytes == 200_000 + Int64(LiveLog.prologue(1).count) && entry.epoch == 5 && entry.stream == "show")
        let index = try LibraryIndex.load(SystemDisk(), root + "/live/show")
        #expect(index.entries == [entry] && SystemDisk().exists(root + "/live/show/" + entry.file))
    }

    @Test("a stuck disk holds up neither the loop nor the end of the server")
    func stuck() {
        let disk = MemoryDisk()
        let events = Events()
        let writer = DiskWriter(disk: disk, onEvent: events.take)
        #expect(writer.start())
        let library = RecordingLibrary(app: "live", root: "/rec")
        writer.add(library)
        let settings = RecordingSettings(format: .flv, batchMilliseconds: 0, queueBytes: 1 << 20)
        let recorder = Recorder(app: "live", stream: "show", settings: settings, library: library, writer: writer)
        let log = LiveLog(retention: 1 << 20)
        disk.with { $0.isStuck = true }
        for number in 0..<200 {
            log.frame(10_000, at: Int64(number) * 40, keyframe: number == 0)
            log.tell(recorder)
            if number == 0 { while disk.with({ $0.open.isEmpty }) { usleep(1000) } }
        }
        guard case .stopped(.tooSlow) = recorder.state else {
            Issue.record("\(recorder.state)")
            return
        }
        #expect(writer.status(of: recorder.lane).queued <= DiskWriter.batchBytes + 10_000)
        #expect(!writer.close(within: 50))
        disk.with { $0.isStuck = false }
        #expect(writer.close(within: 10_000))
        #expect(disk.with { $0.open.isEmpty })
    }

    @Test("a full file system stops the recording and leaves a file that ends with a whole frame")
    func full() throws {
        let folder = TemporaryFolder()
        // Only root may mount; elsewhere the disk in memory stands for it.
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=1m") == 0 else { return }
        defer { umount2(folder.path, Int32(MNT_DETACH)) }
        let events = Events()
        let writer = writer(events)
        let library = RecordingLibrary(app: "live", root: folder.path)
        writer.add(library)
        let settings = RecordingSettings(format: .flv, batchMilliseconds: 0)
        let recorder = Recorder(app: "live", stream: "show", settings: settings, library: library, writer: writer)
        let log = LiveLog()
        for number in 0..<300 {
            log.frame(10_000, at: Int64(number) * 40, keyframe: number == 0)
            log.tell(recorder)
        }
        recorder.finish(.ended)
        #expect(writer.close(within: 10_000))
        #expect(events.failures.map(\.code) == ["disk_full"])
        let again = Events()
        let next = self.writer(again)
        next.add(RecordingLibrary(app: "live", root: folder.path))
        #expect(next.close(within: 10_000))
        let entries = events.finished + again.recovered
        #expect(entries.count == 1 && (entries[0].bytes - Int64(LiveLog.prologue(1).count)) % 10_000 == 0)
        #expect(entries[0].bytes > 500_000)
    }
}
