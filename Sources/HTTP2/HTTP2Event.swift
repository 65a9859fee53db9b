/// What has happened on an HTTP/2 connection, in the order in which it did.
import HTTP

public enum HTTP2Event: Sendable {
    /// A complete request, to be answered with `respond` once, at any time.
    case request(stream: Int32, HTTPRequest)
    /// A request that broke a limit or the grammar. It has been answered; this is for the log and the counters.
    case refused(stream: Int32, HTTPError)
    /// A stream whose request was handed out is over. It comes exactly once for each, unless the connection fails:
    /// then all are over at once.
    case closed(stream: Int32, StreamEnd)
    /// The client opens no more streams; those that are open go on.
    case goodbye(code: UInt32)
}

public enum StreamEnd: Sendable, Equatable {
    /// Everything was said on both sides.
    case complete
    /// By the client, or by the library because the client broke the protocol on this stream alone.
    case reset(code: UInt32)
    /// By `reset`.
    case resetHere
    /// The client gave it no window for too long.
    case stalled
}
