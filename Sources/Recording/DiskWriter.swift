/// Takes recordings from the loops to the disk: one thread, so that no loop ever waits for a file system.
///
/// Loops post jobs, which costs them a lock and no system call beyond a wake-up; the thread takes them, a batch of one
/// recording at a time, in turns. What a recording may leave waiting is bounded: one that goes beyond is stopped, and
/// what it held is let go of in the same call. Events come on whichever thread finds them, outside of every lock.
///
/// `@unchecked Sendable` is sound: the queues are behind the monitor's lock, and the worker belongs to the thread (or,
/// while there is none, to whoever calls `turn`).
import Threads

public final class DiskWriter: @unchecked Sendable {
    public typealias EventSink = @Sendable (RecordingEvent) -> Void
    typealias Task = @Sendable (DiskWorker) -> Void

    enum Work {
        case task(Task)
        case appends(RecordingLane, [FileAppend])
        case job(RecordingLane, DiskJob)
        case end
    }

    private struct Queues {
        var ready: [RecordingLane] = []
        var tasks: [Task] = []
        var isClosing = false
        var hasEnded = false
        var hasThread = false
    }

    private let queues = Monitor(Queues())
    private let onEvent: EventSink
    private let worker: DiskWorker

    /// Bytes that the disk thread takes of one recording before it looks at the next. What remains in memory of a
    /// recording that is stopped while the disk does not answer.
    static let batchBytes = 1 << 20
    /// How long the thread sleeps when there is nothing to do: the clock of retention and of the free-space check.
    static let tickMilliseconds = 5000

    public init(disk: any Disk = SystemDisk(), onEvent: @escaping EventSink) {
        self.onEvent = onEvent
        worker = DiskWorker(disk, onEvent: onEvent)
        worker.writer = self
    }

    // MARK: The thread

    /// False if the system refuses another thread: what is posted waits, up to the limits of its recordings, for one that
    /// starts later.
    public func start() -> Bool {
        let isFirst = queues.with { queues in
            defer { queues.hasThread = true }
            return !queues.hasThread
        }
        guard isFirst else { return true }
        let isStarted = Thread.detached("recordings") { self.run() }
        if !isStarted { queues.with { $0.hasThread = false } }
        return isStarted
    }

    private func run() {
        while true {
            let work = queues.wait(milliseconds: DiskWriter.tickMilliseconds) { queues -> Work? in
                self.take(&queues) ?? (queues.isClosing ? .end : nil)
            }
            if case .end = work { break }
            if let work { worker.perform(work) }
            worker.tick()
        }
        worker.finishAll(.shutdown)
        queues.with { $0.hasEnded = true }
        queues.signal()
    }

    /// One piece of work on the calling thread; whether there was any. Only while there is no thread.
    @discardableResult
    func turn() -> Bool {
        guard let work = queues.with({ take(&$0) }) else { return false }
        worker.perform(work)
        return true
    }

    func tick() { worker.tick() }

    /// Takes no more, writes what waits, finishes every file, and ends the thread. False if that took longer: the disk
    /// does not answer, and what it has not taken is adopted at the next start.
    public func close(within milliseconds: Int) -> Bool {
        let hasThread = queues.with { queues in
            queues.isClosing = true
            return queues.hasThread
        }
        guard hasThread else {
            while turn() {}
            worker.finishAll(.shutdown)
            return true
        }
        queues.signal()
        return queues.wait(milliseconds: milliseconds) { $0.hasEnded ? true : nil } ?? false
    }

    private func take(_ queues: inout Queues) -> Work? {
        if !queues.tasks.isEmpty { return .task(queues.tasks.removeFirst()) }
        guard !queues.ready.isEmpty else { return nil }
        let lane = queues.ready.removeFirst()
        var appends: [FileAppend] = []
        var bytes = 0
        while bytes < DiskWriter.batchBytes, appends.count < lane.queue.jobs.count,
            case .append(let append) = lane.queue.jobs[appends.count]
        {
            appends.append(append)
            bytes += append.bytes
        }
        let work: Work =
            appends.isEmpty ? .job(lane, lane.queue.jobs.removeFirst()) : .appends(lane, appends)
        if !appends.isEmpty { lane.queue.jobs.removeFirst(appends.count) }
        lane.queue.isReady = !lane.queue.jobs.isEmpty
        if lane.queue.isReady { queues.ready.append(lane) }
        return work
    }

    // MARK: From the loops

    /// A recording of its own.
    func lane(app: String, stream: String, _ settings: RecordingSettings, in library: RecordingLibrary) -> RecordingLane
    {
        RecordingLane(app: app, stream: stream, settings: settings, library: library)
    }

