/// What one HTTP/2 client may ask of the connection's memory and patience.
///
/// A breach by one request is answered on its stream; a breach by the connection ends it, and no other.
import HTTP

public struct HTTP2Limits: Sendable, Equatable {
    /// Of one request: its header list (counted as RFC 9113 §6.5.2 says, with 32 bytes for each field), fields, target
    /// and body.
    public var http = HTTPLimits()
    /// Streams that may be open at once. More are refused, and may be tried again.
    public var maxStreams = 100
    /// Bytes of request bodies that may be held at once, of all streams. The stream that goes beyond is answered 503.
    public var maxBodies = 512 * 1024
    /// Milliseconds from a request's first byte to its last. A slow body is answered 408, a slow header block ends the
    /// connection: nothing else can come before its end.
    public var requestTimeout: UInt64 = 10_000
    /// Milliseconds that a stream may have bytes to send and no window to send them in; then it is reset. The same for
    /// a connection that takes no bytes at all; then it ends. A player that pauses closes its window, and asks again.
    public var stallTimeout: UInt64 = 60_000

    public init() {}

    /// Header bytes, in multiples of the limit, that are counted and dropped for the sake of a 431 before the
    /// connection ends.
    static let headerExcess = 4
    /// Frames that may wait in the library for a client that does not read: a ping or a refused stream costs one.
    static let maxQueuedFrames = 2_000
    /// Milliseconds between the two goodbyes of a shutdown, if the client does not answer the ping between them.
    static let goodbyePatience: UInt64 = 1_000
    /// Milliseconds for which the rest of a request is taken and dropped after its answer.
    static let lingerTime: UInt64 = 500
    /// Bytes that are made ready for the socket ahead of what it takes. What is ready cannot be overtaken any more, by
    /// a stream of more urgency or by a reset.
    static let outputTarget = 64 * 1024
    /// Bytes that one `send` hands over before other connections have their turn.
    static let sendBudget = 1024 * 1024
    /// Vectors in one write.
    static let vectors = 64
}
