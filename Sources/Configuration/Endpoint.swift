/// An address to listen on: `127.0.0.1:8081`, `[::1]:1935`, or `:1935` for every address of the machine, IPv4 and
/// IPv6. The host is always an address, never a name: a server must not wait for a resolver before it listens.
import Glibc

public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The host of `:PORT`: the IPv6 wildcard, which takes IPv4 too.
    public static let everywhere = "::"

    public let host: String
    /// 0 lets the kernel choose.
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`.
    init(_ text: String) throws(ValueFault) {
        guard let colon = text.lastIndex(of: ":") else {
            let isPort = Endpoint.port(text[...]) != nil
            throw ValueFault(
                "\(quoted(text)) has no port", isPort ? "write \":\(text)\"" : "write HOST:PORT, for example :1935")
        }
        guard let port = Endpoint.port(text[text.index(after: colon)...]) else {
            throw ValueFault("\(quoted(text)) does not end in a port", "write HOST:PORT with a port from 0 to 65535")
        }
        self.init(host: try Endpoint.host(text[..<colon]), port: port)
    }

    public var description: String {
        if host == Endpoint.everywhere { return ":\(port)" }
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func port(_ text: Substring) -> Int? {
        guard let port = ValueType<Int>.digits(text), port <= 65_535 else { return nil }
        return port
    }

    private static func host(_ text: Substring) throws(ValueFault) -> String {
        if text.isEmpty || text == "*" { return everywhere }
        if text == "localhost" { return "127.0.0.1" }
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = String(text.dropFirst().dropLast())
            if isAddress(inner, family: AF_INET6) { return inner }
        } else if isAddress(String(text), family: AF_INET) {
            return String(text)
        } else if isAddress(String(text), family: AF_INET6) {
            throw ValueFault("\(quoted(String(text))) is an IPv6 address without brackets", "write [\(text)]:PORT")
        }
        throw ValueFault(
            "\(quoted(String(text))) is not an IP address", "write an address of this machine, or :PORT for all of them"
        )
    }

    private static func isAddress(_ text: String, family: Int32) -> Bool {
        // `inet_pton` reads up to the first NUL; what stands behind one would go unseen.
        guard !text.utf8.contains(0) else { return false }
        var address = in6_addr()
        return inet_pton(family, text, &address) == 1
    }
}
