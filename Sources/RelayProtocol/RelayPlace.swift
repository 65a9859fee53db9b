/// Where else a stream can be had: a node, and the address of its relay port as the peer should dial it.
///
/// Invariant: the address has 1 to `RelayLimits.address` bytes, printable ASCII without spaces.
public struct RelayPlace: Hashable, Sendable, CustomStringConvertible {
    public let node: NodeID
    /// `host:port`, `[2001:db8::1]:port`.
    public let address: String

    public init?(node: NodeID, address: String) {
        guard !address.isEmpty, address.utf8.count <= RelayLimits.address,
            address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        self.node = node
        self.address = address
    }

    public var description: String { "\(node) (\(address))" }
}
