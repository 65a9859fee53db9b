/// Libraries on the disk thread: what a start finds, what retention deletes, and what is listed.
import Glibc

extension DiskWorker {
    /// Folders that a start looks into: a million files in folders by the day are far fewer.
    private static let maxFolders = 200_000
    private static let maxDepth = 2 * FilePattern.maxComponents
    /// Files that go at once: deleting a large one takes a while, and recordings wait.
    private static let deletionsAtOnce = 100

    // MARK: Start

    func add(_ library: RecordingLibrary) {
        guard !libraries.contains(where: { $0 === library }) else { return }
        libraries.append(library)
        do {
            try disk.makeFolder(library.root)
        } catch {
            return tell(library, .warning("record.path: \(error)"))
        }
        var found = Found()
        walk(library.root, depth: 0, &found)
        if found.isCut {
            tell(library, .warning("\(library.root) has more than \(DiskWorker.maxFolders) folders; not all were read"))
        }
        for home in found.indexes { load(home, library, found) }
        for path in found.unfinished.keys.sorted() { adopt(path, library, found) }
        for note in found.notes.sorted() { settleNote(note, library, found) }
        keep(library, now: disk.now())
    }

    /// The applications whose recordings lie below `root`, as indexes and notes tell.
    func findApps(below root: String) -> [String] {
        var found = Found()
        walk(root, depth: 0, &found)
        var apps = Set(found.notes.compactMap { readNote($0)?.app })
        for home in found.indexes {
            guard let entries = try? LibraryIndex.load(disk, home).entries else { continue }
            apps.formUnion(entries.map(\.app))
        }
        return apps.sorted()
    }

    func remove(_ library: RecordingLibrary) { libraries.removeAll { $0 === library } }

    func setLimits(_ limits: RetentionPlan.Limits, of library: RecordingLibrary) {
        library.limits = limits
        if libraries.contains(where: { $0 === library }) { keep(library, now: disk.now()) }
    }

    private struct Found {
        var folders = 0
        var isCut = false
        var indexes: [String] = []
        var unfinished: [String: DiskEntry] = [:]
        var notes: [String] = []
        var files: Set<String> = []
    }

    private func walk(_ folder: String, depth: Int, _ found: inout Found) {
        guard depth < DiskWorker.maxDepth, found.folders < DiskWorker.maxFolders else {
            found.isCut = true
            return
        }
        found.folders += 1
        // A folder that cannot be read counts as not looked into: nothing in it is taken for missing.
        guard let entries = try? disk.entries(folder) else {
            found.isCut = true
            return
        }
        for entry in entries.sorted(by: { $0.name < $1.name }) {
            let path = folder + "/" + entry.name
            switch entry.kind {
            case .folder: walk(path, depth: depth + 1, &found)
            case .other: continue
            case .file where entry.name == LibraryIndex.name: found.indexes.append(folder)
            case .file where entry.name.hasSuffix(UnfinishedName.mark + "." + UnfinishedName.noteExtension):
                found.notes.append(path)
            case .file where UnfinishedName.recovered(path) != nil: found.unfinished[path] = entry
            case .file: found.files.insert(path)
            }
        }
    }

    /// Reads an index, and repairs it: torn lines go, and those of files that are no more.
    private func load(_ home: String, _ library: RecordingLibrary, _ found: Found) {
        do {
            let index = try LibraryIndex.load(disk, home)
            let there = index.entries.filter { found.isCut || found.files.contains(home + "/" + $0.file) }
            if !index.isClean || there.count < index.entries.count { try LibraryIndex.rewrite(disk, home, there) }
            for entry in there where entry.app == library.app { library.store(entry, home: home) }
        } catch {
            library.torn.insert(home)
            tell(library, .warning("the index in \(home) is not repaired: \(error)"))
        }
    }

    /// Finishes what a crash has left, unless another process is writing it, or another application's library has it.
    private func adopt(_ path: String, _ library: RecordingLibrary, _ found: Found) {
        guard let entry = found.unfinished[path], let recovered = UnfinishedName.recovered(path),
            !disk.isBeingWritten(path)
        else { return }
        let note = noteLine(beside: path)
        guard note == nil || note?.app == library.app else { return }
        let home = note.map { self.home(of: recovered.path, $0.file) } ?? OpenFile.folder(of: path)
        let name = String(recovered.path.dropFirst(home.count + 1))
        do {
            guard entry.bytes > 0 else {
                try disk.remove(path)
                return
            }
            var line =
                note
                ?? IndexEntry(
                    file: name, format: recovered.format, app: library.app, stream: "", start: entry.modified,
                    finished: entry.modified, epoch: 0, firstSequence: 0)
            line.duration = max(0, entry.modified - line.finished) / 1000
            line.finished = entry.modified
            line.bytes = try cutTornFrame(path, recovered.format, entry.bytes)
            line.reason = .recovered
            if disk.isOneFile(path, recovered.path) {
                // The crash came in the middle of its renaming.
                try disk.remove(path)
                line.file = name
            } else {
                line.file = try settle(path, as: name, in: home)
            }
            if library.files[home + "/" + line.file] == nil { try record(line, home: home, library) }
            if note != nil { try? disk.remove(UnfinishedName.note(path)) }
            tell(library, stream: line.stream, .recovered(path: home + "/" + line.file, line))
        } catch {
            tell(library, .warning("\(path) is left unfinished: \(error)"))
        }
    }

    /// Without the half frame that the crash has left at the end of a file; returns how much is there then.
    private func cutTornFrame(_ path: String, _ format: RecordingFormat, _ size: Int64) throws(DiskError) -> Int64 {
        let end = try WholeFrames.end(of: format, size: size) { [disk] (offset, count) throws(DiskError) in
            try disk.read(path, at: offset, count: count)
        }
        guard let end, end < size else { return size }
        try disk.cut(path, to: end)
        return end
    }

