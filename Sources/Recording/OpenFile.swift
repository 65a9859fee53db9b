/// A file that the disk thread is writing.
struct OpenFile {
    let descriptor: Int32
    /// The stream's own folder, whole.
    let home: String
    /// The file's path below it.
    let name: String
    /// What the index will say, as far as it is known.
    var entry: IndexEntry
    /// Where the next byte goes: the end of the last whole frame.
    var offset: Int64 = 0
    /// Nothing but what every file of the stream begins with lies before it.
    var prologueEnd: Int64 = 0
    /// Up to where the system has been told to write back, and up to where it has been told to forget.
    var writtenBack: Int64 = 0
    var forgotten: Int64 = 0

    /// Bytes after which write-back is begun. A file is then never more than this away from the disk, so that neither
    /// its end nor the kernel's own timer makes one long burst; smaller, and the disk sees many short writes.
    static let window: Int64 = 2 << 20

    var path: String { home + "/" + name }
    var unfinished: String { UnfinishedName.unfinished(path) }
    var note: String { UnfinishedName.note(unfinished) }

    var folder: String { OpenFile.folder(of: path) }

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Nobody misses it.
    var isEmpty: Bool { offset <= prologueEnd }

    /// It has been written.
    mutating func accept(_ append: FileAppend) {
        offset += Int64(append.bytes)
        entry.lastSequence = append.lastSequence
        entry.duration = max(entry.duration, append.duration)
    }

    /// Spreads the write-back over the file's life, and keeps recordings from pushing everything else out of memory.
    mutating func spreadWriteBack(_ disk: any Disk) {
        guard offset - writtenBack >= OpenFile.window else { return }
        // What was begun a window ago is clean by now; what is not stays until the next turn.
        if writtenBack > forgotten {
            disk.dropCache(descriptor, at: forgotten, count: writtenBack - forgotten)
            forgotten = max(forgotten, writtenBack - OpenFile.window)
        }
        disk.startWriteBack(descriptor, at: writtenBack, count: offset - writtenBack)
        writtenBack = offset
    }
}
