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
        if !origin.utf8.starts(with: "/".utf8) { origin = try Self.afterAuthority(origin) }
        let parts = origin.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = try Self.safePath(parts[0])
        query = parts.count > 1 ? String(parts[1]) : ""
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
