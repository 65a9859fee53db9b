/// One recording of one stream, on the loop that reads its log: which frames go into which file.
///
/// Confined to its loop, and without I/O: it hands ranges of segments to the disk writer, several frames at a time, and
/// keeps nothing else. A frame costs it a few comparisons and an addition.
///
/// Invariants: a file begins at a join point of the log, behind that point's prologue, and holds frames of one publish
/// session in the log's order without a gap; in a format that says its codecs once, of one configuration.
import StreamLog

public final class Recorder {
    public enum State: Sendable, Equatable {
        /// For the next place where a file can start.
        case waiting
        case recording
        /// It has been asked to end, or the stream has.
        case finished(EndReason)
        /// By itself. A new recorder can be made, in a while.
        case stopped(RecordingFailure)
    }

    public private(set) var state = State.waiting
    public let lane: RecordingLane
    /// Of the publish session whose frames come: what the next file's name and index say.
    public var epoch: UInt64 = 0
    /// As RFC 6381 calls the codecs: what the next file's index says.
    public var tracks: [String] = []

    private let writer: DiskWriter
    private let prologue: (JoinPoint) -> [UInt8]
    /// The next file's.
    public private(set) var number: Int
    private var file = File()
    private var pending: [Piece] = []
    private var pendingBytes = 0
    private var pendingSince: Int64 = 0
    private var total: Int64 = 0

    /// The file that is being written.
    private struct File {
        var session: UInt32 = 0
        var version: UInt32 = 0
        var start: Int64 = 0
        var newest: Int64 = 0
        var lastSequence: UInt64 = 0
        var bytes: Int64 = 0
    }

    /// Frames of one batch lie in one or two segments; a large frame has one of its own.
    private static let usualPieces = 4

    /// `prologue` makes what a file begins with from a join point: for FLV the file's header and the point's tags, for
    /// fragmented MP4 the initialisation segment. `number` is the first file's.
    public init(
        app: String, stream: String, settings: RecordingSettings, library: RecordingLibrary, writer: DiskWriter,
        number: Int = 1, prologue: @escaping (JoinPoint) -> [UInt8] = { $0.prologue }
    ) {
        self.writer = writer
        self.number = number
        self.prologue = prologue
        lane = writer.lane(app: app, stream: stream, settings, in: library)
        pending.reserveCapacity(Recorder.usualPieces)
    }

    deinit {
        // A file that nobody will finish would stay open until the server ends.
        if state == .recording { _ = writer.post(.finish(.stopped), on: lane) }
    }

    // MARK: Frames

    /// Takes in some of a segment's frames, all of them below the published head, in order and each once. `joinPoint` is
    /// the log's present one: where a file may start. `now` is Unix time in microseconds, for frames without an origin.
    public func take(_ segment: Segment, _ marks: Range<Int>, joinPoint: JoinPoint?, now: Int64) {
        guard isLive else { return }
        let place = joinPoint.map { $0.offset &- segment.base } ?? .max
        for index in marks {
            let mark = segment.marks[index]
            if UInt64(mark.offset) == place, let joinPoint { start(at: mark, joinPoint, now) }
            guard state == .recording else { continue }
            guard mark.session == file.session else {
                end(.session)
                continue
            }
            add(segment, mark)
        }
        if !pending.isEmpty, file.newest &- pendingSince >= lane.settings.batchMilliseconds { flush() }
    }

    private var isLive: Bool {
        switch state {
        case .waiting, .recording: true
        case .finished, .stopped: false
        }
    }

    private func add(_ segment: Segment, _ mark: FrameMark) {
        let offset = Int(mark.offset)
        let size = Int(mark.size)
        if pending.isEmpty { pendingSince = mark.timestamp }
        let last = pending.count - 1
        if last < 0 || !pending[last].extend(segment, offset: offset, count: size) {
            pending.append(Piece(segment, offset: offset, count: size))
        }
        pendingBytes += size
        file.bytes += Int64(size)
        file.newest = max(file.newest, mark.timestamp)
        file.lastSequence = mark.sequence
        if pendingBytes >= lane.settings.batchBytes { flush() }
    }

