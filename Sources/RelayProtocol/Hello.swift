/// The first message of either side: who speaks, what it can, and a number used once for the proofs.
public struct Hello: Sendable, Equatable {
    /// The oldest and the newest version of the protocol that the node speaks.
    public var versions: ClosedRange<UInt16>
    public var node: NodeID
    /// The data centre the node stands in; the same rule as for node ids.
    public var idc: String
    /// `nonceSize` random bytes, new for every connection.
    public var nonce: [UInt8]
    public var capabilities: RelayCapabilities

    /// "SLRP"
    static let magic: UInt32 = 0x534c_5250
    public static let nonceSize = 32

    public init(
        versions: ClosedRange<UInt16> = RelayVersion.supported, node: NodeID, idc: String, nonce: [UInt8],
        capabilities: RelayCapabilities = []
    ) {
        precondition(nonce.count == Hello.nonceSize, "a nonce has 32 bytes")
        precondition(NodeID.isValid(idc), "an IDC's id follows the rule of node ids")
        self.versions = versions
        self.node = node
        self.idc = idc
        self.nonce = nonce
        self.capabilities = capabilities
    }
}

/// The versions of the protocol.
public enum RelayVersion {
    public static let supported: ClosedRange<UInt16> = 1...1

    /// The highest version that both sides speak.
    public static func common(_ a: ClosedRange<UInt16>, _ b: ClosedRange<UInt16>) -> UInt16? {
        let version = min(a.upperBound, b.upperBound)
        return version >= max(a.lowerBound, b.lowerBound) ? version : nil
    }
}

/// What a node has or can beyond its version, one bit each; bits that this version does not know are kept.
public struct RelayCapabilities: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The node has a shared secret: it will prove that it knows it, and expects the same.
    public static let proof = RelayCapabilities(rawValue: 1)
}
