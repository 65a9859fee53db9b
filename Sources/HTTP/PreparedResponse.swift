/// An answer that is given over and over: the head that HTTP/1.1 puts before its body is made once. What differs from one
/// time to the next, the date and whether the connection goes on, stands behind it as the head's tail.
public struct PreparedResponse: Sendable {
    /// As values, without the body: for what is not sent as it was prepared.
    public let response: HTTPResponse
    /// The status line and all headers but those of the tail.
    public let head: [UInt8]

    /// - Parameter length: of the body.
    public init(_ response: HTTPResponse, length: Int) {
        var response = response
        response.body = []
        var head = HTTPResponse.statusLine(response.status)
        for header in response.headers { HTTPResponse.append(header.name, header.value, to: &head) }
        HTTPResponse.append("Content-Length", "\(length)", to: &head)
        self.response = response
        self.head = head
    }

    /// What ends a head: the same for all answers of one second.
    public static func tail(date: String, keepAlive: Bool) -> [UInt8] {
        var tail: [UInt8] = []
        HTTPResponse.append("Date", date, to: &tail)
        HTTPResponse.append("Connection", keepAlive ? "keep-alive" : "close", to: &tail)
        return tail + [Ascii.cr, Ascii.lf]
    }
}