    // MARK: Files

    /// At a place where a file can start: does one?
    private func start(at mark: FrameMark, _ point: JoinPoint, _ now: Int64) {
        if state == .recording {
            guard let reason = cutReason(mark, point) else { return }
            end(reason)
        }
        guard state == .waiting else { return }
        let values = FilePattern.Values(
            app: lane.app, stream: lane.stream, start: mark.origin > 0 ? mark.origin : now, number: number,
            epoch: epoch, format: lane.settings.format)
        let head = prologue(point)
        post(.open(FileOpening(values: values, prologue: head, firstSequence: mark.sequence, tracks: tracks)))
        guard state == .waiting else { return }
        state = .recording
        number += 1
        total += Int64(head.count)
        file = File(
            session: mark.session, version: point.version, start: mark.timestamp, newest: mark.timestamp,
            lastSequence: mark.sequence, bytes: Int64(head.count))
    }

    private func cutReason(_ mark: FrameMark, _ point: JoinPoint) -> EndReason? {
        if mark.session != file.session { return .session }
        if lane.settings.format.holdsOneConfiguration, point.version != file.version { return .configuration }
        return lane.settings.cut.reason(start: file.start, timestamp: mark.timestamp, size: file.bytes)
    }

    /// Ends the file; the next begins at the next place.
    private func end(_ reason: EndReason) {
        flush()
        guard state == .recording else { return }
        state = .waiting
        post(.finish(reason))
    }

    /// Hands over what has been gathered. Called by itself as frames come; for a stream that has fallen silent, from a
    /// timer of a second or so.
    public func flush() {
        guard !pending.isEmpty else { return }
        let append = FileAppend(
            pieces: pending, bytes: pendingBytes, lastSequence: file.lastSequence,
            duration: max(0, file.newest &- file.start))
        total += Int64(pendingBytes)
        forget()
        post(.append(append))
    }

    private func forget() {
        pending = []
        pending.reserveCapacity(Recorder.usualPieces)
        pendingBytes = 0
    }

    private func post(_ job: DiskJob) {
        guard let failure = writer.post(job, on: lane) else { return }
        pending = []
        pendingBytes = 0
        state = .stopped(failure)
    }

    /// Ends the recording: what there is of the file is completed.
    public func finish(_ reason: EndReason) {
        guard isLive else { return }
        if state == .recording { end(reason) }
        if isLive { state = .finished(reason) }
    }

    /// Ends the recording, and deletes the file that is being written.
    public func abort() {
        guard isLive else { return }
        forget()
        if state == .recording { post(.abort) }
        if isLive { state = .finished(.stopped) }
    }

    // MARK: For the API

    public var status: RecorderStatus {
        let disk = writer.status(of: lane)
        if let failure = disk.failure, isLive {
            forget()
            state = .stopped(failure)
        }
        let isRecording = state == .recording
        return RecorderStatus(
            state: state, path: disk.path, fileBytes: isRecording ? file.bytes : 0,
            fileDuration: isRecording ? max(0, file.newest &- file.start) : 0, bytes: total + Int64(pendingBytes),
            written: disk.written, queued: disk.queued + pendingBytes, files: disk.files)
    }
}

/// How a recording is doing.
public struct RecorderStatus: Sendable, Equatable {
    public var state: Recorder.State
    /// Of the file that is being written, under its unfinished name.
    public var path: String?
    public var fileBytes: Int64
    /// Milliseconds.
    public var fileDuration: Int64
    /// Over all files of the recording: taken from the stream, and taken by the file system.
    public var bytes: Int64
    public var written: Int64
    /// Bytes in memory that wait for the disk.
    public var queued: Int
    /// Finished ones.
    public var files: Int
}
