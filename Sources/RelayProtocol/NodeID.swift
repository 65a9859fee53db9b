/// Which node: a short name from the operator's configuration, unique in the network.
///
/// Invariant: 1 to `RelayLimits.identifier` bytes, each a letter, a digit, `.`, `-` or `_`, so that it can stand in
/// logs, labels of metrics and file names as it is.
public struct NodeID: Hashable, Sendable, CustomStringConvertible {
    public let name: String

    public init?(_ name: String) {
        guard NodeID.isValid(name) else { return nil }
        self.name = name
    }

    public var description: String { name }

    /// The rule also holds for the ids of IDCs.
    public static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        return !bytes.isEmpty && bytes.count <= RelayLimits.identifier
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
