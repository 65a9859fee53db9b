/// One stream: a request and its response.
///
/// It lives from the request's first header to the stream's end, in the connection's table. A class, because the
/// library's callbacks change it in place.
import HTTP

final class Exchange {
    enum State {
        /// The header block is arriving.
        case head(RequestFields)
        /// The body is arriving.
        case body(HTTPRequest, [UInt8])
        /// Complete, and in the queue of events.
        case ready(HTTPRequest)
        /// The caller has the request; a parked one stays here.
        case asked
        /// The response is being sent. A body that still arrives is dropped.
        case answering
    }

    let stream: Int32
    let since: UInt64
    var state = State.head(RequestFields())
    var body = ResponseBody([])
    /// Whether the client has said all.
    var isHeard = false
    /// Whether the caller was given the request, and is to be told of the end.
    var isHandedOut = false
    /// The library waits for `resume`.
    var isDeferred = false
    /// When the last of the answer left for the socket.
    var answered: UInt64?
    /// When body bytes last left, or there last were none to leave.
    var lastProgress: UInt64
    /// Why this side ended it.
    var end: StreamEnd?

    init(_ stream: Int32, now: UInt64) {
        self.stream = stream
        since = now
        lastProgress = now
    }

    /// Bytes of the request's body that are held here.
    var heldBytes: Int {
        switch state {
        case .body(_, let bytes): bytes.count
        case .ready(let request): request.body.count
        default: 0
        }
    }

    var isAnswering: Bool { if case .answering = state { true } else { false } }
    var isReady: Bool { if case .ready = state { true } else { false } }
}
