/// One complete request, its framing already undone and its dangers already refused.
///
/// Invariants: `path` starts with `/` (or is `*` for `OPTIONS *`), is valid UTF-8 without control characters or
/// backslashes, and none of its segments is `.` or `..`, whatever was percent-encoded.
///
/// It is kept as the bytes that came. What is asked for as a `String` is made then, each time: what answers request upon
/// request of the same viewer looks at bytes.
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

    let head: RequestHead
    public package(set) var body: [UInt8] = []
    /// It asks for what `GET` would be answered with, without the body.
    public let isHead: Bool
    /// Its method is `GET` or `HEAD`.
    public let isFetch: Bool
    /// Whether the client can take another response on this connection. False for an upgrade request: if the
    /// upgrade is refused the connection closes behind the answer.
    public let keepAlive: Bool

    init(head: consuming RequestHead) {
        isHead = head.isMethod("HEAD")
        isFetch = isHead || head.isMethod("GET")
        keepAlive = head.block.keepAlive && head.webSocketKey == nil
        self.head = head
    }

    public var method: String { head.text(head.method) }

    /// The minor version: 0 or 1.
    public var version: Int { head.version }

    /// The request target as sent.
    public var target: String { head.text(head.target) }

    // MARK: Path and query

    /// The percent-decoded path.
    public var path: String { head.text(head.path) }

    public var pathBytes: ArraySlice<UInt8> { head.bytes[head.path] }

    /// What follows the `?`, still encoded, or an empty string.
    public var query: String { head.text(head.query) }

    public var queryBytes: ArraySlice<UInt8> { head.bytes[head.query] }

    /// The query's items, decoded, in the order sent.
    public var queryItems: [(name: String, value: String)] { QueryItems(queryBytes).map(\.decoded) }

    /// The first query value of that name.
    public func query(_ name: String) -> String? { item(name)?.decoded.value }

    /// The same as it was sent.
    public func queryBytes(_ name: String) -> ArraySlice<UInt8>? { item(name)?.value }

    private func item(_ name: String) -> QueryItems.Item? {
        for item in QueryItems(queryBytes) where item.isNamed(name) { return item }
        return nil
    }

    // MARK: Headers

    /// In the order sent.
    public var headers: [Header] {
        head.fields.fields.map { field in
            Header(name: head.fields.text(field.name).lowercased(), value: head.fields.text(field.value))
        }
    }

    /// The first value of the named header, whatever its case.
    public func header(_ name: StaticString) -> String? { head.fields.value(name).map(head.fields.text) }

    public func headerBytes(_ name: StaticString) -> ArraySlice<UInt8>? {
        head.fields.value(name).map { head.fields.bytes[$0] }
    }

    /// Whether the first header of that name has the text somewhere in it, in the same case.
    public func header(_ name: StaticString, mentions text: String) -> Bool {
        guard let value = head.fields.value(name) else { return false }
        return head.fields.bytes.span.extracting(value).contains(text.utf8Span.span)
    }

    /// The `User-Agent`, which is made once for all requests with the same fields.
    public var agent: String? { head.block.agent }

    // MARK: WebSocket

    /// The client's key, if this is a valid upgrade to WebSocket (RFC 6455 §4.2.1).
    public var webSocketKey: String? { head.webSocketKey }

    /// Whether the request asks for WebSocket at all; with no `webSocketKey` the answer is 426 or 400.
    public var asksForWebSocket: Bool { head.fields.lists("upgrade", "websocket") }
}
