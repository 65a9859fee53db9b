/// Hears what the disk thread has to say: writes it to the log, and counts what failed.
import EventLoop
import Operations
import Recording

final class RecordingTally: Sendable {
    private let log: EventLog
    private let counts = Lock<[String: UInt64]>([:])

    init(_ log: EventLog) { self.log = log }

    var failures: [String: UInt64] { counts.with { $0 } }

    func heard(_ event: RecordingEvent) {
        let stream = event.stream.isEmpty ? event.app : "\(event.app)/\(event.stream)"
        func write(_ level: LogLevel, _ name: String, _ fields: [(String, String)]) {
            log.write(level, "record.\(name)", [("stream", stream)] + fields)
        }
        switch event.kind {
        case .opened(let path): write(.info, "opened", [("file", path)])
        case .finished(let path, let entry): write(.info, "finished", RecordingTally.fields(path, entry))
        case .recovered(let path, let entry): write(.warning, "recovered", RecordingTally.fields(path, entry))
        case .dropped(let path): write(.info, "dropped", [("file", path)])
        case .deleted(let path, let bytes, let cause):
            write(.info, "deleted", [("file", path), ("bytes", "\(bytes)"), ("cause", cause.rawValue)])
        case .stopped(let failure, let path):
            if failure != .closed { counts.with { $0[failure.code, default: 0] += 1 } }
            write(.error, "stopped", [("file", path ?? ""), ("code", failure.code), ("reason", failure.description)])
        case .warning(let text): write(.warning, "warning", [("reason", text)])
        }
    }

    func hasNoThread() {
        log.write(
            .error, "record.waits",
            [
                (
                    "reason",
                    "the system refuses another thread; the next recording asks again. Raise the limit of threads "
                        + "(TasksMax, ulimit -u)"
                )
            ])
    }

    func diskIsSilent() {
        log.write(
            .error, "record.unfinished",
            [("reason", "the disk does not answer; files are left unfinished, and finished at the next start")])
    }

    private static func fields(_ path: String, _ entry: IndexEntry) -> [(String, String)] {
        [
            ("file", path), ("bytes", "\(entry.bytes)"), ("milliseconds", "\(entry.duration)"),
            ("reason", entry.reason.rawValue),
        ]
    }
}
