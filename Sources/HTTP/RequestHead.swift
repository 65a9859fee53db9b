import Media

/// The request line and headers of one request, parsed from a complete head (RFC 9112 §3 and §5).
///
/// The scanner that found the head's end has already refused NUL, bare CR and bare LF; here every byte is held
/// against the grammar, and framing that two parsers could read in two ways is refused (RFC 9112 §11.2).
struct RequestHead {
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    let method: String
    let target: String
    let path: String
    let query: String
    let version: Int
    let headers: [HTTPRequest.Header]
    private(set) var framing = Framing.none

    /// `bytes` ends with the empty line.
    init(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPError) {
        var position = 0
        guard let first = nextLine(bytes, &position) else {
            throw .bad("http_bad_request_line", "the request line is missing")
        }
        let line = try RequestLine(bytes.extracting(first), limits: limits)
        var headers: [HTTPRequest.Header] = []
        while let range = nextLine(bytes, &position), !range.isEmpty {
            guard headers.count < limits.maxHeaders else { throw .tooManyHeaders(limits.maxHeaders) }
            headers.append(try Self.header(bytes.extracting(range)))
        }
        let parts = try RequestTarget(line.target, method: line.method)
        method = line.method
        target = line.target
        version = line.version
        path = parts.path
        query = parts.query
        self.headers = headers
        try checkHost()
        framing = try findFraming(limits: limits)
        if let expectation = value("expect"), expectation.lowercased() != "100-continue" { throw .badExpectation() }
    }

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    var expectsContinue: Bool { version == 1 && framing != .none && value("expect") != nil }

    /// HTTP/1.1 persists unless told otherwise, HTTP/1.0 the other way round (RFC 9112 §9.3).
    var keepAlive: Bool { version == 1 ? !lists("connection", "close") : lists("connection", "keep-alive") }

    /// The key of a valid opening handshake (RFC 6455 §4.2.1).
    var webSocketKey: String? {
        guard method == "GET", version == 1, framing == .none, lists("connection", "upgrade"),
            lists("upgrade", "websocket"), single("sec-websocket-version") == "13",
            let key = single("sec-websocket-key"), WebSocket.isKey(key)
        else { return nil }
        return key
    }

    /// Whether any header of that name lists the token, whatever its case.
    func lists(_ name: String, _ token: String) -> Bool {
        headers.contains { header in
            header.name == name && Ascii.list(header.value).contains { $0.lowercased() == token }
        }
    }

    private func value(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    private func single(_ name: String) -> String? {
        let all = headers.filter { $0.name == name }
        return all.count == 1 ? all[0].value : nil
    }

    private static func header(_ line: Span<UInt8>) throws(HTTPError) -> HTTPRequest.Header {
        if Ascii.isBlank(line[0]) { throw .bad("http_folded_header", "a header is folded over several lines") }
        var colon = 0
        while colon < line.count, Ascii.isToken(line[colon]) { colon += 1 }
        guard colon > 0, colon < line.count, line[colon] == Ascii.colon else {
            if colon > 0, colon < line.count, Ascii.isBlank(line[colon]) {
                throw .bad("http_space_before_colon", "a header name is followed by a blank")
            }
            throw .bad("http_bad_header_name", "a header name is empty or has a forbidden character")
        }
        var start = colon + 1
        var end = line.count
        while start < end, Ascii.isBlank(line[start]) { start += 1 }
        while end > start, Ascii.isBlank(line[end - 1]) { end -= 1 }
        for i in start..<end where !Ascii.isFieldValue(line[i]) {
            throw .bad("http_bad_header_value", "a header value has a control character")
        }
        return HTTPRequest.Header(
            name: line.lowercaseText(0..<colon), value: line.text(start..<end))
    }

    /// RFC 9112 §3.2: one Host, and in HTTP/1.1 not none.
    private func checkHost() throws(HTTPError) {
        let count = headers.count { $0.name == "host" }
        guard count == 1 || count == 0 && version == 0 else {
            throw .bad("http_bad_host", "the request has \(count) Host headers instead of one")
        }
    }

    private func findFraming(limits: HTTPLimits) throws(HTTPError) -> Framing {
        // Most requests have neither.
        guard headers.contains(where: { $0.name == "transfer-encoding" || $0.name == "content-length" }) else {
            return .none
        }
        let codings = headers.filter { $0.name == "transfer-encoding" }
        let lengths = headers.filter { $0.name == "content-length" }
        guard codings.isEmpty || lengths.isEmpty else {
            throw .bad("http_ambiguous_length", "the request has both Content-Length and Transfer-Encoding")
        }
        if !codings.isEmpty {
            guard version == 1 else {
                throw .bad("http_ambiguous_length", "an HTTP/1.0 request has a Transfer-Encoding")
            }
            guard codings.count == 1, codings[0].value.lowercased() == "chunked" else { throw .badTransferCoding() }
            return .chunked
        }
        guard lengths.count <= 1 else {
            throw .bad("http_ambiguous_length", "the request has \(lengths.count) Content-Length headers")
        }
        guard let text = lengths.first?.value.utf8 else { return .none }
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .bad("http_bad_length", "the Content-Length is not a plain number")
        }
        // Saturates instead of overflowing: a number of any length is merely too large.
        var length = 0
        for digit in text where length <= limits.maxBody { length = length * 10 + Int(digit - UInt8(ascii: "0")) }
        guard length <= limits.maxBody else { throw .bodyTooLarge(limits.maxBody) }
        return length == 0 ? .none : .length(length)
    }
}

/// The line of a head at `position` without its CRLF; every LF is known to follow a CR.
private func nextLine(_ bytes: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
    let start = position
    var end = start
    while end < bytes.count, bytes[end] != Ascii.lf { end += 1 }
    guard end < bytes.count, end > start else { return nil }
    position = end + 1
    return start..<end - 1
}
