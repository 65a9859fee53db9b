/// One stream's recording at one moment.
public struct RecordingReport: Sendable, Equatable {
    /// `waiting` (for a keyframe), `recording`, or `paused` (it has failed, and is tried again).
    public var state: String
    /// `fmp4`, `flv` or `ts`.
    public var format: String
    /// The path of the file that is being written.
    public var file: String?
    /// Of that file.
    public var bytes: Int64
    /// Of stream time, in that file.
    public var seconds: Double
    /// Bytes in memory that wait for the disk.
    public var queued: Int
    /// Files of this recording that are finished.
    public var files: Int
    /// Why it failed last; absent while it works.
    public var error: String?

    public init(
        state: String, format: String, file: String? = nil, bytes: Int64 = 0, seconds: Double = 0, queued: Int = 0,
        files: Int = 0, error: String? = nil
    ) {
        self.state = state
        self.format = format
        self.file = file
        self.bytes = bytes
        self.seconds = seconds
        self.queued = queued
        self.files = files
        self.error = error
    }
}

/// All recordings of the node since it started.
public struct RecordingTotals: Sendable, Equatable {
    /// That write, or wait for a keyframe, now.
    public var active = 0
    /// Written to disks.
    public var bytes: UInt64 = 0
    /// Recordings that have ended by themselves, by a word for the reason.
    public var failures: [String: UInt64] = [:]

    public init() {}
}

extension RecordingReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("state", state)
            $0.member("format", format)
            $0.member("file") { out in if let file { out.string(file) } else { out.null() } }
            $0.member("bytes") { $0.number(bytes) }
            $0.member("seconds", seconds)
            $0.member("queued", queued)
            $0.member("files", files)
            $0.member("error") { out in if let error { out.string(error) } else { out.null() } }
        }
    }
}

extension RecordingTotals {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("active", active)
            $0.member("bytes", bytes)
            $0.member("failures", failures)
        }
    }

    func write(to writer: inout PrometheusWriter) {
        writer.family("recordings", .gauge, "Streams that are being recorded.")
        writer.sample(active)
        writer.family("recorded_bytes_total", .counter, "Bytes of recordings that the disks have taken.")
        writer.sample(bytes)
        writer.counters(
            "recording_failures_total", "Recordings that ended by themselves, by reason.", by: "reason", failures)
    }
}
