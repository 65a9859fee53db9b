/// The request line and headers of one request, parsed from a complete head (RFC 9112 §3 and §5).
///
/// The scanner that found the head's end has already refused NUL, bare CR and bare LF; here every byte is held
/// against the grammar, and framing that two parsers could read in two ways is refused (RFC 9112 §11.2).
struct RequestHead: Sendable {
    typealias Place = Range<Int>

    let method: Place
    /// As sent.
    let target: Place
    /// Percent-decoded.
    let path: Place
    /// Still encoded.
    let query: Place
    /// What those lie in. Of HTTP/1 the whole head, and what of the path had to be decoded.
    private(set) var bytes: [UInt8]
    let block: FieldBlock

    /// Of HTTP/1, with the request line that the bytes begin with.
    init(_ bytes: [UInt8], _ line: RequestLine, _ block: FieldBlock) throws(HTTPError) {
        try self.init(bytes, line.method, target: line.target, block)
    }

    init(_ bytes: consuming [UInt8], _ method: Place, target: Place, _ block: FieldBlock) throws(HTTPError) {
        let parts = try RequestTarget(bytes.span, target, method: method)
        switch parts.path {
        case .asSent(let place): path = place
        case .decoded(let decoded):
            let start = bytes.count
            bytes += decoded.utf8
            path = start..<bytes.count
        }
        query = parts.query
        self.method = method
        self.target = target
        self.block = block
        self.bytes = bytes
    }

    var fields: FieldText { block.text }
    /// Minor versions of HTTP/1, or 2 for HTTP/2.
    var version: Int { block.version }

    func text(_ place: Place) -> String { String(decoding: bytes[place], as: UTF8.self) }

    func isMethod(_ name: StaticString) -> Bool { bytes.span.isExactly(name, at: method) }

    /// The key of a valid opening handshake (RFC 6455 §4.2.1).
    var webSocketKey: String? { block.handshakeKey.flatMap { isMethod("GET") ? $0 : nil } }
}
