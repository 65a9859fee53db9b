/// An HTTP/2 client: many exchanges at once, each on a stream of its own, answered in whatever order they are ready.
///
/// Invariants: an exchange is in `exchanges` from its request to its answer, a live one in `viewers` from then to its
/// end; nothing of the protocol is called from within `flush`.
import EventLoop
import Fanout
import Glibc
import HLS
import HTTP
import HTTP2
import StreamLog

final class HTTP2Session: WireSession, ExchangeSession {
    private let http2: HTTP2Connection
    private var exchanges: [Int32: HTTPExchange] = [:]
    private var viewers: [Int32: HTTP2Viewer] = [:]
    private var sentBytes: UInt64 = 0
    private var isPackaged = false
    private var userAgent = ""
    var viewerToken: ViewerToken?
    var place: PackagedPlace?
    /// What is to be sent is sent when all that came has been looked at.
    private var isBusy = false

    override init(_ connection: Connection, worker: Worker, number: UInt64) {
        let settings = worker.state.settings
        var limits = HTTP2Limits()
        limits.http.maxHeaderBytes = settings.http.maxHeader
        limits.requestTimeout = UInt64(settings.http.headerTimeout)
        limits.stallTimeout = UInt64(settings.play.stallTimeout)
        http2 = HTTP2Connection(limits: limits, now: worker.loop.now)
        super.init(connection, worker: worker, number: number)
    }

    override var protocolName: String {
        if let viewer = viewers.first?.value { return viewer.label }
        return isPackaged ? "hls" : "http"
    }

    override var agent: String { userAgent }

