/// The request target (RFC 9112 §3.2) taken apart into a path that cannot leave its root and a raw query.
struct RequestTarget {
    enum Path {
        /// It is safe as it stands, there among the target's bytes.
        case asSent(Range<Int>)
        case decoded(String)
    }

    let path: Path
    /// What follows the `?`.
    let query: Range<Int>

    /// The target is text without blanks or control characters.
    init(_ bytes: Span<UInt8>, _ target: Range<Int>, method: Range<Int>) throws(HTTPError) {
        if bytes.isExactly("*", at: target) {
            guard bytes.isExactly("OPTIONS", at: method) else {
                throw .bad("http_bad_target", "the target * belongs to OPTIONS only")
            }
            path = .asSent(target)
            query = target.upperBound..<target.upperBound
            return
        }
        let isPath = !target.isEmpty && bytes[target.lowerBound] == Self.slash
        let start = isPath ? target.lowerBound : try Self.afterAuthority(bytes, target)
        // Most paths are safe as they stand: nothing is escaped, and no segment begins with a dot.
        var isPlain = true
        var end = start
        var previous: UInt8 = 0
        while end < target.upperBound, bytes[end] != Self.mark {
            switch bytes[end] {
            case UInt8(ascii: "%"), UInt8(ascii: "\\"): isPlain = false
            case UInt8(ascii: ".") where previous == Self.slash: isPlain = false
            default: break
            }
            previous = bytes[end]
            end += 1
        }
        query = min(end + 1, target.upperBound)..<target.upperBound
        let raw = start..<end
        if raw.isEmpty {
            path = .decoded("/")
        } else {
            path = isPlain ? .asSent(raw) : .decoded(try Self.safePath(bytes.text(raw)))
        }
    }

    private static let slash = UInt8(ascii: "/")
    private static let mark = UInt8(ascii: "?")

    /// Proxies' clients send the absolute form, which a server must accept (RFC 9112 §3.2.2).
    private static func afterAuthority(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPError) -> Int {
        for scheme: StaticString in ["http://", "https://"] {
            let start = target.lowerBound + scheme.utf8CodeUnitCount
            guard start < target.upperBound, bytes.isSpelled(scheme, at: target.lowerBound) else { continue }
            var end = start
            while end < target.upperBound, bytes[end] != slash, bytes[end] != mark { end += 1 }
            if end > start { return end }
        }
        throw .bad("http_bad_target", "the request target is neither a path nor an http address")
    }

    /// Decodes segment by segment, so that an escaped slash cannot make new segments, and refuses dot segments
    /// before and after decoding: they are never resolved, so there is nothing to resolve wrongly.
    private static func safePath(_ raw: String) throws(HTTPError) -> String {
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
