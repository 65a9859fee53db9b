/// An answer that is given over and over: the head that HTTP/1.1 puts before its body is made once. What differs from one
/// time to the next, the date and whether the connection goes on, stands behind it as the head's tail.
public struct PreparedResponse: Sendable {
    /// As values, without the body: for what is not sent as it was prepared.
    public let response: HTTPResponse
    /// The status line and all headers but those of the tail.
    public let head: [UInt8]

    /// Where the headers lie in it that the answer has too when the client is told that nothing has changed.
    private let lasting: Range<Int>

    /// - Parameter length: of the body.
    public init(_ response: HTTPResponse, length: Int) {
        var response = response
        response.body = []
        var head = HTTPResponse.statusLine(response.status)
        let start = head.count
        for header in response.headers { HTTPResponse.append(header.name, header.value, to: &head) }
        lasting = start..<head.count
        HTTPResponse.append("Content-Length", "\(length)", to: &head)
        self.response = response
        self.head = head
    }

    /// For a client that has it already: 304, with what the answer itself would say (RFC 9110 §15.4.5).
    public var unchangedHead: [UInt8] { HTTPResponse.statusLine(304) + head[lasting] }

    /// What ends a head: the same for all answers of one second.
    public static func tail(date: String, keepAlive: Bool) -> [UInt8] {
        var tail: [UInt8] = []
        HTTPResponse.append("Date", date, to: &tail)
        HTTPResponse.append("Connection", keepAlive ? "keep-alive" : "close", to: &tail)
        return tail + [Ascii.cr, Ascii.lf]
    }
}
