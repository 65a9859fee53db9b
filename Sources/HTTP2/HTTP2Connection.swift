/// One HTTP/2 connection on the server's side (RFC 9113): bytes in, requests out; responses in, vectors of bytes out.
///
/// No socket and no clock: times are milliseconds of the caller's. It lives on one loop. What is to be written is made
/// ready by `send`, and only as fast as the socket takes it, so nothing waits in here but what `HTTP2Limits` allows.
/// After a call of `receive`, `respond`, `resume`, `reset`, `shutDown` or `tick` there may be something to `send`.
///
/// Invariants: the first error is final; a stream's exchange is in `exchanges` exactly while its stream is open and the
/// connection has not failed; ranges of bodies are held by an exchange or by `output`, by nothing else.
import CNGHTTP2
import HTTP

public final class HTTP2Connection {
    let limits: HTTP2Limits
    var session: OpaquePointer?
    var exchanges: [Int32: Exchange] = [:]
    var output = OutputQueue()
    var flood: FloodGuard
    var now: UInt64
    /// Why the connection has ended. It may be found while something is sent; `tick` and `receive` throw it.
    public internal(set) var failure: HTTP2Error?
    /// What the library first said of the bytes that came last.
    var complaint: String?
    /// Bytes of requests' bodies that are held.
    var bodyBytes = 0
    var farewell = Farewell.none
    /// When the socket last took something, or there last was nothing for it.
    var lastSent: UInt64
    /// The library does not like to be called from its own callbacks.
    var isBusy = false
    private var events: [HTTP2Event] = []
    private var nextEvent = 0
    /// Of requests that were handed out.
    public private(set) var requests = 0
    /// Since when no stream has been open; a client that merely pings is idle too. Nil while one is.
    public var idleSince: UInt64? { exchanges.isEmpty ? lastBusy : nil }
    var lastBusy: UInt64

    /// Where the two goodbyes of a shutdown are (RFC 9113 §6.8).
    enum Farewell {
        case none
        /// Said: "no new streams, please", with a ping behind it, at that time.
        case announced(UInt64)
        /// Said: "none above this number".
        case said
    }

    public init(limits: HTTP2Limits = HTTP2Limits(), now: UInt64) {
        self.limits = limits
        self.now = now
        lastSent = now
        lastBusy = now
        flood = FloodGuard(now: now)
        let me = Unmanaged.passUnretained(self).toOpaque()
        let result = nghttp2_session_server_new2(&session, Callbacks.table, me, Callbacks.options)
        precondition(result == 0, "no memory for a session")
        submitSettings()
    }

    deinit { nghttp2_session_del(session) }

