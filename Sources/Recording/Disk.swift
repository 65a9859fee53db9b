/// What the disk thread asks of a file system. Two of them: the machine's, and one in the tests that fails on purpose.
///
/// Every call may block; none is made on a loop. Paths are whole.
import Glibc

public protocol Disk: Sendable {
    /// With those above it.
    func makeFolder(_ path: String) throws(DiskError)
    /// A new file to write, locked so that other processes see that somebody writes it; fails if there is one.
    func create(_ path: String) throws(DiskError) -> Int32
    /// Returns how many bytes were written, at least one.
    func write(_ file: Int32, _ vectors: UnsafeBufferPointer<iovec>, at offset: Int64) throws(DiskError) -> Int
    func truncate(_ file: Int32, to size: Int64) throws(DiskError)
    /// Begins to write pages back, and does not wait for them.
    func startWriteBack(_ file: Int32, at offset: Int64, count: Int64)
    /// These pages will not be read soon.
    func dropCache(_ file: Int32, at offset: Int64, count: Int64)
    /// Returns when the disk has it.
    func sync(_ file: Int32) throws(DiskError)
    func close(_ file: Int32)
    /// Never replaces a file: `.exists` if there is one.
    func rename(_ path: String, to other: String) throws(DiskError)
    /// Two names of one file: what a crash in the middle of `rename` leaves.
    func isOneFile(_ path: String, _ other: String) -> Bool
    func syncFolder(_ path: String) throws(DiskError)
    func exists(_ path: String) -> Bool
    /// Whether a process has it from `create` and has not closed it.
    func isBeingWritten(_ path: String) -> Bool
    func entries(_ folder: String) throws(DiskError) -> [DiskEntry]
    /// The whole of a small file.
    func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8]
    /// Some bytes of a file, as many as there are and room is. Returns how many.
    func read(_ path: String, at offset: Int64, into room: UnsafeMutableRawBufferPointer) throws(DiskError) -> Int
    /// A file that nobody writes.
    func cut(_ path: String, to size: Int64) throws(DiskError)
    /// At the file's end, made if need be, and on the disk when it returns.
    func append(_ bytes: [UInt8], to path: String) throws(DiskError)
    /// All or nothing, and on the disk when it returns.
    func replace(_ path: String, with bytes: [UInt8]) throws(DiskError)
    func remove(_ path: String) throws(DiskError)
    /// If it is empty.
    func removeFolder(_ path: String)
    /// Bytes that this process may still use.
    func freeBytes(_ path: String) throws(DiskError) -> Int64
    /// Microseconds of Unix time.
    func now() -> Int64
}

extension Disk {
    /// A part of a file; less of it than asked for at its end.
    func read(_ path: String, at offset: Int64, count: Int) throws(DiskError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Not rethrown by way of the closure, which would lose the error's type.
        let result = bytes.withUnsafeMutableBytes { room in
            Result { () throws(DiskError) in try read(path, at: offset, into: room) }
        }
        return Array(bytes[..<(try result.get())])
    }
}

public struct DiskEntry: Sendable, Equatable {
    public enum Kind: Sendable { case file, folder, other }

    public var name: String
    public var kind: Kind
    public var bytes: Int64
    /// Microseconds of Unix time.
    public var modified: Int64

    public init(name: String, kind: Kind, bytes: Int64 = 0, modified: Int64 = 0) {
        self.name = name
        self.kind = kind
        self.bytes = bytes
        self.modified = modified
    }
}

/// A call to the file system that failed.
public struct DiskError: Error, Equatable, CustomStringConvertible {
    public enum Operation: String, Sendable {
        case makeFolder = "make the folder"
        case create, write, truncate, sync, rename
        case syncFolder = "sync the folder"
        case list, read, append, replace, remove
        case freeBytes = "ask for the free space of"
    }

    public var operation: Operation
    public var path: String
    /// As `errno` has it.
    public var code: Int32

    public init(_ operation: Operation, _ path: String, _ code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    public var exists: Bool { code == EEXIST }
    public var isMissing: Bool { code == ENOENT }
    public var isFull: Bool { code == ENOSPC || code == EDQUOT }

    /// A word for counters and for the API.
    public var word: String { isFull ? "disk_full" : "disk_error" }

    public var description: String {
        let place = path.isEmpty ? "" : " " + path
        return "cannot \(operation.rawValue)\(place): \(advice)"
    }

    /// What is wrong, and what to do.
    private var advice: String {
        switch code {
        case ENOSPC: "the disk is full; free space, lower record.keep_bytes or raise record.min_free"
        case EDQUOT: "the disk quota of the server's user is used up; raise it or lower record.keep_bytes"
        case EFBIG: "the file is larger than the file system or the process limit allows; set record.size"
        case EACCES, EPERM: "permission denied; let the server's user write to record.path"
        case EROFS: "the file system is read-only; remount it for writing, and see the kernel's log for a reason"
        case EIO: "the disk reports an input or output error; see the kernel's log, and replace the disk"
        case ENOENT: "it does not exist; is the disk of record.path mounted?"
        case ENOTDIR: "a file lies where a folder is needed; move it away or change record.path"
        case ENAMETOOLONG: "the name is too long for the file system; shorten record.path or record.pattern"
        case EMFILE, ENFILE: "too many open files; raise the limit of open files (LimitNOFILE)"
        case EEXIST: "it exists already, and so do all names like it; move old recordings away"
        case ESTALE: "the network file system no longer knows it; remount it"
        default: String(cString: strerror(code)) + " (errno \(code))"
        }
    }
}
