import Glibc

@testable import Recording

/// A file system in memory that fails when told to. What it holds survives its writers, as after a crash.
final class MemoryDisk: Disk, @unchecked Sendable {
    struct Node {
        var bytes: [UInt8] = []
        var isOpen = false
        var modified: Int64 = 0
    }

    struct State {
        var files: [String: Node] = [:]
        var folders: Set<String> = []
        var open: [Int32: String] = [:]
        var nextDescriptor: Int32 = 100
        var clock: Int64 = 1_700_000_000_000_000
        /// Bytes that fit; nil for as many as there are.
        var room: Int64?
        var free: Int64 = 1 << 40
        var failing: [DiskError.Operation: Int32] = [:]
        /// The most that one write takes.
        var writeLimit = Int.max
        var writes = 0
        var syncs: [String] = []
        var isStuck = false
    }

    // Behind a lock: the disk thread and the test both look at it.
    private let state = Monitor(State())

    func with<Result>(_ body: (inout State) -> Result) -> Result {
        defer { state.signal() }
        return state.with(body)
    }

    var finished: [String: [UInt8]] {
        with { state in
            state.files.filter { path, _ in
                [".flv", ".ts", ".mp4"].contains { path.hasSuffix($0) } && !path.contains(UnfinishedName.mark + ".")
            }.mapValues(\.bytes)
        }
    }

    /// The process is gone: nothing is open any more.
    func crash() {
        with { state in
            state.open = [:]
            for path in state.files.keys { state.files[path]?.isOpen = false }
        }
    }

    private func check(_ operation: DiskError.Operation, _ path: String) throws(DiskError) {
        if let code = with({ $0.failing[operation] }) { throw DiskError(operation, path, code) }
    }

    func makeFolder(_ path: String) throws(DiskError) {
        try check(.makeFolder, path)
        with { _ = $0.folders.insert(path) }
    }

    func create(_ path: String) throws(DiskError) -> Int32 {
        try check(.create, path)
        let descriptor = with { state -> Int32? in
            guard state.files[path] == nil else { return nil }
            state.files[path] = Node(isOpen: true, modified: state.clock)
            state.nextDescriptor += 1
            state.open[state.nextDescriptor] = path
            return state.nextDescriptor
        }
        guard let descriptor else { throw DiskError(.create, path, EEXIST) }
        return descriptor
    }

    func write(_ file: Int32, _ vectors: UnsafeBufferPointer<iovec>, at offset: Int64) throws(DiskError) -> Int {
        while state.wait(milliseconds: 10_000, { $0.isStuck ? nil : true }) == nil {}
        try check(.write, "")
        var bytes: [UInt8] = []
        for vector in vectors { bytes += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len) }
        let taken = with { state -> Int? in
            guard let path = state.open[file] else { return nil }
            var count = min(bytes.count, state.writeLimit)
            if let room = state.room {
                count = min(count, Int(room))
                guard count > 0 else { return nil }
                state.room = room - Int64(count)
            }
            state.writes += 1
            precondition(state.files[path]!.bytes.count == Int(offset), "files are written from end to end")
            state.files[path]!.bytes += bytes[..<count]
            state.files[path]!.modified = state.clock
            return count
        }
        guard let taken else { throw DiskError(.write, "", ENOSPC) }
        return taken
    }

    func truncate(_ file: Int32, to size: Int64) throws(DiskError) {
        with { state in
            guard let path = state.open[file] else { return }
            state.files[path]!.bytes.removeLast(state.files[path]!.bytes.count - Int(size))
        }
    }

    func startWriteBack(_ file: Int32, at offset: Int64, count: Int64) {}
    func dropCache(_ file: Int32, at offset: Int64, count: Int64) {}

    func sync(_ file: Int32) throws(DiskError) {
        try check(.sync, "")
        with { state in if let path = state.open[file] { state.syncs.append(path) } }
    }

    func close(_ file: Int32) {
        with { state in
            if let path = state.open.removeValue(forKey: file) { state.files[path]?.isOpen = false }
        }
    }

    func rename(_ path: String, to other: String) throws(DiskError) {
        try check(.rename, other)
        let moved = with { state -> Bool in
            guard state.files[other] == nil, let node = state.files.removeValue(forKey: path) else { return false }
            state.files[other] = node
            return true
        }
        if !moved { throw DiskError(.rename, other, EEXIST) }
    }

    func isOneFile(_ path: String, _ other: String) -> Bool { false }
    func syncFolder(_ path: String) throws(DiskError) { try check(.syncFolder, path) }
    func exists(_ path: String) -> Bool { with { $0.files[path] != nil } }
    func isBeingWritten(_ path: String) -> Bool { with { $0.files[path]?.isOpen ?? false } }

    func entries(_ folder: String) throws(DiskError) -> [DiskEntry] {
        try check(.list, folder)
        return with { state in
            var entries: [String: DiskEntry] = [:]
            for (path, node) in state.files where path.hasPrefix(folder + "/") {
                let rest = path.dropFirst(folder.count + 1).split(separator: "/")
                let name = String(rest[0])
                entries[name] =
                    rest.count == 1
                    ? DiskEntry(name: name, kind: .file, bytes: Int64(node.bytes.count), modified: node.modified)
                    : DiskEntry(name: name, kind: .folder)
            }
            return Array(entries.values)
        }
    }

    func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
        try check(.read, path)
        guard let bytes = with({ $0.files[path]?.bytes }) else { throw DiskError(.read, path, ENOENT) }
        return Array(bytes.prefix(limit))
    }

    func read(
        _ path: String, at offset: Int64, into room: UnsafeMutableRawBufferPointer
    ) throws(DiskError) -> Int {
        let bytes = try read(path, limit: .max).dropFirst(Int(offset)).prefix(room.count)
        room.copyBytes(from: bytes)
        return bytes.count
    }

    func cut(_ path: String, to size: Int64) throws(DiskError) {
        with { $0.files[path]!.bytes.removeLast($0.files[path]!.bytes.count - Int(size)) }
    }

    func append(_ bytes: [UInt8], to path: String) throws(DiskError) {
        try check(.append, path)
        with { $0.files[path, default: Node()].bytes += bytes }
    }

    func replace(_ path: String, with bytes: [UInt8]) throws(DiskError) {
        try check(.replace, path)
        with { $0.files[path, default: Node()].bytes = bytes }
    }

    func remove(_ path: String) throws(DiskError) {
        try check(.remove, path)
        let node = with { state -> Node? in
            let node = state.files.removeValue(forKey: path)
            if let node { state.free += Int64(node.bytes.count) }
            return node
        }
        if node == nil { throw DiskError(.remove, path, ENOENT) }
    }

    func removeFolder(_ path: String) {}
    func freeBytes(_ path: String) throws(DiskError) -> Int64 { with { $0.free } }
    func now() -> Int64 { with { $0.clock } }
}
