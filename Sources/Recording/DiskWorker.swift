/// The disk thread's own: performs jobs, one after the other, and may wait for the disk as long as it takes.
///
/// Confined to the thread that turns the writer. A recording that fails is closed here, with every whole frame that the
/// disk took; nothing of one recording's failure reaches another.
import Glibc

final class DiskWorker {
    let disk: any Disk
    private let onEvent: DiskWriter.EventSink
    unowned(unsafe) var writer: DiskWriter!

    /// With a file that is being written.
    private(set) var open: [ObjectIdentifier: RecordingLane] = [:]
    var libraries: [RecordingLibrary] = []
    private var lastTick: Int64?
    /// Warnings that are not repeated until they have passed.
    private var warned: Set<String> = []

    /// The most that one call takes on Linux (`IOV_MAX`).
    private static let vectorCount = 1024
    private let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: vectorCount)
    /// Files of one name that are told apart by a number, before a recording gives up.
    private static let maxSuffix = 1000
    /// Microseconds between two looks at free space and retention.
    private static let tickInterval: Int64 = 5_000_000

    init(_ disk: any Disk, onEvent: @escaping DiskWriter.EventSink) {
        self.disk = disk
        self.onEvent = onEvent
    }

    deinit { vectors.deallocate() }

    func perform(_ work: DiskWriter.Work) {
        switch work {
        case .task(let task): task(self)
        case .appends(let lane, let appends): append(appends, to: lane)
        case .job(let lane, .open(let opening)): begin(opening, on: lane)
        case .job(let lane, .finish(let reason)): finish(lane, reason)
        case .job(let lane, .abort): abort(lane)
        case .job(let lane, .append(let append)): self.append([append], to: lane)
        case .end: break
        }
    }

    // MARK: A file's life

    private func begin(_ opening: FileOpening, on lane: RecordingLane) {
        precondition(lane.file == nil, "a recording writes one file at a time")
        let waiting = opening.prologue.count
        if let shortage = shortage(in: lane.library) {
            writer.release(waiting, written: 0, of: lane)
            return writer.fail(lane, shortage)
        }
        do throws(DiskError) {
            var file = try create(opening, on: lane)
            do throws(DiskError) {
                try write(opening.prologue, to: &file)
            } catch {
                discard(file)
                throw error
            }
            lane.file = file
            open[ObjectIdentifier(lane)] = lane
            writer.moved(lane, to: file.unfinished)
            writer.release(waiting, written: Int64(waiting), of: lane)
            tell(lane, .opened(path: file.unfinished))
        } catch {
            writer.release(waiting, written: 0, of: lane)
            writer.fail(lane, .disk(error.at(lane.library.root)))
        }
    }

    private func create(_ opening: FileOpening, on lane: RecordingLane) throws(DiskError) -> OpenFile {
        let values = opening.values
        let names = lane.settings.pattern.path(values)
        let home = names.home.isEmpty ? lane.library.root : lane.library.root + "/" + names.home
        try disk.makeFolder(OpenFile.folder(of: home + "/" + names.file))
        for suffix in 1...DiskWorker.maxSuffix {
            let name = UnfinishedName.finished(names.file, suffix: suffix)
            let path = home + "/" + name
            guard !disk.exists(path) else { continue }
            let descriptor: Int32
            do {
                descriptor = try disk.create(UnfinishedName.unfinished(path))
            } catch {
                guard error.exists else { throw error }
                continue
            }
            let entry = IndexEntry(
                file: name, format: values.format, app: lane.app, stream: lane.stream, start: values.start,
                finished: disk.now(), epoch: values.epoch, firstSequence: opening.firstSequence,
                lastSequence: opening.firstSequence, tracks: opening.tracks)
            let file = OpenFile(descriptor: descriptor, home: home, name: name, entry: entry)
            do {
                // Without it the file would be adopted all the same, only without its times and numbers.
                try disk.replace(file.note, with: Array((entry.line + "\n").utf8))
            } catch {
                discard(file)
                throw error
            }
            return file
        }
        throw DiskError(.create, home + "/" + names.file, EEXIST)
    }

    private func discard(_ file: OpenFile) {
        disk.close(file.descriptor)
        try? disk.remove(file.unfinished)
        try? disk.remove(file.note)
    }

    private func append(_ appends: [FileAppend], to lane: RecordingLane) {
        let waiting = appends.reduce(0) { $0 + $1.bytes }
        guard var file = lane.file else { return writer.release(waiting, written: 0, of: lane) }
        let start = file.offset
        do {
            try write(appends, to: &file)
            file.spreadWriteBack(disk)
            lane.file = file
            writer.release(waiting, written: file.offset - start, of: lane)
        } catch {
            lane.file = file
            writer.release(waiting, written: file.offset - start, of: lane)
            let failure = RecordingFailure.disk(error.at(file.unfinished))
            writer.fail(lane, failure)
            finish(lane, .failed)
        }
    }

    func finish(_ lane: RecordingLane, _ reason: EndReason) {
        guard let file = take(lane) else { return }
        guard !file.isEmpty else {
            discard(file)
            return tell(lane, .dropped(path: file.unfinished))
        }
        var entry = file.entry
        entry.reason = reason
        do {
            try complete(file, &entry, lane.library)
            writer.moved(lane, to: nil, finished: 1)
            tell(lane, .finished(path: file.home + "/" + entry.file, entry))
        } catch {
            // Whatever it is called now, its note is there: it is adopted at the next start.
            writer.fail(lane, .disk(error.at(file.unfinished)))
        }
    }

    private func complete(
        _ file: OpenFile, _ entry: inout IndexEntry, _ library: RecordingLibrary
    ) throws(DiskError) {
        do {
            defer { disk.close(file.descriptor) }
            try disk.sync(file.descriptor)
            disk.dropCache(file.descriptor, at: 0, count: file.offset)
        }
        entry.bytes = file.offset
        entry.finished = disk.now()
        entry.file = try settle(file.unfinished, as: file.name, in: file.home)
        try record(entry, home: file.home, library)
        try? disk.remove(file.note)
    }

    /// Gives a complete file its own name, or one like it. Returns its path below `home`.
    func settle(_ unfinished: String, as name: String, in home: String) throws(DiskError) -> String {
        for suffix in 1...DiskWorker.maxSuffix {
            let own = UnfinishedName.finished(name, suffix: suffix)
            do {
                try disk.rename(unfinished, to: home + "/" + own)
            } catch {
                guard error.exists else { throw error }
                continue
            }
            try disk.syncFolder(OpenFile.folder(of: unfinished))
            return own
        }
        throw DiskError(.rename, home + "/" + name, EEXIST)
    }

    func record(_ entry: IndexEntry, home: String, _ library: RecordingLibrary) throws(DiskError) {
        do {
            try LibraryIndex.append(disk, home, entry, afterTorn: library.torn.contains(home))
        } catch {
            library.torn.insert(home)
            throw error
        }
        library.torn.remove(home)
        library.store(entry, home: home)
    }

    private func abort(_ lane: RecordingLane) {
        guard let file = take(lane) else { return }
        discard(file)
        tell(lane, .dropped(path: file.unfinished))
    }

    private func take(_ lane: RecordingLane) -> OpenFile? {
        defer { lane.file = nil }
        open[ObjectIdentifier(lane)] = nil
        writer.moved(lane, to: nil)
        return lane.file
    }

    func finishAll(_ reason: EndReason) {
        for lane in open.values.sorted(by: { ($0.app, $0.stream) < ($1.app, $1.stream) }) { finish(lane, reason) }
    }

    // MARK: Bytes

    private func write(_ bytes: [UInt8], to file: inout OpenFile) throws(DiskError) {
        var at = 0
        while at < bytes.count {
            at += try write(bytes, from: at, file.descriptor, at: file.offset + Int64(at)).get()
        }
        file.offset += Int64(bytes.count)
        file.prologueEnd = file.offset
    }

    private func write(_ bytes: [UInt8], from at: Int, _ descriptor: Int32, at offset: Int64) -> Result<Int, DiskError>
    {
        bytes.withUnsafeBytes { buffer in
            vectors[0] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress! + at), iov_len: buffer.count - at)
            let vector = UnsafeBufferPointer(rebasing: vectors[..<1])
            return Result { () throws(DiskError) in try disk.write(descriptor, vector, at: offset) }
        }
    }

    /// On an error the file ends with the last batch that is there whole, so with a whole frame.
    private func write(_ appends: [FileAppend], to file: inout OpenFile) throws(DiskError) {
        var position = file.offset
        var end = position
        do {
            var cursor = PieceCursor(appends)
            while true {
                let count = cursor.gather(into: vectors)
                guard count > 0 else { break }
                let vectors = UnsafeBufferPointer(rebasing: vectors[..<count])
                let written = try disk.write(file.descriptor, vectors, at: position)
                precondition(written > 0, "a disk that takes nothing says why")
                position += Int64(written)
                cursor.advance(by: written)
            }
            for append in appends { file.accept(append) }
        } catch {
            for append in appends {
                end += Int64(append.bytes)
                guard end <= position else { break }
                file.accept(append)
            }
            try? disk.truncate(file.descriptor, to: file.offset)
            throw error
        }
    }

    // MARK: The clock

    /// From time to time: free space, then retention, then free space again for those that are left.
    func tick() {
        let now = disk.now()
        if let last = lastTick, now >= last, now - last < DiskWorker.tickInterval { return }
        lastTick = now
        for library in libraries { keep(library, now: now) }
    }

    func lanes(in library: RecordingLibrary) -> [RecordingLane] {
        open.values.filter { $0.library === library }.sorted { $0.stream < $1.stream }
    }

    func stop(_ lane: RecordingLane, _ failure: RecordingFailure) {
        writer.fail(lane, failure)
        finish(lane, .failed)
    }

    // MARK: Events

    private func tell(_ lane: RecordingLane, _ kind: RecordingEvent.Kind) {
        onEvent(RecordingEvent(app: lane.app, stream: lane.stream, kind: kind))
    }

    func tell(_ library: RecordingLibrary, stream: String = "", _ kind: RecordingEvent.Kind) {
        onEvent(RecordingEvent(app: library.app, stream: stream, kind: kind))
    }

    /// Once, until `isWrong` has been false.
    func warn(_ library: RecordingLibrary, about subject: String, _ text: String?) {
        guard let text else {
            warned.remove(library.root + subject)
            return
        }
        if warned.insert(library.root + subject).inserted { tell(library, .warning(text)) }
    }
}

extension DiskError {
    /// The same, with a path where the call knew of none.
    fileprivate func at(_ path: String) -> DiskError { self.path.isEmpty ? DiskError(operation, path, code) : self }
}
