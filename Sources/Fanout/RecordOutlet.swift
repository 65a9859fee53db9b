/// One recording among the readers of a log: hands each flush to its recorder, as ranges of the log's segments.
///
/// It lives on the loop where the recording was begun, wherever the stream's home is, and is no viewer: it is counted
/// neither among them nor in what was sent. Invariant: every frame from `offset` on has been handed over once, in order,
/// as what the log is about to drop is handed over before it goes.
import EventLoop
import FLV
import Recording
import StreamLog

public final class RecordOutlet: LogCursor {
    public let recorder: Recorder
    private let handle: StreamHandle
    private var offset: UInt64?
    private var version: UInt32?

    public init(_ recorder: Recorder, of handle: StreamHandle, onEnd: @escaping (ViewerEnd) -> Void) {
        self.recorder = recorder
        self.handle = handle
        super.init(label: "record", onEnd: onEnd)
    }

    /// What a file of that format begins with from a join point.
    public static func prologue(_ format: RecordingFormat) -> (JoinPoint) -> [UInt8] {
        switch format {
        case .flv: { FLVTag.fileHeader(hasAudio: true, hasVideo: true) + $0.prologue }
        case .fmp4, .ts: { $0.prologue }
        }
    }

    /// The log that a recording of that format is made of.
    static func kind(_ format: RecordingFormat) -> WireKind {
        switch format {
        case .fmp4: WireKind(.mp4)
        case .flv: WireKind(.flv)
        case .ts: WireKind(.ts)
        }
    }

    /// Which of a stream's tracks have a place in files of that format. On the stream's home loop.
    public static func fit(of stream: Stream, in format: RecordingFormat) -> ContainerFit {
        stream.fit(of: kind(format))
    }

    override var isViewer: Bool { false }

    // MARK: The log

    override func logEnded(_ reason: ViewerEnd) {
        take()
        super.logEnded(reason)
    }

    override func logGrew() { take() }

    override func logDrops(before end: UInt64) {
        if let offset, offset < end { take() }
    }

    private func take() {
        guard let view else { return }
        guard let from = offset ?? view.joinPoint?.offset else { return }
        if let point = view.joinPoint, point.version != version || point.epoch != recorder.epoch {
            version = point.version
            recorder.epoch = point.epoch
            recorder.tracks = handle.codecs
        }
        let now = Clock.unixMicroseconds
        view.forEachRun(from: from) { segment, marks in
            recorder.take(segment, marks, joinPoint: view.joinPoint, now: now)
        }
        offset = view.head
    }
}
