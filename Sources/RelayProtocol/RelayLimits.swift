/// What a peer may make this node hold, read or believe. All sizes are bytes unless the name says otherwise.
public struct RelayLimits: Sendable, Equatable {
    /// The body of one frame. A keyframe of a 100 Mbit/s stream stays below 4 MiB.
    public var frameBody = 16 << 20

    public init() {}

    /// The body of any message that is no frame. `refused` and `steer` stay far below it, with a text and eight places;
    /// `load` is cut to it, and `carry` split.
    public static let controlBody = 16_384
    /// The body of a message before the peer is known; a hello has less than 300 bytes, and room to grow.
    public static let handshakeBody = 1_024
    /// The body of a message of an unknown, optional type. It is passed over, never held.
    public static let skippedBody = 16 << 20
    /// A node's id or an IDC's: these are repeated in logs, metrics and paths.
    public static let identifier = 64
    /// An application's or a stream's name, as everywhere in the server.
    public static let streamNamePart = 256
    /// A reason in words.
    public static let text = 512
    /// `host:port`; the longest host name has 253 bytes.
    public static let address = 264
    /// Nodes in one path, the ingest node included. Ten milliseconds a hop are felt, and a longer tree is a mistake.
    public static let pathNodes = 8
    /// Places named in one `moved`, `refused` or `goaway`.
    public static let places = 8
    /// Streams told in one `carry`; a node that has more sends several.
    public static let carriedStreams = 64
    /// Quotas in one `allow` or `used`; more go in several.
    public static let quotas = 64
    /// Links told in one `load`: 256 other nodes are more than one node exchanges streams with.
    public static let linkMeasures = 256
    /// Failed parents named in one `want`: as many as a dispatcher may have named in its last answer.
    public static let failedParents = 8
    /// Parents named in one `steer`. Who has tried eight in vain asks again.
    public static let steerParents = 8
    /// The fixed fields of a frame, with those that a later version may add.
    public static let frameFields = 255
    /// Credit that a sender may hold at once: two seconds of a stream of 1 Gbit/s.
    public static let credit: Int64 = 256 << 20
    /// Parents that deliver one stream at once. Two are redundancy, and a move from both to two others makes four.
    public static let sources = 4
    /// Frames that a `FrameMerge` keeps while another parent may still fill a gap: seconds of any stream.
    public static let heldFrames = 512
    /// The bytes of these frames.
    public static let heldBytes = 8 << 20
    /// Epochs and sequences end here, so that arithmetic on them cannot overflow.
    public static let highestNumber: UInt64 = 1 << 62
    /// Set aside for a frame's body before its bytes come.
    static let reservation = 65_536
    /// From the connection's start to the end of the handshake, in nanoseconds: four round trips around the world, and
    /// time to spare for a loaded machine.
    public static let handshakeNanoseconds: UInt64 = 5_000_000_000
}
