/// `method SP request-target SP HTTP-version`, with exactly one space between them (RFC 9112 §3).
struct RequestLine {
    let method: Range<Int>
    let target: Range<Int>
    let version: Int
    /// Where the next line begins.
    let end: Int

    /// The line is the first of the bytes, and not their last: where it ends there is a CRLF.
    init(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPError) {
        var methodEnd = 0
        while Ascii.isToken(bytes[methodEnd]) { methodEnd += 1 }
        guard (1...HTTPLimits.maxMethod).contains(methodEnd), bytes[methodEnd] == Ascii.space else {
            throw .bad("http_bad_request_line", "the request line does not start with a method and a space")
        }
        method = 0..<methodEnd

        var targetEnd = methodEnd + 1
        var isASCII = true
        while Self.isTarget(bytes[targetEnd]) {
            if bytes[targetEnd] >= 0x80 { isASCII = false }
            targetEnd += 1
        }
        target = methodEnd + 1..<targetEnd
        guard target.count <= limits.maxTarget else { throw .targetTooLong(limits.maxTarget) }
        guard !target.isEmpty, bytes[targetEnd] == Ascii.space else {
            throw .bad("http_bad_request_line", "the request target is empty, malformed or without a version")
        }
        (version, end) = try Self.version(bytes, at: targetEnd + 1)
        // ffmpeg sends names above ASCII as typed, unescaped.
        if !isASCII, (try? UTF8Span(validating: bytes.extracting(target))) == nil {
            throw .bad("http_bad_target", "the request target is not UTF-8")
        }
    }

    private static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: "#")
    }

    /// A higher minor version is read as 1.1 (RFC 9110 §2.5).
    private static func version(_ bytes: Span<UInt8>, at start: Int) throws(HTTPError) -> (version: Int, end: Int) {
        let major: StaticString = "HTTP/1."
        let end = start + major.utf8CodeUnitCount + 1
        guard end + 1 < bytes.count, bytes[end] == Ascii.cr,
            bytes.isExactly(major, at: start..<end - 1)
        else { throw .badVersion() }
        let minor = bytes[end - 1]
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(minor) else { throw .badVersion() }
        return (minor == UInt8(ascii: "0") ? 0 : 1, end + 2)
    }
}