    // MARK: Input

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        // Sound: the bytes stay where they are for the length of this call.
        let input = Span(_unsafeElements: bytes)
        work { () throws(HTTP2Error) in try http2.receive(input, now: loop.now) }
    }

    override func writable() { flush() }

    /// Does something that may have consequences, sees to them, and sends what is to be sent.
    private func work(_ action: () throws(HTTP2Error) -> Void) {
        guard !isEnded else { return }
        isBusy = true
        do throws(HTTP2Error) {
            try action()
            while !isEnded, let event = http2.next() { take(event) }
        } catch {
            fail(error.reason, error.description)
        }
        isBusy = false
        flush()
    }

    private func take(_ event: HTTP2Event) {
        switch event {
        case .request(let stream, let request):
            if let agent = request.agent { userAgent = agent }
            if exchanges.isEmpty { leavesPackaged() }
            let exchange = HTTPExchange(request, stream: stream, over: self)
            exchanges[stream] = exchange
            exchange.serve()
        case .refused(_, let error):
            state.count(error: error.reason)
        case .closed(let stream, let end):
            exchanges.removeValue(forKey: stream)?.abandon()
            if end == .stalled { state.count(error: "viewer_stalled") }
            leave(stream)
        case .goodbye: break  // What it has asked for, it still gets.
        }
    }

    // MARK: Output

    private func flush() {
        guard !isBusy, !isEnded else { return }
        var isBroken = false
        isBusy = true
        let isAllOut = http2.send { vectors in
            guard let base = vectors.baseAddress, !isBroken, !connection.hasOutbox else { return 0 }
            let outcome =
                connection.security == nil
                ? SocketWriter.write(connection.descriptor, base, vectors.count)
                : connection.writeSealed(base, vectors.count)
            switch outcome {
            case .wrote(let count):
                sentBytes += UInt64(count)
                return count
            case .full: return 0
            case .failed:
                isBroken = true
                return 0
            }
        }
        while let event = http2.next() { take(event) }
        isBusy = false
        if isBroken { return end("the connection failed") }
        if let error = http2.failure { return fail(error.reason, error.description) }
        if !isAllOut || connection.hasOutbox { return connection.waitUntilWritable() }
        if http2.isFinished { end("said goodbye") }
    }

    override var bytesOut: UInt64 { carrier.bytesOut + sentBytes }

    // MARK: Answers

    func deliver(_ exchange: HTTPExchange, _ response: HTTPResponse, _ body: SharedBytes?) {
        exchanges[exchange.stream] = nil
        if let body {
            http2.respond(
                exchange.stream, response, ranges: body.ranges, isHead: exchange.isHead, date: HTTPDate.now)
        } else {
            http2.respond(exchange.stream, response, isHead: exchange.isHead, date: HTTPDate.now)
        }
        flush()
    }

    func deliver(_ exchange: HTTPExchange, _ answer: PreparedResponse, _ body: SharedBytes) {
        deliver(exchange, answer.response, body)
    }

    func deliver(_ exchange: HTTPExchange, unchanged answer: PreparedResponse) {
        var response = answer.response
        response.status = 304
        deliver(exchange, response, nil)
    }

    func deliver(_ exchange: HTTPExchange, _ response: HTTPResponse, _ body: KeptBody) {
        let stream = exchange.stream
        exchanges[stream] = nil
        body.onChange = { [weak self] body in
            guard let self, !isEnded else { return }
            if body.hasFailed { http2.reset(stream, code: HTTP2Connection.internalError) } else { http2.resume(stream) }
            flush()
        }
        http2.respond(
            stream, response, live: body, length: body.count, isHead: exchange.isHead, date: HTTPDate.now)
        flush()
    }

    func becomesPackaged(_ name: StreamName) {
        isPackaged = true
        role = .play
        self.name = name
    }

    private func leavesPackaged() {
        isPackaged = false
        if viewers.isEmpty { role = .none }
    }

    // MARK: Live streams

    func deliverStream(_ exchange: HTTPExchange, _ wanted: StreamRequest) {
        let viewer = HTTP2Viewer(exchange, wanted, over: self)
        viewers[exchange.stream] = viewer
        viewer.begin()
    }

    /// The viewer's stream is here; its bytes are asked for from now on.
    func begin(_ viewer: HTTP2Viewer, _ response: HTTPResponse) {
        role = .play
        name = viewer.wanted.name
        exchanges.removeValue(forKey: viewer.stream)?.abandon()
        http2.respond(viewer.stream, response, live: viewer, date: HTTPDate.now)
        flush()
    }

    /// The viewer has bytes, or an end, again.
    func resume(_ viewer: HTTP2Viewer) {
        http2.resume(viewer.stream)
        flush()
    }

    /// There is no more for the viewer than it has.
    func reset(_ viewer: HTTP2Viewer) {
        http2.reset(viewer.stream)
        flush()
    }

    func leave(_ stream: Int32) {
        guard let viewer = viewers.removeValue(forKey: stream) else { return }
        viewer.close()
        if viewers.isEmpty, !isPackaged { role = .none }
    }

    override var viewStats: ViewerStats {
        viewers.values.reduce(into: ViewerStats()) { sum, viewer in
            let stats = viewer.stats
            sum.lagBytes = max(sum.lagBytes, stats.lagBytes)
            sum.lagMilliseconds = max(sum.lagMilliseconds, stats.lagMilliseconds)
            sum.skips += stats.skips
        }
    }

    // MARK: Life

    override func housekeep(now: UInt64) {
        work { () throws(HTTP2Error) in
            for exchange in Array(exchanges.values) { exchange.tick(now: now) }
            for viewer in viewers.values { viewer.tick() }
            try http2.tick(now: now)
            if state.isDraining || http2.requests >= state.settings.http.maxRequests { http2.shutDown(now: now) }
        }
        guard !isEnded, let idleSince = http2.idleSince else { return }
        let http = state.settings.http
        let patience = http2.requests == 0 ? http.headerTimeout : http.idleTimeout
        if now - min(now, idleSince) > UInt64(patience) { end("idle") }
    }

    /// Live bodies come to an end of their own, as far as the socket takes them.
    override func kick(_ reason: String) {
        for viewer in viewers.values {
            viewer.finish()
            http2.resume(viewer.stream)
        }
        flush()
        super.kick(reason)
    }

    override func willEnd() {
        for exchange in exchanges.values { exchange.abandon() }
        for viewer in viewers.values { viewer.close() }
        exchanges = [:]
        viewers = [:]
        // Who has heard both goodbyes needs no third.
        if !http2.isFinished { connection.write(http2.takeRest()) }
        super.willEnd()
    }
}

extension SharedBytes {
    fileprivate var ranges: [BodyRange] {
        var ranges: [BodyRange] = []
        appendRanges(to: &ranges)
        return ranges
    }

    /// Each piece where it lies, kept alive by its range.
    func appendRanges(to ranges: inout [BodyRange]) {
        forEachPiece { bytes, owner in
            guard let start = bytes.baseAddress else { return }
            ranges.append(BodyRange(start, count: bytes.count, owner: owner))
        }
    }
}
