/// One SRT connection at one moment, or the sums of several: both directions together where it does not say which.
public struct SRTReport: Sendable, Equatable {
    /// Milliseconds.
    public var rttMs = 0.0
    /// What both sides have agreed to wait for lost packets, in milliseconds.
    public var latencyMs = 0
    public var encrypted = false
    public var packetsSent: UInt64 = 0
    public var packetsReceived: UInt64 = 0
    /// Packets that the peer, or this side, found missing; most of them come again.
    public var lostSent: UInt64 = 0
    public var lostReceived: UInt64 = 0
    public var retransmitted: UInt64 = 0
    /// Packets that were given up because their time had passed.
    public var droppedSent: UInt64 = 0
    public var droppedReceived: UInt64 = 0
    /// Media time that waits in the buffers, in milliseconds.
    public var sendBufferMs = 0
    public var receiveBufferMs = 0
    /// What the link is estimated to carry.
    public var bandwidthMbit = 0.0

    public init() {}

    /// Takes in the counters of another connection; what is of a moment stays as it is.
    public mutating func add(_ other: SRTReport) {
        packetsSent &+= other.packetsSent
        packetsReceived &+= other.packetsReceived
        lostSent &+= other.lostSent
        lostReceived &+= other.lostReceived
        retransmitted &+= other.retransmitted
        droppedSent &+= other.droppedSent
        droppedReceived &+= other.droppedReceived
    }
}
