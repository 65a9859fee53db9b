/// The header fields of a request, and what HTTP makes of them. A client says the same in request upon request: blocks are
/// shared (`FieldMemory`), and what they mean is found out once.
final class FieldBlock: Sendable {
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    let text: FieldText
    /// Minor version of HTTP/1 that the request line says, on which the rest depends, or 2 for HTTP/2.
    let version: Int
    let framing: Framing
    /// HTTP/1.1 persists unless told otherwise, HTTP/1.0 the other way round (RFC 9112 §9.3).
    let keepAlive: Bool
    /// The key of an opening handshake that is valid if the method is `GET` (RFC 6455 §4.2.1).
    let handshakeKey: String?
    /// `User-Agent`.
    let agent: String?

    /// Of HTTP/1.
    init(_ text: FieldText, version: Int, limits: HTTPLimits) throws(HTTPError) {
        try Self.checkHost(text, version: version)
        framing = try Self.framing(text, version: version, limits: limits)
        if let expectation = text.value("expect"), !text.isSpelled(expectation, "100-continue") {
            throw .badExpectation()
        }
        keepAlive = version == 0 ? text.lists("connection", "keep-alive") : !text.lists("connection", "close")
        handshakeKey = version == 1 && framing == .none ? Self.handshakeKey(text) : nil
        agent = text.value("user-agent").map(text.text)
        self.version = version
        self.text = text
    }

    /// Of the head that begins with that line.
    convenience init(_ head: [UInt8], from line: RequestLine, lines: Int, limits: HTTPLimits) throws(HTTPError) {
        let text = try FieldText(Array(head[line.end...]), lines: lines, limits: limits)
        try self.init(text, version: line.version, limits: limits)
    }

    /// Of another version of HTTP, which has its own rules for what must be there.
    init(_ text: FieldText, version: Int) {
        framing = .none
        keepAlive = true
        handshakeKey = nil
        agent = text.value("user-agent").map(text.text)
        self.version = version
        self.text = text
    }

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    var expectsContinue: Bool { version == 1 && framing != .none && text.value("expect") != nil }

    /// RFC 9112 §3.2: one Host, and in HTTP/1.1 not none.
    private static func checkHost(_ text: FieldText, version: Int) throws(HTTPError) {
        let count = text.count("host")
        guard count == 1 || count == 0 && version == 0 else {
            throw .bad("http_bad_host", "the request has \(count) Host headers instead of one")
        }
    }

    private static func framing(_ text: FieldText, version: Int, limits: HTTPLimits) throws(HTTPError) -> Framing {
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

    private static func handshakeKey(_ text: FieldText) -> String? {
        guard text.lists("upgrade", "websocket"), text.lists("connection", "upgrade"),
            let version = text.single("sec-websocket-version"), text.isSpelled(version, "13"),
            let key = text.single("sec-websocket-key").map(text.text), WebSocket.isKey(key)
        else { return nil }
        return key
    }
}
