/// One stream at one moment, as the API, the metrics and the web page show it.
///
/// Counters (`bytes…`, `frames…`, `skips`, `stalledOut`, `corrections`) only grow during the life of a stream.
public struct StreamReport: Sendable, Equatable {
    /// The application, `live` in `live/a`.
    public var app: String
    /// The stream's name within it.
    public var name: String
    /// `live` (has a publisher), `lingering` (lost it a moment ago) or `waiting` (viewers came first).
    public var state: String
    /// Nobody while lingering or waiting.
    public var publisher: PublisherReport?
    /// Absent for a stream that is published here.
    public var upstream: UpstreamReport?
    /// Number of the publish session; a newer one fences an older.
    public var epoch: UInt64
    /// Absent while no video has come.
    public var video: VideoReport?
    /// Absent while no audio has come.
    public var audio: AudioReport?
    /// Bits per second from the publisher.
    public var bitrateIn: Double
    /// Bits per second to all viewers together.
    public var bitrateOut: Double
    /// Bytes from the publisher.
    public var bytesIn: UInt64
    /// Bytes to all viewers together.
    public var bytesOut: UInt64
    /// Video frames received.
    public var framesVideo: UInt64
    /// Audio frames received.
    public var framesAudio: UInt64
    /// Timestamps put right.
    public var corrections: CorrectionReport
    /// Viewers now, by protocol: `rtmp`, `http-flv`, `ws-flv`, `http-ts`, `srt`, `hls`.
    public var viewers: [String: Int]
    /// Times that a viewer fell off the log's tail and was moved to the newest keyframe.
    public var skips: UInt64
    /// Viewers disconnected because nothing moved for too long.
    public var stalledOut: UInt64
    /// Media held in memory, in seconds.
    public var logSeconds: Double
    /// Media held in memory, in bytes.
    public var logBytes: UInt64
    /// Seconds since a frame came; absent before the first.
    public var sinceLastFrame: Double?
    /// Seconds since the stream appeared.
    public var uptime: Double
    /// Frames that had no place in a container that is made of the stream at present.
    public var unwritableFrames: UInt64 = 0
    /// Absent while nobody fetches it over HLS.
    public var packaged: PackageReport?
    /// Absent while it is not recorded.
    public var recording: RecordingReport?
    /// Absent while nothing of it is kept for rewinding.
    public var rewind: WindowReport?

    public init(
        app: String, name: String, state: String = "waiting", publisher: PublisherReport? = nil, epoch: UInt64 = 0,
        video: VideoReport? = nil, audio: AudioReport? = nil, bitrateIn: Double = 0, bitrateOut: Double = 0,
        bytesIn: UInt64 = 0, bytesOut: UInt64 = 0, framesVideo: UInt64 = 0, framesAudio: UInt64 = 0,
        corrections: CorrectionReport = CorrectionReport(), viewers: [String: Int] = [:], skips: UInt64 = 0,
        stalledOut: UInt64 = 0, logSeconds: Double = 0, logBytes: UInt64 = 0, sinceLastFrame: Double? = nil,
        uptime: Double = 0
    ) {
        self.app = app
        self.name = name
        self.state = state
        self.publisher = publisher
        self.epoch = epoch
        self.video = video
        self.audio = audio
        self.bitrateIn = bitrateIn
        self.bitrateOut = bitrateOut
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.framesVideo = framesVideo
        self.framesAudio = framesAudio
        self.corrections = corrections
        self.viewers = viewers
        self.skips = skips
        self.stalledOut = stalledOut
        self.logSeconds = logSeconds
        self.logBytes = logBytes
        self.sinceLastFrame = sinceLastFrame
        self.uptime = uptime
    }
}
