/// The node as a whole at one moment. Its counters include streams and sessions that are gone.
public struct NodeReport: Sendable, Equatable {
    /// The server's version.
    public var version: String
    /// Seconds since start.
    public var uptime: Double
    /// Event loops.
    public var threads: Int
    /// Sessions of any role, now.
    public var sessions: Int
    /// Sessions that play, now.
    public var viewers: Int
    /// Sessions that publish, now.
    public var publishers: Int
    /// Streams in any state, now.
    public var streams: Int
    /// Bytes received since start.
    public var bytesIn: UInt64
    /// Bytes sent since start.
    public var bytesOut: UInt64
    /// Connections accepted since start.
    public var acceptedTotal: UInt64
    /// One entry a loop.
    public var loops: [LoopReport]
    /// Sessions ended for a fault, by reason. The reasons are a fixed set of slugs, never a peer's words.
    public var errors: [String: UInt64]
    /// Whether the node is on its way out.
    public var draining: Bool
    /// Resident memory.
    public var memoryBytes: UInt64
    /// The share of the limit that is nearest.
    public var fullness = 0.0
    /// The counters of all SRT connections since start.
    public var srt = SRTReport()
    public var packaging = PackagingTotals()
    /// What is recorded.
    public var recordings = RecordingTotals()
    public var rewind = WindowTotals()
    /// Streams that are sent on to other servers.
    public var pushes = PushTotals()
    /// Pictures of streams.
    public var snapshots = SnapshotTotals()

    public init(
        version: String, uptime: Double = 0, threads: Int = 0, sessions: Int = 0, viewers: Int = 0, publishers: Int = 0,
        streams: Int = 0, bytesIn: UInt64 = 0, bytesOut: UInt64 = 0, acceptedTotal: UInt64 = 0,
        loops: [LoopReport] = [], errors: [String: UInt64] = [:], draining: Bool = false, memoryBytes: UInt64 = 0
    ) {
        self.version = version
        self.uptime = uptime
        self.threads = threads
        self.sessions = sessions
        self.viewers = viewers
        self.publishers = publishers
        self.streams = streams
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.acceptedTotal = acceptedTotal
        self.loops = loops
        self.errors = errors
        self.draining = draining
        self.memoryBytes = memoryBytes
    }
}
