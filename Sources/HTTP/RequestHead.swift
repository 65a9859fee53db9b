import Media

/// The request line and headers of one request, parsed from a complete head (RFC 9112 §3 and §5).
///
/// The scanner that found the head's end has already refused NUL, bare CR and bare LF; here every byte is held
/// against the grammar, and framing that two parsers could read in two ways is refused (RFC 9112 §11.2).
struct RequestHead: Sendable {
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    let method: HeadText.Place
    /// As sent.
    let target: HeadText.Place
    /// Percent-decoded.
    let path: HeadText.Place
    /// Still encoded.
    let query: HeadText.Place
    /// Minor versions of HTTP/1, or 2 for HTTP/2.
    let version: Int
    let text: HeadText
    private(set) var framing = Framing.none

    /// `bytes` are lines that each end in CRLF, of which the last is empty; `lines` of them are reckoned with.
    init(_ bytes: [UInt8], lines: Int, limits: HTTPLimits) throws(HTTPError) {
        var text = HeadText(bytes)
        let line = try RequestLine(bytes.span, limits: limits)
        text.reserve(fields: min(lines, limits.maxHeaders))
        var position = line.end
        while bytes[position] != Ascii.cr {
            guard text.fields.count < limits.maxHeaders else { throw .tooManyHeaders(limits.maxHeaders) }
            text.append(try Self.field(bytes.span, &position))
        }
        try self.init(text, line.method, target: line.target, version: line.version)
        try checkHost()
        framing = try findFraming(limits: limits)
        if let expectation = self.text.value("expect"), !self.text.isSpelled(expectation, "100-continue") {
            throw .badExpectation()
        }
    }

    /// Of another version of HTTP, which has its own rules for what must be there.
    init(
        _ text: consuming HeadText, _ method: HeadText.Place, target: HeadText.Place, version: Int
    ) throws(HTTPError) {
        let parts = try RequestTarget(text.bytes.span, target, method: method)
        switch parts.path {
        case .asSent(let place): path = place
        case .decoded(let decoded): path = text.append(decoded.utf8)
        }
        query = parts.query
        self.method = method
        self.target = target
        self.version = version
        self.text = text
    }

    func isMethod(_ name: StaticString) -> Bool { text.bytes.span.isExactly(name, at: method) }

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    var expectsContinue: Bool { version == 1 && framing != .none && text.has("expect") }

    /// HTTP/1.1 persists unless told otherwise, HTTP/1.0 the other way round (RFC 9112 §9.3).
    var keepAlive: Bool {
        switch version {
        case 0: text.lists("connection", "keep-alive")
        case 1: !text.lists("connection", "close")
        default: true
        }
    }

    /// The key of a valid opening handshake (RFC 6455 §4.2.1).
    var webSocketKey: String? {
        guard text.lists("upgrade", "websocket"), isMethod("GET"), version == 1, framing == .none,
            text.lists("connection", "upgrade"), let version = text.single("sec-websocket-version"),
            text.isSpelled(version, "13"), let key = text.single("sec-websocket-key").map(text.text),
            WebSocket.isKey(key)
        else { return nil }
        return key
    }

    // MARK: Parsing

    /// The field whose line begins at `position`, which goes on to the next.
    private static func field(_ bytes: Span<UInt8>, _ position: inout Int) throws(HTTPError) -> HeadText.Field {
        if Ascii.isBlank(bytes[position]) { throw .bad("http_folded_header", "a header is folded over several lines") }
        var colon = position
        while Ascii.isToken(bytes[colon]) { colon += 1 }
        guard colon > position, bytes[colon] == Ascii.colon else {
            if colon > position, Ascii.isBlank(bytes[colon]) {
                throw .bad("http_space_before_colon", "a header name is followed by a blank")
            }
            throw .bad("http_bad_header_name", "a header name is empty or has a forbidden character")
        }
        var end = colon + 1
        while Ascii.isFieldValue(bytes[end]) { end += 1 }
        guard bytes[end] == Ascii.cr else {
            throw .bad("http_bad_header_value", "a header value has a control character")
        }
        defer { position = end + 2 }
        return HeadText.Field(name: position..<colon, value: bytes.trimmed(colon + 1..<end))
    }

    /// RFC 9112 §3.2: one Host, and in HTTP/1.1 not none.
    private func checkHost() throws(HTTPError) {
        let count = text.count("host")
        guard count == 1 || count == 0 && version == 0 else {
            throw .bad("http_bad_host", "the request has \(count) Host headers instead of one")
        }
    }

    private func findFraming(limits: HTTPLimits) throws(HTTPError) -> Framing {
        let codings = text.count("transfer-encoding")
        let lengths = text.count("content-length")
        guard codings == 0 || lengths == 0 else {
            throw .bad("http_ambiguous_length", "the request has both Content-Length and Transfer-Encoding")
        }
        if let coding = text.value("transfer-encoding") {
            guard version == 1 else {
                throw .bad("http_ambiguous_length", "an HTTP/1.0 request has a Transfer-Encoding")
            }
            guard codings == 1, text.isSpelled(coding, "chunked") else { throw .badTransferCoding() }
            return .chunked
        }
        guard lengths <= 1 else {
            throw .bad("http_ambiguous_length", "the request has \(lengths) Content-Length headers")
        }
        guard let digits = text.value("content-length").map({ text.bytes[$0] }) else { return .none }
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .bad("http_bad_length", "the Content-Length is not a plain number")
        }
        // Saturates instead of overflowing: a number of any length is merely too large.
        var length = 0
        for digit in digits where length <= limits.maxBody { length = length * 10 + Int(digit - UInt8(ascii: "0")) }
        guard length <= limits.maxBody else { throw .bodyTooLarge(limits.maxBody) }
        return length == 0 ? .none : .length(length)
    }
}
