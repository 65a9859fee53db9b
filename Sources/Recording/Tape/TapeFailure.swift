/// Why a stream's window is not kept any more for a while. Nothing live is touched by it.
import Glibc

public enum TapeFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case disk(DiskError)
    /// More waited for the disk, of the stream or of all, than may.
    case tooSlow(limit: Int)
    /// The file system has less left than it is to have, and there was nothing more to delete.
    case belowFloor(minimum: Int64)

    public var description: String {
        switch self {
        case .disk(let error) where error.isFull:
            "the disk is full; free space, shorten rewind.window, or set rewind.min_free"
        case .disk(let error):
            "\(error.operation.rawValue) \(error.path): \(String(cString: strerror(error.code))); "
                + "see to it that rewind.path is a folder that the server may write to"
        case .tooSlow(let limit):
            "the disk is too slow: more than \(limit) bytes waited for it; use a faster disk, or keep fewer streams"
        case .belowFloor(let minimum):
            "the file system of rewind.path has less free than rewind.min_free (\(minimum)), and nothing of the stream "
                + "is left to delete; free space, or lower it"
        }
    }

    /// A word for it.
    public var code: String {
        switch self {
        case .disk(let error): error.word
        case .tooSlow: "disk_slow"
        case .belowFloor: "low_space"
        }
    }
}
