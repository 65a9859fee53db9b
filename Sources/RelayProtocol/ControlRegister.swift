/// Control plane. What a node tells a dispatcher of itself, first after the handshake and whenever it changes.
///
/// Invariant on the wire: each address is empty, where the node has no such listener, or follows the rule of
/// `RelayPlace.address`. The first of the relay addresses stands where it always has; who knows of one alone uses that,
/// and does not look at the others and at what the node dials, which follow behind all else.
public struct Register: Sendable, Equatable {
    public var roles: NodeRoles
    /// Where other nodes dial it for streams: `host:port`, behind `tls://` or `srt://` where it is not plain TCP. One
    /// address for each transport that it offers, the one for who knows no better first; none empty, and no more than
    /// `relayLimit`.
    public var relays: [String]
    /// What it dials others over.
    public var dials: RelayTransports
    /// Where publishers and viewers dial it for RTMP.
    public var rtmp: String
    /// Where viewers dial it for everything that goes over HTTP.
    public var http: String
    /// It finishes what it has, and wants nothing new.
    public var isDraining: Bool

    /// Relay addresses of one node: its transports, and room for those to come.
    public static let relayLimit = 8

    public init(
        roles: NodeRoles, relays: [String] = [], dials: RelayTransports = .all, rtmp: String = "", http: String = "",
        isDraining: Bool = false
    ) {
        self.roles = roles
        self.relays = relays
        self.dials = dials
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

/// What nodes dial each other over, one bit each; bits that this version does not know are kept.
public struct RelayTransports: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let tcp = RelayTransports(rawValue: 1)
    public static let tls = RelayTransports(rawValue: 2)
    public static let srt = RelayTransports(rawValue: 4)

    /// Also of a node that does not say: it was always sent to whatever address there was.
    public static let all: RelayTransports = [.tcp, .tls, .srt]
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
