/// Control plane. Which streams a node carries, told to a dispatcher: all of them after connecting, changes later.
///
/// Invariant on the wire: at most `RelayLimits.carriedStreams` streams and `RelayLimits.controlBody` bytes.
/// `messages` splits a list of any length accordingly; nothing is cut here, because a stream left out would be lost.
public struct Carry: Sendable, Equatable {
    /// The list begins anew: what the dispatcher knew of this node's streams is forgotten. Set on the first message of
    /// a whole list alone.
    public var isWhole: Bool
    public var streams: [Carried]

    public init(isWhole: Bool, streams: [Carried]) {
        self.isWhole = isWhole
        self.streams = streams
    }

    /// The messages that tell `streams`, in order and as few as the limits allow. A whole list without streams is one
    /// message, since it says that there are none; changes without streams are no message.
    public static func messages(_ streams: [Carried], isWhole: Bool) -> [RelayMessage] {
        var lists: [Carry] = []
        var list = Carry(isWhole: isWhole, streams: [])
        var room = bodyRoom
        for stream in streams {
            let size = stream.wireSize
            if list.streams.count == RelayLimits.carriedStreams || size > room {
                lists.append(list)
                list = Carry(isWhole: false, streams: [])
                room = bodyRoom
            }
            list.streams.append(stream)
            room -= size
        }
        if !list.streams.isEmpty || list.isWhole { lists.append(list) }
        return lists.map(RelayMessage.carry)
    }
}

/// One stream at one node.
public struct Carried: Sendable, Equatable {
    public var name: RelayStreamName
    /// The publish session; 0 while the node knows none, which a publisher always does.
    public var epoch: UInt64
    public var role: Role
    /// Those that are connected to this node itself.
    public var viewers: UInt32
    /// The stream's own rate, kbit/s.
    public var kilobits: UInt32
    /// The node wants it for itself, not only for its children.
    public var isWanted: Bool

    /// How the node comes by the stream.
    public enum Role: Hashable, Sendable {
        /// It is published here. Of two live publishers, viewers follow the one with the higher priority.
        case publisher(priority: UInt16)
        /// It comes from that node.
        case child(of: NodeID)
        /// It is wanted, and comes from nowhere yet.
        case waiting
        /// It is carried no more.
        case gone
    }

    public init(
        name: RelayStreamName, epoch: UInt64, role: Role, viewers: UInt32 = 0, kilobits: UInt32 = 0,
        isWanted: Bool = true
    ) {
        self.name = name
        self.epoch = epoch
        self.role = role
        self.viewers = viewers
        self.kilobits = kilobits
        self.isWanted = isWanted
    }
}
