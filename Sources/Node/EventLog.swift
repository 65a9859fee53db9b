/// The node's log: one line an event on standard output.
///
/// Lines are written whole under a lock, so that those of several loops do not mix. Never used on the media path.
import Configuration
import EventLoop
import Operations

public final class EventLog: Sendable {
    private let format: LogFormat
    private let threshold: LogLevel
    private let output = Lock(Int32(1))

    public init(_ settings: Settings.Log) {
        format = settings.format == .json ? .json : .text
        threshold = LogLevel(name: settings.level.rawValue) ?? .info
    }

    public func write(
        _ level: LogLevel, _ event: String, session: String? = nil, _ fields: [(String, String)] = []
    ) {
        guard level >= threshold else { return }
        let now = Clock.unixMilliseconds
        let line = LogLine(level: level, event: event, session: session, fields: fields)
            .encode(format: format, timestamp: (Int64(now / 1000), Int(now % 1000)))
        output.with { EventLoop.Process.write(line, to: $0) }
    }
}
