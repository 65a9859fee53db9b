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
        keepAlive = head.keepAlive && head.webSocketKey == nil
        self.head = head
    }

    public var method: String { head.text.text(head.method) }

    /// The minor version: 0 or 1.
    public var version: Int { head.version }

    /// The request target as sent.
    public var target: String { head.text.text(head.target) }

    // MARK: Path and query

    /// The percent-decoded path.
    public var path: String { head.text.text(head.path) }

    public var pathBytes: ArraySlice<UInt8> { head.text.bytes[head.path] }

    /// What follows the `?`, still encoded, or an empty string.
    public var query: String { head.text.text(head.query) }

    public var queryBytes: ArraySlice<UInt8> { head.text.bytes[head.query] }

    /// The query's items, decoded, in the order sent.
    public var queryItems: [(name: String, value: String)] { QueryItems(queryBytes).map(\.decoded) }

    /// The first query value of that name.
    public func query(_ name: String) -> String? {
        for item in QueryItems(queryBytes) where item.isNamed(name) { return item.decoded.value }
        return nil
    }

    // MARK: Headers

    /// In the order sent.
    public var headers: [Header] {
        head.text.fields.map { field in
            Header(name: head.text.text(field.name).lowercased(), value: head.text.text(field.value))
        }
    }

    /// The first value of the named header, whatever its case.
    public func header(_ name: StaticString) -> String? { head.text.value(name).map(head.text.text) }

    public func headerBytes(_ name: StaticString) -> ArraySlice<UInt8>? {
        head.text.value(name).map { head.text.bytes[$0] }
    }

    /// Whether the first header of that name has the text somewhere in it, in the same case.
    public func header(_ name: StaticString, mentions text: String) -> Bool {
        guard let value = head.text.value(name) else { return false }
        return head.text.bytes.span.extracting(value).contains(text.utf8Span.span)
    }

    /// Puts the header's value in the text's place, if there is one and it is another: what clients say in every request
    /// need not be copied each time.
    public func update(_ text: inout String, with name: StaticString) {
        guard let value = head.text.value(name) else { return }
        let isSame =
            value.count == text.utf8.count && head.text.bytes.span.has(text.utf8Span.span, at: value.lowerBound)
        if !isSame { text = head.text.text(value) }
    }

    // MARK: WebSocket

    /// The client's key, if this is a valid upgrade to WebSocket (RFC 6455 §4.2.1).
    public var webSocketKey: String? { head.webSocketKey }

    /// Whether the request asks for WebSocket at all; with no `webSocketKey` the answer is 426 or 400.
    public var asksForWebSocket: Bool { head.text.lists("upgrade", "websocket") }
}
