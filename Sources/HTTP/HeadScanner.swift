/// Finds the end of a request's head in a growing buffer, looking at each byte once.
///
/// It refuses what line-based parsers disagree about (NUL, a CR or LF on its own, RFC 9112 §2.2) and heads longer
/// than the limits as soon as the byte arrives, so that a header that never ends is never stored.
struct HeadScanner: Sendable {
    /// Where the head starts, behind an empty line that was skipped.
    private(set) var start = 0
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

    /// The position behind the empty line that ends the head, or nil if it is not there yet.
    mutating func scan(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPError) -> Int? {
        while position < bytes.count {
            if line == start, position - start >= limits.maxTarget + HTTPLimits.requestLineOverhead {
                throw .targetTooLong(limits.maxTarget)
            }
            guard position - start < limits.maxHeaderBytes else { throw .headerTooLarge(limits.maxHeaderBytes) }
            let byte = bytes[position]
            let afterCR = position > line && bytes[position - 1] == Ascii.cr
            if byte == Ascii.lf {
                guard afterCR else { throw .bad("http_bare_lf", "a line ends in LF without CR") }
                position += 1
                if try endLine() { return position }
            } else if afterCR {
                throw .bad("http_bare_cr", "a CR is not followed by LF")
            } else if position == start, byte != Ascii.cr, !Ascii.isToken(byte) {
                throw Self.notHTTP(byte)
            } else if byte == 0 {
                throw .bad("http_nul", "the request has a NUL byte")
            } else {
                position += 1
            }
        }
        return nil
    }

    /// A line has ended just before `position`; returns whether it was the head's last, the empty one.
    private mutating func endLine() throws(HTTPError) -> Bool {
        let isEmpty = position - line == 2
        if isEmpty, line > start { return true }
        line = position
        guard isEmpty else { return false }
        // One empty line before the request line is an old habit (RFC 9112 §2.2), more are an attack.
        guard !skippedEmptyLine else { throw .bad("http_bad_request_line", "empty lines precede the request") }
        skippedEmptyLine = true
        start = position
        return false
    }

    private static func notHTTP(_ first: UInt8) -> HTTPError {
        switch first {
        case 0x16: .bad("http_tls_on_plain", "a TLS handshake came to the plain HTTP port")
        case 0x03: .bad("http_rtmp_on_http", "an RTMP handshake came to the HTTP port")
        default: .bad("http_not_http", "the first byte is not that of an HTTP request")
        }
    }
}
