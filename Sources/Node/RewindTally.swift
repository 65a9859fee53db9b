/// Hears what becomes of windows on the disk: writes it to the log, and counts what failed.
import EventLoop
import Recording

final class RewindTally: Sendable {
    private let log: EventLog
    private let counts = Lock<[String: UInt64]>([:])

    init(_ log: EventLog) { self.log = log }

    /// Times that keeping was paused, by a word for the reason.
    var failures: [String: UInt64] { counts.with { $0 } }

    func heard(_ event: TapeDeck.Event) {
        switch event {
        case .failed(let folder, let failure):
            counts.with { $0[failure.code, default: 0] += 1 }
            let text = "\(failure); the stream goes on, with a hole in its window; tried again in a minute"
            log.write(.error, "rewind.paused", [("folder", folder), ("code", failure.code), ("reason", text)])
        case .again(let folder): log.write(.info, "rewind.again", [("folder", folder)])
        case .dropped(let folder, let segments):
            log.write(
                .warning, "rewind.shortened",
                [("folder", folder), ("segments", "\(segments)"), ("reason", "rewind.min_free wants their space")])
        }
    }

    func diskIsSilent() {
        log.write(
            .error, "rewind.unfinished", [("reason", "the disk does not answer; the newest segments are lost")])
    }
}
