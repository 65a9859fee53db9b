/// What a client did wrong on a WebSocket: the code of the close frame, the counter's slug and the log line.
public struct WebSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The status code to close with (RFC 6455 §7.4.1).
    public let closeCode: UInt16
    /// A stable slug from a fixed set.
    public let reason: String
    public let description: String

    static let unmasked = protocolError("ws_unmasked", "a client frame is not masked")
    static let reservedBits = protocolError("ws_reserved_bits", "a frame sets bits of an extension never agreed on")
    static let badOpcode = protocolError("ws_bad_opcode", "a frame has a reserved opcode")
    static let badLength = protocolError("ws_bad_length", "a frame's length is not in its shortest form or negative")
    static let badControl = protocolError("ws_bad_control", "a control frame is fragmented or longer than 125 bytes")
    static let badFragment = protocolError("ws_bad_fragment", "a fragment continues nothing or interrupts a message")
    static let badClose = protocolError("ws_bad_close", "a close frame has half a code or a reserved one")
    static let badText = WebSocketError(closeCode: 1007, reason: "ws_bad_utf8", description: "a text is not UTF-8")
    static let flood = WebSocketError(
        closeCode: 1008, reason: "ws_flood",
        description: "the client sent more than \(WebSocketReader.maxPending) messages at once")

    static func tooLarge(_ limit: Int) -> WebSocketError {
        WebSocketError(
            closeCode: 1009, reason: "ws_message_too_large",
            description: "a client message is longer than \(limit) bytes")
    }

    private static func protocolError(_ reason: String, _ description: String) -> WebSocketError {
        WebSocketError(closeCode: 1002, reason: reason, description: description)
    }
}
