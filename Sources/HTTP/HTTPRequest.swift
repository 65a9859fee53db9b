/// One complete request, its framing already undone and its dangers already refused.
///
/// Invariants: `path` starts with `/` (or is `*` for `OPTIONS *`), is valid UTF-8 without control characters or
/// backslashes, and none of its segments is `.` or `..`, whatever was percent-encoded; header names are lower case.
public struct HTTPRequest: Sendable {
    public struct Header: Sendable, Equatable {
        /// In lower case.
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public let method: String
    /// The request target as sent.
    public let target: String
    /// The percent-decoded path.
    public let path: String
    /// What follows the `?`, still encoded, or an empty string.
    public let query: String
    /// In the order sent.
    public let headers: [Header]
    /// The minor version: 0 or 1.
    public let version: Int
    /// Whether the client can take another response on this connection. False for an upgrade request: if the
    /// upgrade is refused the connection closes behind the answer.
    public let keepAlive: Bool
    public package(set) var body: [UInt8]
    /// The client's key, if this is a valid upgrade to WebSocket (RFC 6455 §4.2.1).
    public let webSocketKey: String?
    /// Whether the request asks for WebSocket at all; with no `webSocketKey` the answer is 426 or 400.
    public let asksForWebSocket: Bool

    init(head: RequestHead) {
        method = head.method
        target = head.target
        path = head.path
        query = head.query
        headers = head.headers
        version = head.version
        webSocketKey = head.webSocketKey
        asksForWebSocket = head.lists("upgrade", "websocket")
        keepAlive = head.keepAlive && head.webSocketKey == nil
        body = []
    }

    /// The first value of the named header, whatever its case.
    public func header(_ name: String) -> String? {
        // Most of what is looked for is not there: whether to look again, in lower case, costs less than a copy.
        if headers.isEmpty { return nil }
        if let found = headers.first(where: { $0.name == name }) { return found.value }
        guard name.utf8.contains(where: { $0 != Ascii.lower($0) }) else { return nil }
        let wanted = name.lowercased()
        return headers.first { $0.name == wanted }?.value
    }

    /// The query's items, decoded, in the order sent.
    public var queryItems: [(name: String, value: String)] { parseQuery(query) }

    /// The first query value of that name.
    public func query(_ name: String) -> String? {
        query.isEmpty ? nil : queryItems.first { $0.name == name }?.value
    }
}
