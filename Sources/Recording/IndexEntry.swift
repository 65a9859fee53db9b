/// What the index of a stream's folder says of one recorded file: a line of `index.jsonl`.
public struct IndexEntry: Sendable, Equatable {
    /// Below the folder of the index.
    public var file: String
    public var format: RecordingFormat
    public var app: String
    public var stream: String
    /// Of the first frame at the ingest node, in microseconds of Unix time.
    public var start: Int64
    /// When the file was finished, in microseconds of Unix time by this machine's clock: what its age is counted from.
    public var finished: Int64
    /// Milliseconds; of a recovered file as the file system's times tell.
    public var duration: Int64
    public var bytes: Int64
    /// Of the publish session, and the numbers of its first and last frames in the file.
    public var epoch: UInt64
    public var firstSequence: UInt64
    public var lastSequence: UInt64
    /// As codecs are called in RFC 6381.
    public var tracks: [String]
    public var reason: EndReason

    public init(
        file: String, format: RecordingFormat, app: String, stream: String, start: Int64, finished: Int64 = 0,
        duration: Int64 = 0, bytes: Int64 = 0, epoch: UInt64, firstSequence: UInt64, lastSequence: UInt64 = 0,
        tracks: [String] = [], reason: EndReason = .ended
    ) {
        self.file = file
        self.format = format
        self.app = app
        self.stream = stream
        self.start = start
        self.finished = finished
        self.duration = duration
        self.bytes = bytes
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.tracks = tracks
        self.reason = reason
    }

    /// Without the line's end. Numbers of 64 bits are strings: many readers of JSON keep 53.
    public var line: String {
        FlatJSON.line([
            ("file", .string(file)), ("format", .string(format.rawValue)), ("app", .string(app)),
            ("stream", .string(stream)), ("start_us", .number(start)), ("finished_us", .number(finished)),
            ("duration_ms", .number(duration)), ("bytes", .number(bytes)), ("epoch", .string(String(epoch))),
            ("first_sequence", .string(String(firstSequence))), ("last_sequence", .string(String(lastSequence))),
            ("tracks", .list(tracks)), ("reason", .string(reason.rawValue)),
        ])
    }

    /// Nil for a line that is none: torn, edited, or one that would lead out of the folder.
    public init?(line: some Collection<UInt8>) {
        guard let members = FlatJSON.members(line) else { return nil }
        func string(_ key: String) -> String? {
            if case .string(let value) = members[key] { value } else { nil }
        }
        func number(_ key: String) -> Int64? {
            if case .number(let value) = members[key] { value } else { nil }
        }
        guard let file = string("file"), IndexEntry.staysBelow(file),
            let format = string("format").flatMap({ RecordingFormat(rawValue: $0) }), let app = string("app"),
            let stream = string("stream"), let start = number("start_us"), let finished = number("finished_us"),
            let duration = number("duration_ms"), let bytes = number("bytes"), bytes >= 0, duration >= 0,
            let epoch = string("epoch").flatMap({ UInt64($0) }),
            let first = string("first_sequence").flatMap({ UInt64($0) }),
            let last = string("last_sequence").flatMap({ UInt64($0) }), case .list(let tracks) = members["tracks"],
            let reason = string("reason").flatMap({ EndReason(rawValue: $0) })
        else { return nil }
        self.init(
            file: file, format: format, app: app, stream: stream, start: start, finished: finished, duration: duration,
            bytes: bytes, epoch: epoch, firstSequence: first, lastSequence: last, tracks: tracks, reason: reason)
    }

    /// Retention deletes what an index names, so an edited index must not name anything else.
    private static func staysBelow(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            && !path.unicodeScalars.contains { $0.value < 0x20 }
    }
}
