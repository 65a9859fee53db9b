/// Why what came is no PROXY header. The connection ends.
public enum ProxyError: Error, Hashable, CustomStringConvertible {
    case notAHeader
    case textTooLong
    case malformedText
    case unknownVersion(UInt8)
    case unknownCommand(UInt8)
    case tooLong(announced: Int)
    case truncatedAddresses

    public var description: String {
        switch self {
        case .notAHeader: "the connection does not begin with a PROXY header, which its listener expects of that peer"
        case .textTooLong: "a PROXY line has no end within \(TextHeader.limit) bytes"
        case .malformedText: "a PROXY line is not PROXY TCP4|TCP6|UNKNOWN and two addresses and ports"
        case .unknownVersion(let version): "a binary PROXY header has version \(version); only 2 is known"
        case .unknownCommand(let command): "a binary PROXY header has command \(command); 0 and 1 are known"
        case .tooLong(let announced): "a PROXY header announces \(announced) bytes; the limit is \(ProxyHeader.limit)"
        case .truncatedAddresses: "a binary PROXY header is too short for its addresses"
        }
    }

    /// As it stands in the metrics.
    public var reason: String { "proxy_header" }
}
