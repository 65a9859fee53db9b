/// Version 1: one line, `PROXY TCP4 client server client-port server-port`, at most 107 bytes with its end.
import Media

enum TextHeader {
    static let limit = 107
    private static let start: [UInt8] = Array("PROXY ".utf8)

    static func parse(_ bytes: Span<UInt8>) throws(ProxyError) -> ProxyHeader? {
        guard ProxyHeader.begins(bytes, start) else { throw .notAHeader }
        var end = 0
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        guard end < min(bytes.count, limit) else {
            if bytes.count >= limit { throw .textTooLong }
            return nil
        }
        guard end > start.count, bytes[end - 1] == UInt8(ascii: "\r"),
            let line = String(validating: bytes.copy(start.count..<end - 1), as: UTF8.self)
        else { throw .malformedText }
        return ProxyHeader(source: try source(line), size: end + 1)
    }

    private static func source(_ line: String) throws(ProxyError) -> ProxyHeader.Source? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        // What follows UNKNOWN is to be ignored.
        if words[0] == "UNKNOWN" { return nil }
        guard words.count == 5, words[0] == "TCP4" || words[0] == "TCP6", let port = number(words[3]),
            number(words[4]) != nil
        else { throw .malformedText }
        for address in words[1...2] where !isAddress(address, isLong: words[0] == "TCP6") { throw .malformedText }
        return ProxyHeader.Source(host: String(words[1]), port: port)
    }

    private static func number(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return UInt16(text)
    }

    /// Whether the text can stand in a log as an address; that it is the client's is the proxy's word.
    private static func isAddress(_ text: Substring, isLong: Bool) -> Bool {
        if !isLong {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts.allSatisfy { $0.utf8.count <= 3 && (number($0) ?? 256) < 256 }
        }
        guard text.utf8.count <= 45, text.utf8.count >= 2, text.utf8.contains(UInt8(ascii: ":")) else { return false }
        return text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }
}
