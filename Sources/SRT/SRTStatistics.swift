/// What libsrt knows of a connection at a moment: totals since its start, and the state of now.
import CSRT

public struct SRTStatistics: Sendable, Equatable {
    public var roundTripMilliseconds = 0.0
    /// Estimated capacity of the path, in Mbit/s; libsrt probes it as it sends.
    public var bandwidthMegabits = 0.0

    /// Data packets, retransmissions included.
    public var packetsSent: UInt64 = 0
    public var packetsReceived: UInt64 = 0
    /// Reported missing by the peer, and found missing here.
    public var packetsLostSending: UInt64 = 0
    public var packetsLostReceiving: UInt64 = 0
    public var packetsRetransmitted: UInt64 = 0
    /// Too late to be sent, and too late to be given out.
    public var packetsDroppedSending: UInt64 = 0
    public var packetsDroppedReceiving: UInt64 = 0
    public var packetsUndecryptable: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0

    /// Sent and not yet acknowledged.
    public var sendBufferPackets = 0
    public var sendBufferMilliseconds = 0
    /// Received and not yet given out.
    public var receiveBufferPackets = 0
    public var receiveBufferMilliseconds = 0

    /// Negotiated: how long after its sending a packet is given out, here and at the peer; 0 for a link.
    public var receiveLatency = 0
    public var sendLatency = 0

    public init() {}

    /// All that is known of the socket; nil when its connection is over.
    init?(_ handle: Handle) {
        var raw = SRT_TRACEBSTATS()
        guard srt_bistats(handle.id, &raw, 0, 1) == 0 else { return nil }
        roundTripMilliseconds = raw.msRTT
        bandwidthMegabits = raw.mbpsBandwidth
        packetsSent = UInt64(clamping: raw.pktSentTotal)
        packetsReceived = UInt64(clamping: raw.pktRecvTotal)
        packetsLostSending = UInt64(clamping: raw.pktSndLossTotal)
        packetsLostReceiving = UInt64(clamping: raw.pktRcvLossTotal)
        packetsRetransmitted = UInt64(clamping: raw.pktRetransTotal)
        packetsDroppedSending = UInt64(clamping: raw.pktSndDropTotal)
        packetsDroppedReceiving = UInt64(clamping: raw.pktRcvDropTotal)
        packetsUndecryptable = UInt64(clamping: raw.pktRcvUndecryptTotal)
        bytesSent = raw.byteSentTotal
        bytesReceived = raw.byteRecvTotal
        sendBufferPackets = Int(raw.pktSndBuf)
        sendBufferMilliseconds = Int(raw.msSndBuf)
        receiveBufferPackets = Int(raw.pktRcvBuf)
        receiveBufferMilliseconds = Int(raw.msRcvBuf)
        receiveLatency = Int(raw.msRcvTsbPdDelay)
        sendLatency = Int(raw.msSndTsbPdDelay)
    }
}
