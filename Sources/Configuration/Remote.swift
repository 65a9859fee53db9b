/// Another machine's address and port: `relay1.example.net:1937`, `192.0.2.7:1937`, `[2001:db8::7]:1937`; over plain TCP
/// unless `tls://` or `srt://` stands before it. Names are looked up when they are needed, each time anew.
public struct Remote: Sendable, Hashable, CustomStringConvertible {
    public enum Transport: String, Sendable, CaseIterable {
        case tcp, tls, srt
    }

    public let transport: Transport
    public let host: String
    public let port: Int

    public init(host: String, port: Int, over transport: Transport = .tcp) {
        self.transport = transport
        self.host = host
        self.port = port
    }

    /// The longest host name, in bytes (RFC 1035 §2.3.4).
    private static let longestHost = 253

    /// Reads `HOST:PORT`, with a scheme or without.
    public init?(_ text: String) {
        var text = text[...]
        var transport = Transport.tcp
        for each in Transport.allCases where text.hasPrefix("\(each)://") {
            transport = each
            text = text.dropFirst("\(each)://".count)
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = ValueType<Int>.digits(text[text.index(after: colon)...]), (1...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard Remote.isHost(host) else { return nil }
        self.init(host: String(host), port: port, over: transport)
    }

    static func isHost(_ host: some StringProtocol) -> Bool {
        !host.isEmpty && host.utf8.count <= longestHost
            && host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
    }

    public var description: String {
        let scheme = transport == .tcp ? "" : "\(transport)://"
        return scheme + (host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)")
    }
}

extension ValueType<String> {
    /// A host's name or address, without a port; `word` stands for none.
    static func host(or word: String) -> Self {
        let expectation = "a host's name or address, or \(word)"
        return ValueType(
            expectation: expectation,
            read: { (texts) throws(ValueFault) in
                if texts[0] == word { return "" }
                guard Remote.isHost(texts[0]) else {
                    throw ValueFault("\(quoted(texts[0])) is not a host", "write \(expectation)")
                }
                return texts[0]
            },
            show: { $0.isEmpty ? word : $0 })
    }
}

extension ValueType<[Remote]> {
    /// Addresses one key may list.
    private static var listLimit: Int { 64 }

    /// Each over one of `transports`.
    static func remotes(over transports: [Remote.Transport]) -> Self {
        let schemes = transports.filter { $0 != .tcp }.map { "\($0)://" }.joined(separator: " or ")
        return addresses(
            suchAs: "relay.example.net:1937", limit: listLimit, begins: { _ in true },
            append: { (text, found: inout [Remote]) throws(ValueFault) in
                guard let remote = Remote(text) else {
                    throw ValueFault("\(quoted(text)) is not an address", "write HOST:PORT, or [IPV6]:PORT")
                }
                guard transports.contains(remote.transport) else {
                    throw ValueFault(
                        "\(quoted(text)) is not reached over \(remote.transport)",
                        "put \(schemes) before it, or nothing for plain TCP")
                }
                if found.contains(remote) { throw ValueFault("lists \(remote) twice", "delete one of them") }
                found.append(remote)
            })
    }
}
