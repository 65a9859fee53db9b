/// Control plane. How busy a node is and how its relay connections fare, told to a dispatcher at each heartbeat.
///
/// What is beyond a limit is cut when it is written: shares to the whole, and links to `RelayLimits.linkMeasures` and
/// to what a message holds. A heartbeat that tells the most is better than none.
public struct Load: Sendable, Equatable {
    /// Sent and received, kbit/s.
    public var kilobitsOut: UInt32
    public var kilobitsIn: UInt32
    /// Publishers, relay children and viewers.
    public var sessions: UInt32
    /// The share of all processors that is busy, in thousandths; at most `wholeCPU`.
    public var cpuPermille: UInt16
    /// How near the node is to the nearest of its own limits: 500 at the soft mark, `wholeCPU` at the hard one.
    public var fullPermille: UInt16
    public var links: [LinkMeasure]

    public static let wholeCPU: UInt16 = 1_000

    public init(
        kilobitsOut: UInt32, kilobitsIn: UInt32, sessions: UInt32, cpuPermille: UInt16, fullPermille: UInt16 = 0,
        links: [LinkMeasure] = []
    ) {
        self.kilobitsOut = kilobitsOut
        self.kilobitsIn = kilobitsIn
        self.sessions = sessions
        self.cpuPermille = cpuPermille
        self.fullPermille = fullPermille
        self.links = links
    }
}

/// What a node has measured on its connection to another one.
public struct LinkMeasure: Hashable, Sendable {
    /// The other one.
    public var node: NodeID
    public var roundTripMicroseconds: UInt32
    /// Of a million packets; at most `wholeLoss`.
    public var lossPerMillion: UInt32

    public static let wholeLoss: UInt32 = 1_000_000

    public init(node: NodeID, roundTripMicroseconds: UInt32, lossPerMillion: UInt32 = 0) {
        self.node = node
        self.roundTripMicroseconds = roundTripMicroseconds
        self.lossPerMillion = lossPerMillion
    }
}