    /// Why the recording has stopped, if it has; the job is dropped then.
    func post(_ job: DiskJob, on lane: RecordingLane) -> RecordingFailure? {
        var dropped: [DiskJob] = []
        var overflow: (failure: RecordingFailure, path: String?)?
        let failure = queues.with { queues -> RecordingFailure? in
            if let failure = lane.queue.failure { return failure }
            guard !queues.isClosing else { return .closed }
            let waiting = lane.queue.bytes + job.bytes
            let limit = lane.settings.queueBytes
            if waiting > limit {
                let failure = RecordingFailure.tooSlow(queued: waiting, limit: limit)
                overflow = (failure, lane.queue.path)
                dropped = DiskWriter.stop(lane, failure)
                lane.queue.jobs = [.finish(.failed)]
            } else {
                lane.queue.jobs.append(job)
                lane.queue.bytes = waiting
            }
            if !lane.queue.isReady {
                lane.queue.isReady = true
                queues.ready.append(lane)
            }
            return lane.queue.failure
        }
        queues.signal()
        // Here, outside of the lock, the segments go.
        dropped.removeAll()
        if let overflow { tell(lane, .stopped(overflow.failure, path: overflow.path)) }
        return failure
    }

    public func status(of lane: RecordingLane) -> LaneStatus {
        queues.with { _ in
            let queue = lane.queue
            return LaneStatus(
                path: queue.path, written: queue.written, queued: queue.bytes, files: queue.files,
                failure: queue.failure)
        }
    }

    // MARK: From the disk thread

    /// The batch has been written or given up: its memory is free.
    func release(_ bytes: Int, written: Int64, of lane: RecordingLane) {
        queues.with { _ in
            lane.queue.bytes -= bytes
            lane.queue.written += written
        }
    }

    func moved(_ lane: RecordingLane, to path: String?, finished: Int = 0) {
        queues.with { _ in
            lane.queue.path = path
            lane.queue.files += finished
        }
    }

    /// The first failure counts, and is told.
    func fail(_ lane: RecordingLane, _ failure: RecordingFailure) {
        var dropped: [DiskJob] = []
        let first = queues.with { _ -> (isFirst: Bool, path: String?) in
            guard lane.queue.failure == nil else { return (false, nil) }
            dropped = DiskWriter.stop(lane, failure)
            return (true, lane.queue.path)
        }
        dropped.removeAll()
        if first.isFirst { tell(lane, .stopped(failure, path: first.path)) }
    }

    /// Under the lock. The lane stays on the list if it is there: with nothing to do, it would be taken for empty.
    private static func stop(_ lane: RecordingLane, _ failure: RecordingFailure) -> [DiskJob] {
        let dropped = lane.queue.jobs
        lane.queue.failure = failure
        lane.queue.bytes -= dropped.reduce(0) { $0 + $1.bytes }
        lane.queue.jobs = lane.queue.isReady ? [.finish(.failed)] : []
        return dropped
    }

    private func tell(_ lane: RecordingLane, _ kind: RecordingEvent.Kind) {
        onEvent(RecordingEvent(app: lane.app, stream: lane.stream, kind: kind))
    }

    // MARK: Libraries

    /// Adopts what a crash has left, reads the indexes and keeps to the limits from now on. Before the library's first
    /// recording.
    public func add(_ library: RecordingLibrary) { post { $0.add(library) } }

    /// The applications that have recordings below `root`. `reply` is called on the disk thread.
    public func findApps(below root: String, reply: @escaping @Sendable ([String]) -> Void) {
        post { reply($0.findApps(below: root)) }
    }

    /// Its files stay; nobody deletes them any more.
    public func remove(_ library: RecordingLibrary) { post { $0.remove(library) } }

    public func setLimits(_ limits: RetentionPlan.Limits, of library: RecordingLibrary) {
        post { $0.setLimits(limits, of: library) }
    }

    /// The newest `limit` files of a stream, oldest first. `reply` is called on the disk thread.
    public func list(
        app: String, stream: String, pattern: FilePattern, in library: RecordingLibrary, limit: Int,
        reply: @escaping @Sendable (Result<[IndexEntry], DiskError>) -> Void
    ) {
        post { $0.list(app: app, stream: stream, pattern: pattern, in: library, limit: limit, reply: reply) }
    }

    private func post(_ task: @escaping Task) {
        queues.with { queues in
            if !queues.isClosing { queues.tasks.append(task) }
        }
        queues.signal()
    }
}
