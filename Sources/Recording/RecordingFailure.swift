/// Why a recording stopped by itself. Nothing live is touched by it; its text tells the operator what to do.

public enum RecordingFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file system refused.
    case disk(DiskError)
    /// More waited for the disk than a recording may hold in memory.
    case tooSlow(queued: Int, limit: Int)
    /// The file system has less left than it is to have, and there was nothing more to delete.
    case belowFloor(folder: String, free: Int64, minimum: Int64)
    /// The server is ending, and takes no more.
    case closed

    public var description: String {
        switch self {
        case .disk(let error):
            "recording stopped: \(error)"
        case .tooSlow(let queued, let limit):
            "recording stopped: the disk is too slow, \(queued) bytes waited for it and \(limit) are allowed; "
                + "use a faster disk, record fewer streams, or raise record.queue"
        case .belowFloor(let folder, let free, let minimum):
            "recording stopped: \(folder) has \(free) bytes free, less than record.min_free (\(minimum)); "
                + "free space, lower record.keep_bytes, or lower record.min_free"
        case .closed:
            "recording stopped: the server is ending"
        }
    }

    /// A word for counters and for the API.
    public var code: String {
        switch self {
        case .disk(let error): error.word
        case .tooSlow: "disk_slow"
        case .belowFloor: "low_space"
        case .closed: "closed"
        }
    }
}
