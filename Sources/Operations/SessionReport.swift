/// One connected peer at one moment.
public struct SessionReport: Sendable, Equatable {
    /// The id that stands in each of its log lines.
    public var id: String
    /// `rtmp`, `http-flv`, `ws-flv`, `srt`, `http`.
    public var `protocol`: String
    /// `publish`, `play`, `api`, or `none` while it has not said.
    public var role: String
    /// Empty while it has not named a stream.
    public var app: String
    /// The stream's name within the application.
    public var stream: String
    /// Address and port of the peer.
    public var address: String
    /// What the peer calls itself (`flashVer`, `User-Agent`).
    public var agent: String
    /// Seconds since it connected.
    public var since: Double
    /// Bytes received from it.
    public var bytesIn: UInt64
    /// Bytes the kernel took for it.
    public var bytesOut: UInt64
    /// Bytes between its cursor and the head of the log.
    public var lagBytes: UInt64
    /// Media time between its cursor and the head of the log.
    public var lagMilliseconds: UInt64
    /// Times it was moved to the newest keyframe.
    public var skips: UInt64
    /// What it asked for: `all`, `audio` or `video`.
    public var track: String
    /// Of sessions over SRT.
    public var srt: SRTReport?

    public init(
        id: String, protocol: String, role: String = "none", app: String = "", stream: String = "",
        address: String = "", agent: String = "", since: Double = 0, bytesIn: UInt64 = 0, bytesOut: UInt64 = 0,
        lagBytes: UInt64 = 0, lagMilliseconds: UInt64 = 0, skips: UInt64 = 0, track: String = "all"
    ) {
        self.id = id
        self.protocol = `protocol`
        self.role = role
        self.app = app
        self.stream = stream
        self.address = address
        self.agent = agent
        self.since = since
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.lagBytes = lagBytes
        self.lagMilliseconds = lagMilliseconds
        self.skips = skips
        self.track = track
    }
}
