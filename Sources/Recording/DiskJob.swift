/// What a recording asks of the disk thread: the life of its files, one after the other.
enum DiskJob: Sendable {
    case open(FileOpening)
    case append(FileAppend)
    case finish(EndReason)
    /// Let go of the file, and delete it.
    case abort

    /// Memory that waits with it.
    var bytes: Int {
        switch self {
        case .open(let opening): opening.prologue.count
        case .append(let append): append.bytes
        case .finish, .abort: 0
        }
    }
}

/// What is known of a file when it begins.
struct FileOpening: Sendable {
    var values: FilePattern.Values
    var prologue: [UInt8]
    var firstSequence: UInt64
    var tracks: [String]
}

/// Whole frames, and how far the file has come with them.
struct FileAppend: Sendable {
    var pieces: [Piece]
    var bytes: Int
    var lastSequence: UInt64
    /// Milliseconds from the file's first frame to the last of these.
    var duration: Int64
}
