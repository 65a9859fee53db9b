/// One processor's event loop: a libuv loop, its thread and everything confined to it.
///
/// Invariants: every method but `mailbox.post` runs on the loop's own thread. Objects of the loop are not `Sendable`;
/// what other loops want done arrives as a job in the mailbox.
import CSystem
import CUV
import Glibc
import TLS

public final class Loop {
    public let index: Int
    public let mailbox: Mailbox
    /// Where every socket of this loop is read into: nothing of it outlives the callback.
    public let readBuffer: UnsafeMutableRawBufferPointer

    /// Where TLS opens what was read, and seals what is written. Made when the first connection needs them.
    private(set) lazy var tlsBuffers = TLSBuffers()
    var openBuffer: UnsafeMutableBufferPointer<UInt8> { tlsBuffers.open }
    var sealBuffer: UnsafeMutableRawBufferPointer { tlsBuffers.seal }

    let uv: UnsafeMutablePointer<uv_loop_t>
    private var stopping = false

    /// Bytes read from a socket at once; large enough to empty a default receive buffer in one call.
    private static let readBufferSize = 256 * 1024

    public init(index: Int) {
        Loop.checkHeaders
        self.index = index
        uv = .allocate(capacity: 1)
        precondition(uv_loop_init(uv) == 0, "libuv cannot make an event loop; are file descriptors exhausted?")
        readBuffer = .allocate(byteCount: Loop.readBufferSize, alignment: 16)
        mailbox = Mailbox(uv)
        mailbox.attach(self)
    }

    /// What lives on a loop goes before it does; whatever was forgotten keeps the loop's memory, and nothing dangles.
    deinit {
        mailbox.close()
        uv_run(uv, UV_RUN_NOWAIT)
        readBuffer.deallocate()
        if uv_loop_close(uv) == 0 { uv.deallocate() }
    }

    /// Milliseconds of the monotonic clock, as of the start of this turn of the loop.
    public var now: UInt64 { uv_now(uv) }

    /// Milliseconds of the monotonic clock, read afresh.
    public func refreshNow() -> UInt64 {
        uv_update_time(uv)
        return uv_now(uv)
    }

    /// Turns until `stop` is called.
    public func run() {
        while !stopping { uv_run(uv, UV_RUN_DEFAULT) }
    }

    public func stop() {
        stopping = true
        uv_stop(uv)
    }

    /// Turns once without waiting: drives a loop by hand.
    public func turn() { uv_run(uv, UV_RUN_NOWAIT) }

    /// A header that does not match the library would corrupt memory: found out at start, not in production.
    private static let checkHeaders: Void = {
        precondition(MemoryLayout<uv_poll_t>.size == uv_handle_size(UV_POLL), "libuv headers and library differ")
        precondition(MemoryLayout<uv_timer_t>.size == uv_handle_size(UV_TIMER), "libuv headers and library differ")
        precondition(MemoryLayout<uv_async_t>.size == uv_handle_size(UV_ASYNC), "libuv headers and library differ")
        cs_ignore_sigpipe()
    }()
}

/// The memory that all TLS connections of a loop share.
final class TLSBuffers {
    let open = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: TLSSession.recordSize)
    /// What can wait for a viewer whose socket is full, too: two records.
    let seal = UnsafeMutableRawBufferPointer.allocate(
        byteCount: 2 * (TLSSession.recordSize + TLSSession.recordOverhead), alignment: 16)

    deinit {
        open.deallocate()
        seal.deallocate()
    }
}

/// Clocks for those who live on a loop.
public enum Clock {
    public static var unixMilliseconds: UInt64 { cs_unix_ms() }
    public static var unixMicroseconds: Int64 { cs_unix_us() }
    public static var monotonicNanoseconds: UInt64 { cs_monotonic_ns() }
    public static var threadCPUNanoseconds: UInt64 { cs_thread_cpu_ns() }
}

/// What the process has of the system.
public enum Process {
    public static var residentBytes: UInt64 { cs_resident_bytes() }

    @discardableResult public static func raiseFileLimit() -> UInt64 { cs_raise_file_limit() }

    /// From the system's generator, fit for secrets.
    public static func randomBytes(_ count: Int) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// A small file's first bytes; nil if it cannot be read.
    public static func read(_ file: String, atMost limit: Int) -> [UInt8]? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { cs_close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, limit - count) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { return nil }
            guard got > 0 else { break }
            count += got
        }
        return Array(bytes[..<count])
    }

    /// When the file was last changed, in nanoseconds since 1970; nil if it is not there.
    public static func modified(_ file: String) -> Int64? {
        var found = stat()
        guard stat(file, &found) == 0 else { return nil }
        return Int64(found.st_mtim.tv_sec) * 1_000_000_000 + Int64(found.st_mtim.tv_nsec)
    }

    /// Puts a file in the place of another, whole or not at all.
    @discardableResult public static func replace(_ file: String, with bytes: [UInt8]) -> Bool {
        let beside = file + ".new"
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return false }
        let written = bytes.withUnsafeBytes { cs_write_all(descriptor, $0.baseAddress, $0.count) }
        cs_close(descriptor)
        guard written == bytes.count else { return false }
        return rename(beside, file) == 0
    }

    public static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { _ = cs_write_all(descriptor, $0.baseAddress, $0.count) }
    }
}
