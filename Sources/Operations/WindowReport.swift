/// What is kept on the disk of one stream, for viewers who rewind, at one moment.
public struct WindowReport: Sendable, Equatable {
    /// `keeping`, `paused` (it has failed, and is tried again) or `ended` (the stream has).
    public var state: String
    /// Seconds that it reaches back.
    public var window: Double
    public var segments: Int
    /// On the disk.
    public var bytes: Int
    /// Bytes in memory that wait for the disk.
    public var queued: Int
    /// Seconds of Unix time at its beginning and at its end; absent while nothing is kept.
    public var oldest: Double?
    public var newest: Double?
    /// Who rewinds though the stream has ended; while it is live they are among its HLS viewers.
    public var viewers: Int
    /// Why nothing is kept at present.
    public var error: String?

    public init(
        state: String, window: Double, segments: Int = 0, bytes: Int = 0, queued: Int = 0, oldest: Double? = nil,
        newest: Double? = nil, viewers: Int = 0, error: String? = nil
    ) {
        self.state = state
        self.window = window
        self.segments = segments
        self.bytes = bytes
        self.queued = queued
        self.oldest = oldest
        self.newest = newest
        self.viewers = viewers
        self.error = error
    }
}

/// All that the node keeps for rewinding.
public struct WindowTotals: Sendable, Equatable {
    /// Streams of which something is kept.
    public var windows = 0
    public var segments = 0
    public var bytes = 0
    public var queued = 0
    /// Streams of which nothing is kept at present, because it failed.
    public var paused = 0
    /// Times that it failed since the node started, by a word for the reason.
    public var failures: [String: UInt64] = [:]

    public init() {}
}

extension WindowReport {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("state", state)
            $0.member("window", window)
            $0.member("segments", segments)
            $0.member("bytes", bytes)
            $0.member("queued", queued)
            $0.member("oldest", oldest ?? .nan)
            $0.member("newest", newest ?? .nan)
            $0.member("viewers", viewers)
            $0.member("error") { out in if let error { out.string(error) } else { out.null() } }
        }
    }
}

extension WindowTotals {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("windows", windows)
            $0.member("segments", segments)
            $0.member("bytes", bytes)
            $0.member("queued", queued)
            $0.member("paused", paused)
            $0.member("failures", failures)
        }
    }

    func write(to writer: inout PrometheusWriter) {
        writer.family("rewind_windows", .gauge, "Streams of which segments are kept for rewinding.")
        writer.sample(windows)
        writer.family("rewind_bytes", .gauge, "Bytes on the disk for rewinding.")
        writer.sample(bytes)
        writer.family("rewind_queued_bytes", .gauge, "Bytes in memory that wait for the disk.")
        writer.sample(queued)
        writer.family("rewind_paused", .gauge, "Streams of which nothing is kept at present, because it failed.")
        writer.sample(paused)
        writer.counters(
            "rewind_failures_total", "Times that keeping segments failed, by reason.", by: "reason", failures)
    }
}
