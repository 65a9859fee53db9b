/// A finished file of recordings, as the API lists it.
public struct RecordedFile: Sendable, Equatable {
    /// Below the folder of the stream.
    public var file: String
    public var format: String
    /// When its first frame came and when it was finished, in seconds of Unix time.
    public var started: Double
    public var finished: Double
    /// Of stream time.
    public var seconds: Double
    public var bytes: Int64
    /// As codecs are called in RFC 6381.
    public var tracks: [String]
    /// Why it ended: `duration`, `size`, `session`, `configuration`, `ended`, `stopped`, `shutdown`, `failed` or
    /// `recovered`.
    public var reason: String

    public init(
        file: String, format: String, started: Double, finished: Double, seconds: Double, bytes: Int64,
        tracks: [String], reason: String
    ) {
        self.file = file
        self.format = format
        self.started = started
        self.finished = finished
        self.seconds = seconds
        self.bytes = bytes
        self.tracks = tracks
        self.reason = reason
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("file", file)
            $0.member("format", format)
            $0.member("started", started)
            $0.member("finished", finished)
            $0.member("seconds", seconds)
            $0.member("bytes") { $0.number(bytes) }
            $0.member("tracks") { $0.array(tracks) { $0.string($1) } }
            $0.member("reason", reason)
        }
    }
}
