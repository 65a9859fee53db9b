/// A complete response, or the head of a live one, as bytes.
///
/// Whatever a header value holds, the encoded head has no line that was not meant: control characters become
/// spaces, so that a peer's text (an origin, a stream name) can be put into a header without splitting it.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var body: [UInt8] = []
    public private(set) var headers: [(name: String, value: String)] = []

    public init(status: Int) { self.status = status }

    /// A short plain-text answer.
    public init(status: Int, text: String) {
        self.status = status
        body = Array(text.utf8)
        set("Content-Type", "text/plain; charset=utf-8")
    }

    /// An API's answer, which no cache may keep.
    public static func json(_ body: [UInt8], status: Int = 200) -> HTTPResponse {
        var response = HTTPResponse(status: status)
        response.set("Content-Type", "application/json")
        response.set("Cache-Control", "no-store")
        response.body = body
        return response
    }

    /// The answer to a violation; send it without keep-alive.
    public init(_ error: HTTPError) { self.init(status: error.status, text: error.description + "\n") }

    public func header(_ name: String) -> String? {
        let lower = name.lowercased()
        return headers.first { $0.name.lowercased() == lower }?.value
    }

    /// Sets the header, in place of any of that name.
    public mutating func set(_ name: String, _ value: String) {
        precondition(Ascii.isToken(name), "header names are our own")
        let lower = name.lowercased()
        headers.removeAll { $0.name.lowercased() == lower }
        headers.append((name, value))
    }

    public mutating func set(_ headers: [(name: String, value: String)]) {
        for header in headers { set(header.name, header.value) }
    }

    /// The response's bytes; `head` leaves out the body but not its length (RFC 9110 §9.3.2). `following`: the length of a
    /// body that is sent behind these bytes.
    public func encode(
        head: Bool = false, keepAlive: Bool, date: String? = nil, following: Int? = nil
    ) -> [UInt8] {
        var out = Self.statusLine(status)
        out.reserveCapacity(256 + (head ? 0 : body.count))
        if let date { Self.append("Date", date, to: &out) }
        for header in headers { Self.append(header.name, header.value, to: &out) }
        // RFC 9110 §8.6: no Content-Length where there can be no content.
        let bodiless = status < 200 || status == 204 || status == 304
        if !bodiless { Self.append("Content-Length", "\(following ?? body.count)", to: &out) }
        Self.append("Connection", keepAlive ? "keep-alive" : "close", to: &out)
        out += [Ascii.cr, Ascii.lf]
        if !head, !bodiless, following == nil { out += body }
        return out
    }

    /// The head of a live response that ends when the connection does. It has neither a length nor chunks, so the
    /// bytes behind it are the same for every viewer.
    public static func streamHead(
        status: Int = 200, contentType: String = "video/x-flv", extra: [(name: String, value: String)] = [],
        date: String? = nil
    ) -> [UInt8] {
        var out = statusLine(status)
        if let date { append("Date", date, to: &out) }
        append("Content-Type", contentType, to: &out)
        append("Cache-Control", "no-store", to: &out)
        append("Access-Control-Allow-Origin", "*", to: &out)
        append("X-Content-Type-Options", "nosniff", to: &out)
        for header in extra { append(header.name, header.value, to: &out) }
        append("Connection", "close", to: &out)
        return out + [Ascii.cr, Ascii.lf]
    }

    /// Sent as it is, to a client that waits before its body.
    public static var continueBytes: [UInt8] { Array("HTTP/1.1 100 Continue\r\n\r\n".utf8) }

    static func statusLine(_ status: Int) -> [UInt8] { Array("HTTP/1.1 \(status) \(phrase(status))\r\n".utf8) }

    static func append(_ name: String, _ value: String, to out: inout [UInt8]) {
        out += name.utf8
        out += [Ascii.colon, Ascii.space]
        let start = out.count
        out += value.utf8
        for i in start..<out.count where !Ascii.isFieldValue(out[i]) { out[i] = Ascii.space }
        out += [Ascii.cr, Ascii.lf]
    }

    /// RFC 9110 §15 and RFC 6585.
    private static func phrase(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 302: "Found"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
