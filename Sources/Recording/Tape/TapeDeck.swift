/// All tapes of a node, and the threads that touch the disk for them: one writes and deletes, a few read, so that no loop
/// waits for either, and a slow write holds up no viewer.
///
/// What may wait is bounded: bytes to write, for each tape and for all, and requests to read. Jobs run in the order of
/// their posting, those that write on one thread; while there are no threads, whoever calls `turn` is all of them. A tape
/// that is empty and whose stream has ended is forgotten.
import StreamLog
import Threads

public final class TapeDeck: Sendable {
    public enum Event: Sendable, Equatable {
        case failed(folder: String, TapeFailure)
        case again(folder: String)
        case dropped(folder: String, segments: Int)
    }

    typealias Job = @Sendable () -> Void

    struct Queues {
        var tapes: [String: Tape] = [:]
        var writes: [Job] = []
        var reads: [Job] = []
        /// Bytes of all tapes that wait for the disk.
        var queued = 0
        var isClosing = false
        var hasThreads = false
        var writerHasEnded = false

        /// All at once, in their order.
        mutating func takeWrites() -> [Job] {
            let jobs = writes
            writes = []
            return jobs
        }
    }

    let disk: any Disk
    let onEvent: @Sendable (Event) -> Void
    let root: String
    let queues = Monitor(Queues())

    /// Threads that read: disks serve some requests at once.
    private static let readers = 2
    /// Requests that wait for a reader, where whoever asks knows of no limit of its own.
    public static let mostReads = 256
    /// Bytes of one tape that wait for the disk: a minute of an 8 Mbit/s stream.
    static let mostQueued = 64 << 20
    /// Bytes of all tapes that wait for the disk.
    static let mostQueuedOfAll = 256 << 20
    /// Microseconds from a failure to the next try.
    static let pause: Int64 = 60_000_000
    /// Milliseconds between two looks at what has become too old.
    private static let tick = 5_000

    public init(root: String, disk: any Disk = SystemDisk(), onEvent: @escaping @Sendable (Event) -> Void) {
        var root = root
        while root.count > 1 && root.hasSuffix("/") { root.removeLast() }
        self.root = root
        self.disk = disk
        self.onEvent = onEvent
    }

    // MARK: Threads

    /// Once. `limits` is for what earlier runs have left, by the names of the folders. False if the system refuses the
    /// threads.
    public func start(_ limits: @escaping @Sendable (_ app: String, _ stream: String) -> Tape.Limits) -> Bool {
        queues.with { $0.hasThreads = true }
        write { [self] in adopt(limits) }
        guard Thread.detached("rewind-write", { self.runWriter() }) else { return false }
        return (0..<TapeDeck.readers).allSatisfy { number in
            Thread.detached("rewind-read-\(number)") { self.runReader() }
        }
    }

    private enum Turn {
        case jobs([Job])
        case age
        case end
    }

    private func runWriter() {
        var lastAged = disk.now()
        while true {
            let sinceAged = disk.now() - lastAged
            let isDue = sinceAged < 0 || sinceAged >= Int64(TapeDeck.tick) * 1_000
            let turn = queues.wait(milliseconds: TapeDeck.tick) { queues -> Turn? in
                if isDue, !queues.isClosing { return .age }
                if !queues.writes.isEmpty { return .jobs(queues.takeWrites()) }
                return queues.isClosing ? .end : nil
            }
            switch turn {
            case .jobs(let jobs): for job in jobs { job() }
            case .end:
                queues.with { $0.writerHasEnded = true }
                return queues.signal()
            case .age, nil:
                age()
                lastAged = disk.now()
            }
        }
    }

    private func runReader() {
        while true {
            let turn = queues.wait(milliseconds: TapeDeck.tick) { queues -> Turn? in
                if queues.isClosing { return .end }
                return queues.reads.isEmpty ? nil : .jobs([queues.reads.removeFirst()])
            }
            switch turn {
            case .jobs(let jobs): for job in jobs { job() }
            case .end: return
            case .age, nil: break
            }
        }
    }

    /// Writes what waits, and ends the threads. False if that took longer than so many milliseconds.
    public func close(within milliseconds: Int) -> Bool {
        let hasThreads = queues.with { queues in
            queues.isClosing = true
            return queues.hasThreads
        }
        guard hasThreads else { return true }
        queues.signal()
        return queues.wait(milliseconds: milliseconds) { $0.writerHasEnded ? true : nil } ?? false
    }

    func write(_ job: @escaping Job) {
        queues.with { $0.writes.append(job) }
        queues.signal()
    }

    /// Runs `job` on a thread that may wait for the disk. False if as many wait, or the deck closes.
    public func read(among limit: Int = mostReads, _ job: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = queues.with { queues -> Bool in
            guard queues.reads.count < limit, !queues.isClosing else { return false }
            queues.reads.append(job)
            return true
        }
        if isTaken { queues.signal() }
        return isTaken
    }

    /// Everything that waits, on the calling thread. Only while there are no threads.
    func turn() {
        while case let jobs = queues.with({ $0.takeWrites() }), !jobs.isEmpty { for job in jobs { job() } }
        while let job = queues.with({ $0.reads.isEmpty ? nil : $0.reads.removeFirst() }) { job() }
    }

    // MARK: Pieces

    /// Bytes of a file from `offset` on, `count` of them; nil if they are not there. Blocks: for `read`.
    public func piece(of file: Tape.File, at offset: Int, count: Int) -> SharedBytes? {
        let piece = try? SharedBytes(upTo: count) { room throws(DiskError) in
            try disk.read(file.path, at: Int64(offset), into: room)
        }
        return piece?.count == count ? piece : nil
    }

    /// Microseconds of Unix time.
    public var now: Int64 { disk.now() }
}
