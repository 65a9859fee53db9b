/// One connection to another node.
public struct LinkReport: Sendable, Equatable {
    /// The session's id, as in the log.
    public var session: String
    /// The other node; empty before it has said who it is.
    public var node: String
    public var idc: String
    public var address: String
    /// Whether this node made the connection.
    public var outgoing: Bool
    /// Streams that come over it, and streams that go.
    public var streamsIn: Int
    public var streamsOut: Int
    public var bytesIn: UInt64
    public var bytesOut: UInt64
    /// The shortest round trip of the last seconds, in milliseconds; absent before the first answer.
    public var rttMs: Double?
    /// How far the other clock is ahead, in milliseconds.
    public var clockOffsetMs: Double?
    /// The share of the packets sent lately that had to be sent again.
    public var loss: Double
    /// Times that a stream waited for the other node to take more.
    public var creditStalls: UInt64
    /// Times that the other node fell off a stream's log and was moved to the newest keyframe.
    public var skips: UInt64

    public init(
        session: String, node: String, idc: String, address: String, outgoing: Bool, streamsIn: Int = 0,
        streamsOut: Int = 0, bytesIn: UInt64 = 0, bytesOut: UInt64 = 0, rttMs: Double? = nil,
        clockOffsetMs: Double? = nil, loss: Double = 0, creditStalls: UInt64 = 0, skips: UInt64 = 0
    ) {
        self.session = session
        self.node = node
        self.idc = idc
        self.address = address
        self.outgoing = outgoing
        self.streamsIn = streamsIn
        self.streamsOut = streamsOut
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.rttMs = rttMs
        self.clockOffsetMs = clockOffsetMs
        self.loss = loss
        self.creditStalls = creditStalls
        self.skips = skips
    }
}
