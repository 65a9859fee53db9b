/// What the shell of a connection is to do next.
public enum RelayAction: Sendable, Equatable {
    /// Write these bytes.
    case send([UInt8])
    /// The peer is known: subscriptions may be made, and will come.
    case authenticated(RelayPeer)
    /// The frame follows whole as the next action, unless `skipBody` passes its body over first.
    case frameBegins(RelayFrame.Header)
    case message(RelayMessage)
    /// The message tells a path that holds this node already, or has no room for it. Write these bytes, which give the
    /// stream up, and look for it elsewhere.
    case misrouted(RelayMessage, RelayError, send: [UInt8])
    /// Write these bytes, if there are any, and close. Nothing comes after it.
    case close(RelayError, send: [UInt8])
}

/// The node at the other end of a connection.
public struct RelayPeer: Sendable, Equatable {
    public var node: NodeID
    public var idc: String
    /// The version that both speak.
    public var version: UInt16
    public var capabilities: RelayCapabilities
}
