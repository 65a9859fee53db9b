/// One recording's way to the disk: what waits for it, and how far it has come.
///
/// `@unchecked Sendable` is sound: `queue` is touched under the writer's lock alone, `file` on the disk thread alone,
/// `over` has a lock of its own, and the rest never changes.
public final class RecordingLane: @unchecked Sendable {
    public let app: String
    public let stream: String
    let settings: RecordingSettings
    public var format: RecordingFormat { settings.format }
    let library: RecordingLibrary

    struct Queue {
        var jobs: [DiskJob] = []
        /// Of the jobs, and of the batch that the disk thread holds.
        var bytes = 0
        /// The disk thread has it on its list.
        var isReady = false
        var failure: RecordingFailure?
        /// Of the file that is being written, under its unfinished name.
        var path: String?
        var written: Int64 = 0
        var files = 0
    }

    var queue = Queue()
    let over = Monitor(false)
    var file: OpenFile?

    init(app: String, stream: String, settings: RecordingSettings, library: RecordingLibrary) {
        self.app = app
        self.stream = stream
        self.settings = settings
        self.library = library
    }
}

extension RecordingLane {
    /// Nobody writes to it any more.
    public func retire() { over.with { $0 = true } }
    public var isOver: Bool { over.with { $0 } }
}

/// How a recording stands with the disk.
public struct LaneStatus: Sendable, Equatable {
    /// Of the file that is being written, under its unfinished name.
    public var path: String?
    /// Bytes that the file system has taken, over all files.
    public var written: Int64
    /// Bytes that wait in memory.
    public var queued: Int
    /// Files that are finished.
    public var files: Int
    public var failure: RecordingFailure?
}
