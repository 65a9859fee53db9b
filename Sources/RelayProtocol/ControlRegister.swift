/// Control plane. What a node tells a dispatcher of itself, first after the handshake and whenever it changes.
///
/// Invariant on the wire: each address is empty, where the node has no such listener, or follows the rule of
/// `RelayPlace.address`.
public struct Register: Sendable, Equatable {
    public var roles: NodeRoles
    /// Where other nodes dial it for streams, `host:port`; empty when it has no relay port.
    public var relay: String
    /// Where publishers and viewers dial it for RTMP.
    public var rtmp: String
    /// Where viewers dial it for everything that goes over HTTP.
    public var http: String
    /// It finishes what it has, and wants nothing new.
    public var isDraining: Bool

    public init(roles: NodeRoles, relay: String = "", rtmp: String = "", http: String = "", isDraining: Bool = false) {
        self.roles = roles
        self.relay = relay
        self.rtmp = rtmp
        self.http = http
        self.isDraining = isDraining
    }

    /// Whether `address` may stand in a message: none at all, or one that a `RelayPlace` would take. Operators write
    /// addresses, so a node asks this of its configuration; a message is not encoded with a wrong one.
    public static func allows(_ address: String) -> Bool {
        // The rule is that of places, whichever node stands there.
        address.isEmpty || NodeID("any").flatMap { RelayPlace(node: $0, address: address) } != nil
    }
}

/// What a node may be used for; bits that this version does not know are kept.
public struct NodeRoles: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Publishers are sent here.
    public static let ingest = NodeRoles(rawValue: 1)
    /// May pass a stream on to nodes of other data centres.
    public static let relay = NodeRoles(rawValue: 2)
    /// Viewers are sent here.
    public static let edge = NodeRoles(rawValue: 4)
}

extension RelayCapabilities {
    /// The peer is a dispatcher: it takes the reports of nodes and answers `want` with `steer`.
    public static let dispatcher = RelayCapabilities(rawValue: 2)
}
