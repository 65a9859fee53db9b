/// How a stream that other nodes deliver gets here.
public struct UpstreamReport: Sendable, Equatable {
    /// The node that delivers it.
    public var parent: String
    /// The nodes from the ingest to the parent.
    public var path: [String]
    /// Links from the ingest to here.
    public var hops: Int
    /// Times that another parent took over.
    public var failovers: UInt64
    /// Frames that a parent had kept while this node had none, and that it sent on asking: what resuming saved.
    public var framesRecovered: UInt64
    /// Frames that no parent had any more.
    public var framesLost: UInt64
    /// Frames that came more than once, and were dropped.
    public var duplicates: UInt64
    /// Milliseconds from the ingest node to here: median and 99th percentile of the newest frames. The clocks of the
    /// nodes are compared on each link; what is left is half a round trip's uncertainty at most.
    public var delayMedianMs: Double
    public var delayP99Ms: Double

    public init(
        parent: String, path: [String], failovers: UInt64 = 0, framesRecovered: UInt64 = 0, framesLost: UInt64 = 0,
        duplicates: UInt64 = 0, delayMedianMs: Double = 0, delayP99Ms: Double = 0
    ) {
        self.parent = parent
        self.path = path
        hops = path.count
        self.failovers = failovers
        self.framesRecovered = framesRecovered
        self.framesLost = framesLost
        self.duplicates = duplicates
        self.delayMedianMs = delayMedianMs
        self.delayP99Ms = delayP99Ms
    }
}
