/// The machine's file system.
///
/// Each call reads `errno` in the same expression as the result, before anything can overwrite it.
import Glibc

public struct SystemDisk: Disk {
    public init() {}

    /// Owner writes, everybody reads: recordings are served by other programs too.
    private static let fileMode: mode_t = 0o644
    private static let folderMode: mode_t = 0o755

    /// The result, or what went wrong.
    private static func check(
        _ result: Int, _ operation: DiskError.Operation, _ path: String
    ) throws(DiskError) -> Int {
        guard result < 0 else { return result }
        throw DiskError(operation, path, Int32(truncatingIfNeeded: -result))
    }

    /// Calls again what a signal has interrupted; minus `errno` for what failed.
    private static func call(_ body: () -> Int) -> Int {
        while true {
            let result = body()
            guard result < 0 else { return result }
            let code = errno
            if code != EINTR { return -Int(code) }
        }
    }

    /// What stands in the way of a folder at `path` for good: the first part of it that is there, and no folder.
    public static func obstacle(to path: String) -> String? {
        var part = ""
        for name in path.split(separator: "/") {
            part += "/\(name)"
            var found = stat()
            guard part.withCString({ stat($0, &found) }) == 0 else { return nil }
            if found.st_mode & S_IFMT != S_IFDIR { return part }
        }
        return nil
    }

    // MARK: Files that are written

    public func makeFolder(_ path: String) throws(DiskError) {
        let result = path.withCString { path in SystemDisk.call { Int(mkdir(path, SystemDisk.folderMode)) } }
        switch -result {
        case 0, Int(EEXIST): return
        case Int(ENOENT):
            guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { break }
            try makeFolder(String(path[..<slash]))
            let again = path.withCString { path in SystemDisk.call { Int(mkdir(path, SystemDisk.folderMode)) } }
            guard again != -Int(EEXIST) else { return }
            _ = try SystemDisk.check(again, .makeFolder, path)
            return
        default: break
        }
        _ = try SystemDisk.check(result, .makeFolder, path)
    }

    public func create(_ path: String) throws(DiskError) -> Int32 {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = Int32(try open(path, flags, .create))
        // Goes away with the process, however that ends. Network file systems without locks do without.
        _ = SystemDisk.call { Int(flock(file, LOCK_EX | LOCK_NB)) }
        return file
    }

    private func open(_ path: String, _ flags: Int32, _ operation: DiskError.Operation) throws(DiskError) -> Int {
        let result = path.withCString { path in
            SystemDisk.call { Int(Glibc.open(path, flags, SystemDisk.fileMode)) }
        }
        return try SystemDisk.check(result, operation, path)
    }

    public func write(_ file: Int32, _ vectors: UnsafeBufferPointer<iovec>, at offset: Int64) throws(DiskError) -> Int {
        let result = SystemDisk.call { pwritev(file, vectors.baseAddress, Int32(vectors.count), off_t(offset)) }
        // A disk that takes nothing and says nothing is full, as POSIX would have it.
        return try SystemDisk.check(result == 0 ? -Int(ENOSPC) : result, .write, "")
    }

    public func truncate(_ file: Int32, to size: Int64) throws(DiskError) {
        _ = try SystemDisk.check(SystemDisk.call { Int(ftruncate(file, off_t(size))) }, .truncate, "")
    }

    /// What is dirty Linux begins to write, without waiting, when told that it will not be needed; pages that are still
    /// dirty stay. (`sync_file_range` says the same more plainly, and is not there for Swift to import.)
    public func startWriteBack(_ file: Int32, at offset: Int64, count: Int64) {
        dropCache(file, at: offset, count: count)
    }

    public func dropCache(_ file: Int32, at offset: Int64, count: Int64) {
        _ = posix_fadvise(file, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
    }

    public func sync(_ file: Int32) throws(DiskError) {
        _ = try SystemDisk.check(SystemDisk.call { Int(fsync(file)) }, .sync, "")
    }

    public func close(_ file: Int32) { _ = Glibc.close(file) }

    // MARK: Names

    public func rename(_ path: String, to other: String) throws(DiskError) {
        // A second name never replaces a file, and takes no other file system; the first name goes after it.
        let result = path.withCString { path in
            other.withCString { other in SystemDisk.call { Int(link(path, other)) } }
        }
        switch -result {
        case 0: try remove(path)
        // File systems without second names: looking first is the best that they allow.
        case Int(EPERM), Int(EOPNOTSUPP), Int(ENOSYS), Int(EMLINK):
            guard !exists(other) else { throw DiskError(.rename, other, EEXIST) }
            try renameReplacing(path, other)
        default: _ = try SystemDisk.check(result, .rename, other)
        }
    }

    public func isOneFile(_ path: String, _ other: String) -> Bool {
        var first = stat()
        var second = stat()
        guard lstat(path, &first) == 0, lstat(other, &second) == 0 else { return false }
        return first.st_ino == second.st_ino && first.st_dev == second.st_dev
    }

    private func renameReplacing(_ path: String, _ other: String) throws(DiskError) {
        let result = path.withCString { path in
            other.withCString { other in SystemDisk.call { Int(Glibc.rename(path, other)) } }
        }
        _ = try SystemDisk.check(result, .rename, other)
    }

    public func syncFolder(_ path: String) throws(DiskError) {
        let folder = Int32(try open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, .syncFolder))
        defer { close(folder) }
        let result = SystemDisk.call { Int(fsync(folder)) }
        // Some file systems have nothing to sync there.
        if result != -Int(EINVAL) { _ = try SystemDisk.check(result, .syncFolder, path) }
    }