    /// A note without its file: the crash came between the renaming and the index, or at the very start.
    private func settleNote(_ path: String, _ library: RecordingLibrary, _ found: Found) {
        guard let line = readNote(path), line.app == library.app else { return }
        let unfinished = path.dropLast(UnfinishedName.noteExtension.count) + line.format.fileExtension
        // Still there: adopted by now and the note gone with it, or being written.
        guard !disk.exists(String(unfinished)), let own = UnfinishedName.recovered(String(unfinished)) else { return }
        let home = self.home(of: own.path, line.file)
        do {
            if library.files[own.path] == nil, disk.exists(own.path),
                let file = try disk.entries(OpenFile.folder(of: own.path)).first(where: {
                    own.path.hasSuffix("/" + $0.name)
                })
            {
                var entry = line
                entry.duration = max(0, file.modified - line.finished) / 1000
                entry.finished = file.modified
                entry.bytes = file.bytes
                entry.reason = .recovered
                try record(entry, home: home, library)
                tell(library, stream: entry.stream, .recovered(path: own.path, entry))
            }
            try disk.remove(path)
        } catch {
            // It may have gone with the file that it was of.
            if !error.isMissing { tell(library, .warning("\(path): \(error)")) }
        }
    }

    private func noteLine(beside unfinished: String) -> IndexEntry? { readNote(UnfinishedName.note(unfinished)) }

    private func readNote(_ path: String) -> IndexEntry? {
        guard let bytes = try? disk.read(path, limit: 64 << 10) else { return nil }
        return LibraryIndex.parse(bytes).entries.first
    }

    /// The folder that `name` is below of, given where it lies; a note that does not fit counts for nothing.
    private func home(of path: String, _ name: String) -> String {
        path.hasSuffix("/" + name) ? String(path.dropLast(name.count + 1)) : OpenFile.folder(of: path)
    }

    // MARK: Retention

    /// Keeps the library to its limits; recordings are stopped only when deleting was not enough.
    func keep(_ library: RecordingLibrary, now: Int64) {
        guard !library.limits.isNone else { return }
        let lanes = lanes(in: library)
        var files = library.files.map { path, file in
            RetentionPlan.File(path: path, bytes: file.bytes, finished: file.finished)
        }
        files += lanes.compactMap(\.file).map {
            RetentionPlan.File(path: $0.unfinished, bytes: $0.offset, finished: now, isOpen: true)
        }
        let free = library.limits.minFree.flatMap { _ in try? disk.freeBytes(library.root) }
        let plan = RetentionPlan.choose(files, now: now, limits: library.limits, free: free)
        delete(plan.prefix(DiskWorker.deletionsAtOnce), from: library)
        guard plan.count <= DiskWorker.deletionsAtOnce, let shortage = measure(library) else { return }
        for lane in lanes { stop(lane, shortage) }
    }

    /// Whether there is no room for another file, even after deleting what may be deleted.
    func shortage(in library: RecordingLibrary) -> RecordingFailure? {
        guard measure(library) != nil else { return nil }
        keep(library, now: disk.now())
        return measure(library)
    }

    private func measure(_ library: RecordingLibrary) -> RecordingFailure? {
        guard let minimum = library.limits.minFree, let free = try? disk.freeBytes(library.root), free < minimum else {
            return nil
        }
        return .belowFloor(folder: library.root, free: free, minimum: minimum)
    }

    private func delete(_ deletions: ArraySlice<RetentionPlan.Deletion>, from library: RecordingLibrary) {
        var gone: [String: Set<String>] = [:]
        var refusal: String?
        for deletion in deletions {
            let path = deletion.file.path
            guard let file = library.files[path] else { continue }
            do {
                try disk.remove(path)
            } catch {
                // Somebody else's deletion is as good.
                guard error.isMissing else {
                    refusal = "retention: \(error)"
                    continue
                }
            }
            library.files[path] = nil
            gone[file.home, default: []].insert(file.name)
            removeEmptyFolders(from: OpenFile.folder(of: path), to: file.home)
            tell(library, .deleted(path: path, bytes: file.bytes, deletion.cause))
        }
        for (home, names) in gone.sorted(by: { $0.key < $1.key }) { strike(names, home, library) }
        warn(library, about: "retention", refusal)
    }

    private func removeEmptyFolders(from folder: String, to home: String) {
        var folder = folder
        while folder.count > home.count {
            disk.removeFolder(folder)
            folder = OpenFile.folder(of: folder)
        }
    }

    private func strike(_ names: Set<String>, _ home: String, _ library: RecordingLibrary) {
        do {
            let index = try LibraryIndex.load(disk, home)
            try LibraryIndex.rewrite(disk, home, index.entries.filter { !names.contains($0.file) })
            library.torn.remove(home)
            warn(library, about: home, nil)
        } catch {
            // Lines of files that are no more go at the next start.
            warn(library, about: home, "the index in \(home) is not rewritten: \(error)")
        }
    }

    // MARK: Listing

    func list(
        app: String, stream: String, pattern: FilePattern, in library: RecordingLibrary, limit: Int,
        reply: (Result<[IndexEntry], DiskError>) -> Void
    ) {
        let values = FilePattern.Values(app: app, stream: stream, start: 0, number: 1, epoch: 0, format: .flv)
        let below = pattern.path(values).home
        let home = below.isEmpty ? library.root : library.root + "/" + below
        do {
            let entries = try LibraryIndex.load(disk, home).entries
            reply(.success(entries.filter { $0.app == app && $0.stream == stream }.suffix(max(0, limit))))
        } catch {
            reply(.failure(error))
        }
    }
}
