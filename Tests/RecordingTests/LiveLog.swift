import Glibc

@testable import Recording
@testable import StreamLog

/// A log that frames are appended to, and a recorder that is told of them as a cursor would.
final class LiveLog {
    var writer: LogWriter
    private(set) var told: UInt64 = 0
    private var sequence: UInt64 = 0
    private var version: UInt32 = 1
    var session: UInt32 = 0
    /// Microseconds of Unix time of a frame at time 0.
    static let origin: Int64 = 1_700_000_000_000_000

    init(retention: Int = 64 << 20) { writer = LogWriter(retention: .init(bytes: retention)) }

    static func prologue(_ version: UInt32) -> [UInt8] { Array("prologue \(version);".utf8) }

    func reconfigure() { version += 1 }

    @discardableResult
    func frame(_ size: Int, at timestamp: Int64, keyframe: Bool = false) -> [UInt8] {
        let fill = UInt8(truncatingIfNeeded: sequence &* 31 &+ 7)
        let mark = FrameMark(
            size: UInt32(size), timestamp: timestamp, sequence: sequence, origin: LiveLog.origin + timestamp * 1000,
            flags: keyframe ? [.video, .keyframe] : .video, session: session)
        let offset = writer.append(mark) { memset($0, Int32(fill), size) }
        if keyframe {
            let prologue = LiveLog.prologue(version)
            writer.setJoinPoint(
                JoinPoint(offset: offset, prologue: prologue, version: version, timestamp: timestamp))
        }
        sequence += 1
        return [UInt8](repeating: fill, count: size)
    }

    /// What a flush does: the recorder hears of what is new.
    func tell(_ recorder: Recorder) {
        for segment in writer.segments where segment.end > told {
            let first = (0..<segment.markCount).first { segment.base + UInt64(segment.marks[$0].offset) >= told }
            guard let first else { continue }
            recorder.take(segment, first..<segment.markCount, joinPoint: writer.joinPoint, now: LiveLog.origin)
        }
        told = writer.head
    }
}

/// Events in the order of their coming.
final class Events: Sendable {
    private let list = Monitor<[RecordingEvent]>([])

    func take(_ event: RecordingEvent) {
        list.with { $0.append(event) }
        list.signal()
    }

    var all: [RecordingEvent] { list.with { $0 } }

    var finished: [IndexEntry] {
        all.compactMap { if case .finished(_, let entry) = $0.kind { entry } else { nil } }
    }

    var failures: [RecordingFailure] {
        all.compactMap { if case .stopped(let failure, _) = $0.kind { failure } else { nil } }
    }

    var recovered: [IndexEntry] {
        all.compactMap { if case .recovered(_, let entry) = $0.kind { entry } else { nil } }
    }

    var deleted: [String] {
        all.compactMap { if case .deleted(let path, _, _) = $0.kind { path } else { nil } }
    }

    var warnings: [String] {
        all.compactMap { if case .warning(let text) = $0.kind { text } else { nil } }
    }
}

/// A writer without a thread on a disk in memory, and a recorder of one stream.
struct Studio {
    let disk: MemoryDisk
    let events = Events()
    let writer: DiskWriter
    let library: RecordingLibrary
    let settings: RecordingSettings

    init(
        _ disk: MemoryDisk = MemoryDisk(), settings: RecordingSettings = RecordingSettings(format: .flv),
        limits: RetentionPlan.Limits = .none
    ) {
        self.disk = disk
        self.settings = settings
        writer = DiskWriter(disk: disk, onEvent: events.take)
        library = RecordingLibrary(app: "live", root: "/rec", limits: limits)
        writer.add(library)
    }

    func recorder(_ stream: String = "show") -> Recorder {
        Recorder(app: "live", stream: stream, settings: settings, library: library, writer: writer)
    }

    func settle() { while writer.turn() {} }
}
