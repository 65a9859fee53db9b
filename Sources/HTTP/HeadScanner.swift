/// Finds the end of a request's head in a growing buffer, looking at each byte once.
///
/// It refuses what line-based parsers disagree about (NUL, a CR or LF on its own, RFC 9112 §2.2) and heads longer
/// than the limits as soon as the byte arrives, so that a header that never ends is never stored.
struct HeadScanner: Sendable {
    /// Where the head starts, behind an empty line that was skipped.
    private(set) var start = 0
    /// Lines of the head that have ended.
    private(set) var lines = 0
    private var position = 0
    /// Where the current line starts.
    private var line = 0
    private var skippedEmptyLine = false

    /// Starts a new head at that position.
    mutating func restart(at position: Int) {
        self = HeadScanner()
        start = position
        self.position = position
        line = position
    }

    /// Follows a buffer whose first bytes were removed.
    mutating func shift(by count: Int) {
        start -= count
        position -= count
        line -= count
    }

    /// Whether it stands at the beginning of a head.
    var hasSeenNothing: Bool { position == start }

    /// Whether the first line of a head is there whole, and nothing in it that no request line has.
    func hasFirstLine(_ bytes: Span<UInt8>, limits: HTTPLimits) -> Bool {
        let end = min(bytes.count, start + limits.firstLine) - 1
        var at = start
        while at < end, bytes[at] >= Ascii.space { at += 1 }
        return at < end && bytes[at] == Ascii.cr && bytes[at + 1] == Ascii.lf
    }

    /// The position behind the empty line that ends the head, or nil if it is not there yet.
    mutating func scan(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPError) -> Int? {
        while position < bytes.count {
            let limit = start + (line == start ? limits.firstLine : limits.maxHeaderBytes)
            let end = min(bytes.count, limit)
            if position == start, position < end { try checkFirst(bytes[position]) }
            guard try findLineEnd(bytes, before: end) else {
                guard end < bytes.count else { return nil }
                throw line == start && limits.isTargetShorter
                    ? .targetTooLong(limits.maxTarget) : .headerTooLarge(limits.maxHeaderBytes)
            }
            if try endLine() { return position }
        }
        return nil
    }

    /// Goes on to the line's end or to `end`, or to a CR that stands there last: what follows it has to be seen.
    private mutating func findLineEnd(_ bytes: Span<UInt8>, before end: Int) throws(HTTPError) -> Bool {
        let rest = bytes.extracting(position..<end)
        var at = 0
        defer { position += at }
        while at < rest.count {
            guard rest[at] <= Ascii.cr else {
                at += 1
                continue
            }
            switch rest[at] {
            case Ascii.cr:
                guard at + 1 < rest.count else { return false }
                guard rest[at + 1] == Ascii.lf else { throw .bad("http_bare_cr", "a CR is not followed by LF") }
                at += 2
                return true
            case Ascii.lf: throw .bad("http_bare_lf", "a line ends in LF without CR")
            case 0: throw .bad("http_nul", "the request has a NUL byte")
            default: at += 1
            }
        }
        return false
    }

    /// A line has ended just before `position`; returns whether it was the head's last, the empty one.
    private mutating func endLine() throws(HTTPError) -> Bool {
        let isEmpty = position - line == 2
        lines += 1
        if isEmpty, line > start { return true }
        line = position
        guard isEmpty else { return false }
        // One empty line before the request line is an old habit (RFC 9112 §2.2), more are an attack.
        guard !skippedEmptyLine else { throw .bad("http_bad_request_line", "empty lines precede the request") }
        skippedEmptyLine = true
        start = position
        lines = 0
        return false
    }

    /// What another protocol begins with is told apart.
    private func checkFirst(_ byte: UInt8) throws(HTTPError) {
        guard byte != Ascii.cr, byte != Ascii.lf, !Ascii.isToken(byte) else { return }
        switch byte {
        case 0x16: throw .bad("http_tls_on_plain", "a TLS handshake came to the plain HTTP port")
        case 0x03: throw .bad("http_rtmp_on_http", "an RTMP handshake came to the HTTP port")
        default: throw .bad("http_not_http", "the first byte is not that of an HTTP request")
        }
    }
}

extension HTTPLimits {
    /// Whether the first line meets the limit of its target before that of all headers.
    fileprivate var isTargetShorter: Bool { maxTarget + Self.requestLineOverhead <= maxHeaderBytes }

    /// Bytes of the first line.
    fileprivate var firstLine: Int { min(maxTarget + Self.requestLineOverhead, maxHeaderBytes) }
}