    public func exists(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0
    }

    public func isBeingWritten(_ path: String) -> Bool {
        guard let file = try? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, .create) else { return false }
        defer { close(Int32(file)) }
        return SystemDisk.call { Int(flock(Int32(file), LOCK_EX | LOCK_NB)) } == -Int(EWOULDBLOCK)
    }

    public func remove(_ path: String) throws(DiskError) {
        let result = path.withCString { path in SystemDisk.call { Int(unlink(path)) } }
        _ = try SystemDisk.check(result, .remove, path)
    }

    public func removeFolder(_ path: String) { _ = rmdir(path) }

    // MARK: Small files

    public func entries(_ folder: String) throws(DiskError) -> [DiskEntry] {
        guard let stream = opendir(folder) else { throw DiskError(.list, folder, errno) }
        defer { closedir(stream) }
        var entries: [DiskEntry] = []
        while let next = readdir(stream) {
            let name = withUnsafePointer(to: &next.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            var information = stat()
            guard fstatat(dirfd(stream), name, &information, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let kind: DiskEntry.Kind =
                switch information.st_mode & S_IFMT {
                case S_IFREG: .file
                case S_IFDIR: .folder
                default: .other
                }
            let modified = Int64(information.st_mtim.tv_sec) * 1_000_000 + Int64(information.st_mtim.tv_nsec) / 1000
            entries.append(DiskEntry(name: name, kind: kind, bytes: Int64(information.st_size), modified: modified))
        }
        return entries
    }

    public func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
        let file = Int32(try open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, .read))
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < limit {
            let wanted = min(chunk.count, limit - bytes.count)
            let result = chunk.withUnsafeMutableBytes { buffer in
                SystemDisk.call { Glibc.read(file, buffer.baseAddress, wanted) }
            }
            let count = try SystemDisk.check(result, .read, path)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    public func read(
        _ path: String, at offset: Int64, into room: UnsafeMutableRawBufferPointer
    ) throws(DiskError) -> Int {
        let file = Int32(try open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, .read))
        defer { close(file) }
        var done = 0
        while done < room.count {
            let result = SystemDisk.call {
                pread(file, room.baseAddress! + done, room.count - done, off_t(offset) + off_t(done))
            }
            let count = try SystemDisk.check(result, .read, path)
            guard count > 0 else { break }
            done += count
        }
        return done
    }

    public func cut(_ path: String, to size: Int64) throws(DiskError) {
        let file = Int32(try open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, .truncate))
        defer { close(file) }
        try truncate(file, to: size)
    }

    public func append(_ bytes: [UInt8], to path: String) throws(DiskError) {
        let file = Int32(try open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, .append))
        defer { close(file) }
        try put(bytes, into: file, .append, path)
    }

    public func replace(_ path: String, with bytes: [UInt8]) throws(DiskError) {
        let fresh = path + ".new"
        let file = Int32(try open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, .replace))
        do {
            defer { close(file) }
            try put(bytes, into: file, .replace, path)
        }
        try renameReplacing(fresh, path)
        if let slash = path.lastIndex(of: "/") { try syncFolder(String(path[..<slash])) }
    }

    private func put(
        _ bytes: [UInt8], into file: Int32, _ operation: DiskError.Operation, _ path: String
    ) throws(DiskError) {
        var at = 0
        while at < bytes.count {
            let result = bytes.withUnsafeBytes { buffer in
                SystemDisk.call { Glibc.write(file, buffer.baseAddress! + at, buffer.count - at) }
            }
            at += try SystemDisk.check(result, operation, path)
        }
        _ = try SystemDisk.check(SystemDisk.call { Int(fsync(file)) }, operation, path)
    }

    // MARK: Space and time

    public func freeBytes(_ path: String) throws(DiskError) -> Int64 {
        var information = statvfs()
        let result = path.withCString { path in SystemDisk.call { Int(statvfs(path, &information)) } }
        _ = try SystemDisk.check(result, .freeBytes, path)
        let (bytes, overflow) = UInt64(information.f_bavail).multipliedReportingOverflow(
            by: UInt64(information.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }

    public func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
