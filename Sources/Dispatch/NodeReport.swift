/// What a node tells about itself: at each heartbeat its load and what it measured, now and then all its streams.
public struct NodeReport: Hashable, Sendable {
    public var node: NodeIndex
    /// Mbit/s sent and received, sessions of every kind, processor share; as measured.
    public var megabitsOut: Double
    public var megabitsIn: Double
    public var sessions: Int
    public var cpu: Double
    /// Seen on its relay connections.
    public var measurements: [Measurement]
    /// Everything that the node carries; nil when this report is about load only.
    public var streams: [CarriedStream]?

    public init(
        node: NodeIndex, megabitsOut: Double = 0, megabitsIn: Double = 0, sessions: Int = 0, cpu: Double = 0,
        measurements: [Measurement] = [], streams: [CarriedStream]? = nil
    ) {
        self.node = node
        self.megabitsOut = megabitsOut
        self.megabitsIn = megabitsIn
        self.sessions = sessions
        self.cpu = cpu
        self.measurements = measurements
        self.streams = streams
    }

    /// What a child saw on its connection to a parent: the direction is from `peer` to the node that reports.
    public struct Measurement: Hashable, Sendable {
        public var peer: NodeIndex
        /// Milliseconds.
        public var rtt: Double
        /// 0 to 1.
        public var loss: Double

        public init(peer: NodeIndex, rtt: Double, loss: Double) {
            self.peer = peer
            self.rtt = rtt
            self.loss = loss
        }
    }

    public struct CarriedStream: Hashable, Sendable {
        public var stream: StreamIndex
        public var role: Role
        public var viewers: Int
        /// The node wants it for itself, not only for its children.
        public var isWanted: Bool
        public var megabits: Double
        /// The epoch that a child has frames of, 0 where that is not known: what its viewers have seen.
        public var epoch: UInt64

        public init(
            stream: StreamIndex, role: Role, viewers: Int = 0, isWanted: Bool = true, megabits: Double,
            epoch: UInt64 = 0
        ) {
            self.stream = stream
            self.role = role
            self.viewers = viewers
            self.isWanted = isWanted
            self.megabits = megabits
            self.epoch = epoch
        }

        public enum Role: Hashable, Sendable {
            case publisher(epoch: UInt64, priority: Int)
            case child(of: NodeIndex)
            /// It waits for a parent.
            case waiting
        }
    }
}
