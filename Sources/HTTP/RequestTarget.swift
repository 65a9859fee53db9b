/// The request target (RFC 9112 §3.2) taken apart into a path that cannot leave its root and a raw query.
struct RequestTarget {
    let path: String
    let query: String

    init(_ target: String, method: String) throws(HTTPError) {
        if target == "*" {
            guard method == "OPTIONS" else { throw .bad("http_bad_target", "the target * belongs to OPTIONS only") }
            path = target
            query = ""
            return
        }
        var origin = Substring(target)
        if origin.utf8.first != UInt8(ascii: "/") { origin = try Self.afterAuthority(origin) }
        let mark = origin.utf8.firstIndex(of: UInt8(ascii: "?"))
        let raw = mark.map { origin[..<$0] } ?? origin
        path = Self.isPlain(raw) ? String(raw) : try Self.safePath(raw)
        query = mark.map { String(origin[origin.utf8.index(after: $0)...]) } ?? ""
    }

    /// Whether the path is safe as it stands, as most are: nothing is escaped, and no segment begins with a dot. The
    /// request line has no control characters.
    private static func isPlain(_ raw: Substring) -> Bool {
        var isFirst = false
        for byte in raw.utf8 {
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "\\"), 0x7F, 0..<0x20: return false
            case UInt8(ascii: ".") where isFirst: return false
            default: isFirst = byte == UInt8(ascii: "/")
            }
        }
        return true
    }

    /// Proxies' clients send the absolute form, which a server must accept (RFC 9112 §3.2.2).
    private static func afterAuthority(_ target: Substring) throws(HTTPError) -> Substring {
        let lower = target.prefix(8).lowercased()
        let length = lower.hasPrefix("http://") ? 7 : lower.hasPrefix("https://") ? 8 : 0
        let rest = target.dropFirst(length)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard length > 0, !authority.isEmpty else {
            throw .bad("http_bad_target", "the request target is neither a path nor an http address")
        }
        let origin = rest.dropFirst(authority.count)
        return origin.utf8.starts(with: "/".utf8) ? origin : "/" + origin
    }

    /// Decodes segment by segment, so that an escaped slash cannot make new segments, and refuses dot segments
    /// before and after decoding: they are never resolved, so there is nothing to resolve wrongly.
    private static func safePath(_ raw: Substring) throws(HTTPError) -> String {
        var path = ""
        for segment in raw.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = percentDecode(segment) else {
                throw .bad("http_bad_path", "the path has a malformed escape or is not UTF-8")
            }
            guard decoded != ".", decoded != ".." else {
                throw .bad("http_path_traversal", "the path has a dot segment")
            }
            for byte in decoded.utf8 {
                guard byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\\") else {
                    throw .bad("http_path_traversal", "the path hides a separator or a control character")
                }
            }
            path += "/" + decoded
        }
        return path
    }
}
