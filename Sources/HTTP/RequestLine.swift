import Media

/// `method SP request-target SP HTTP-version`, with exactly one space between them (RFC 9112 §3).
struct RequestLine {
    let method: String
    let target: String
    let version: Int

    init(_ line: Span<UInt8>, limits: HTTPLimits) throws(HTTPError) {
        var methodEnd = 0
        while methodEnd < line.count, Ascii.isToken(line[methodEnd]) { methodEnd += 1 }
        guard (1...HTTPLimits.maxMethod).contains(methodEnd), methodEnd < line.count,
            line[methodEnd] == Ascii.space
        else { throw .bad("http_bad_request_line", "the request line does not start with a method and a space") }

        let targetStart = methodEnd + 1
        var targetEnd = targetStart
        while targetEnd < line.count, Self.isTarget(line[targetEnd]) { targetEnd += 1 }
        guard targetEnd - targetStart <= limits.maxTarget else { throw .targetTooLong(limits.maxTarget) }
        guard targetEnd > targetStart, targetEnd < line.count, line[targetEnd] == Ascii.space else {
            throw .bad("http_bad_request_line", "the request target is empty, malformed or without a version")
        }
        version = try Self.version(line.extracting((targetEnd + 1)...))
        method = line.text(0..<methodEnd)
        // ffmpeg sends names above ASCII as typed, unescaped.
        do {
            target = String(copying: try UTF8Span(validating: line.extracting(targetStart..<targetEnd)))
        } catch {
            throw .bad("http_bad_target", "the request target is not UTF-8")
        }
    }

    private static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: "#")
    }

    /// A higher minor version is read as 1.1 (RFC 9110 §2.5).
    private static func version(_ text: Span<UInt8>) throws(HTTPError) -> Int {
        let name: StaticString = "HTTP/"
        guard text.count == name.utf8CodeUnitCount + 3 else { throw .badVersion() }
        let major: StaticString = "HTTP/1."
        for i in 0..<major.utf8CodeUnitCount where text[i] != major.utf8Start[i] { throw .badVersion() }
        let minor = text[major.utf8CodeUnitCount]
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(minor) else { throw .badVersion() }
        return minor == UInt8(ascii: "0") ? 0 : 1
    }
}