    private func submitSettings() {
        let settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: UInt32(limits.maxStreams)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.http.maxHeaderBytes)),
            // The tree of RFC 7540 is not kept; the urgency of RFC 9218 is minded by the library.
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1),
        ]
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
    }

    // MARK: In

    /// Takes in what the client sent; then `next` has what it meant.
    public func receive(_ bytes: Span<UInt8>, now: UInt64) throws(HTTP2Error) {
        if let failure { throw failure }
        self.now = max(self.now, now)
        complaint = nil
        // Sound: the library reads the bytes during the call only.
        let result = bytes.withUnsafeBufferPointer { bytes in
            whileBusy { nghttp2_session_mem_recv(session, bytes.baseAddress, bytes.count) }
        }
        if failure == nil { checkInput(Int32(clamping: min(result, 0))) }
        if let failure { throw failure }
    }

    private func checkInput(_ result: Int32) {
        if result < 0 { return fail(.violation(result, complaint ?? "")) }
        guard nghttp2_session_get_outbound_queue_size(session) <= HTTP2Limits.maxQueuedFrames else {
            return fail(.calm("http2_unread_answers", "the client asks on and on and reads no answer"))
        }
        // After a violation the library listens no more, and says so by the goodbye that it sends. If the socket has to
        // be waited for, `tick` finds it.
        whileBusy { makeReady() }
    }

    /// What has happened; nil if that was all.
    public func next() -> HTTP2Event? {
        while nextEvent < events.count {
            let event = events[nextEvent]
            nextEvent += 1
            // A request that was reset before anybody saw it is nobody's business.
            if case .request(let stream, let request) = event {
                guard let exchange = exchanges[stream], exchange.isReady else { continue }
                bodyBytes -= request.body.count
                exchange.state = .asked
                exchange.isHandedOut = true
                requests += 1
            }
            return event
        }
        events = []
        nextEvent = 0
        return nil
    }

    func add(_ event: HTTP2Event) { events.append(event) }

    // MARK: Answers

    /// Answers with a body that is part of the response. An answer to a stream that is over is dropped.
    /// - Parameter isHead: leaves out the body but not its length (RFC 9110 §9.3.2).
    public func respond(_ stream: Int32, _ response: HTTPResponse, isHead: Bool = false, date: String? = nil) {
        let ranges = response.body.isEmpty ? [] : [BodyRange(copying: response.body)]
        respond(stream, response, ranges: ranges, isHead: isHead, date: date)
    }

    /// Answers with bytes that lie elsewhere, and are not copied.
    public func respond(
        _ stream: Int32, _ response: HTTPResponse, ranges: [BodyRange], isHead: Bool = false, date: String? = nil
    ) {
        let length = ranges.reduce(0) { $0 + $1.count }
        let hasBody = !isHead && !response.isBodiless && length > 0
        submit(
            stream, ResponseFields(response, length: length, date: date), hasBody ? ResponseBody(ranges) : nil)
    }

    /// Answers with a body that ends when `live` says so. One without a `length` gives way to what has an end, whatever
    /// order the client asked for: a client that wants all of an endless body first would get nothing else.
    public func respond(
        _ stream: Int32, _ response: HTTPResponse, live: any LiveBody, length: Int? = nil, isHead: Bool = false,
        date: String? = nil
    ) {
        precondition(!response.isBodiless, "this status has no body")
        submit(stream, ResponseFields(response, length: length, date: date), isHead ? nil : ResponseBody(live))
        guard length == nil else { return }
        var priority = nghttp2_extpri(urgency: HTTP2Connection.liveUrgency, inc: 1)
        nghttp2_session_change_extpri_stream_priority(session, stream, &priority, 0)
    }

    /// One below the default of RFC 9218 §4.1: a playlist or a segment is small, a live body has no end.
    private static let liveUrgency: UInt32 = 4

    /// The live body of that stream has bytes again.
    public func resume(_ stream: Int32) {
        guard failure == nil, let exchange = exchanges[stream], exchange.isDeferred else { return }
        exchange.isDeferred = false
        exchange.lastProgress = now
        nghttp2_session_resume_data(session, stream)
    }

    /// Ends one stream without an answer, or in the middle of it.
    public func reset(_ stream: Int32, code: UInt32 = HTTP2Connection.cancel) {
        reset(stream, code: code, .resetHere)
    }

    /// `CANCEL` and `INTERNAL_ERROR` of RFC 9113 §7.
    public static let cancel = NGHTTP2_CANCEL.rawValue
    public static let internalError = NGHTTP2_INTERNAL_ERROR.rawValue

    func reset(_ stream: Int32, code: UInt32, _ end: StreamEnd) {
        guard failure == nil, let exchange = exchanges[stream], exchange.end == nil else { return }
        exchange.end = end
        exchange.body = ResponseBody([])
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code)
    }

    func submit(_ stream: Int32, _ fields: ResponseFields, _ body: ResponseBody?) {
        guard failure == nil, let exchange = exchanges[stream], exchange.end == nil else { return }
        precondition(!exchange.isAnswering && !exchange.isReady, "a request is answered once, after it was handed out")
        bodyBytes -= exchange.heldBytes
        exchange.state = .answering
        exchange.lastProgress = now
        var fields = fields
        let result = fields.withVectors { vectors, count in
            guard let body else { return nghttp2_submit_response(session, stream, vectors, count, nil) }
            exchange.body = body
            var provider = Callbacks.provider
            return nghttp2_submit_response(session, stream, vectors, count, &provider)
        }
        if result != 0 { reset(stream, code: HTTP2Connection.internalError, .resetHere) }
    }

    func whileBusy<Result>(_ work: () -> Result) -> Result {
        precondition(!isBusy, "the connection is not to be called from a live body or from `write`")
        isBusy = true
        defer { isBusy = false }
        return work()
    }
}
