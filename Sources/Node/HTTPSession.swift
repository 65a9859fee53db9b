/// An HTTP/1.1 client: the page, the API, HLS, or a viewer of a live stream over plain HTTP or a WebSocket.
///
/// It has one exchange at a time. A client that has agreed on HTTP/2 is another session's from its first byte on.
import EventLoop
import FLV
import Fanout
import HLS
import HTTP
import Operations
import StreamLog

final class HTTPSession: WireSession, ExchangeSession {
    enum Mode {
        case requests
        /// An answer is being made on other loops: requests behind it wait.
        case answering
        case streaming
        case webSocket(WebSocketReader)
        /// A body on its way: requests behind it wait.
        case sending(BodyWriter)
    }

    var parser: RequestParser
    var mode = Mode.requests
    /// The request that waits for its answer. Between two there is none: who is silent holds no memory for it.
    private(set) var exchange: HTTPExchange?
    /// What has more pieces for the body that is being sent.
    private var kept: KeptBody?
    var viewerToken: ViewerToken?
    var place: PackagedPlace?
    var wanted: StreamRequest?
    var fit: FitWatch?
    private var requests = 0
    /// Behind the answer that is being given the connection ends: its head says so.
    private var isLast = false
    private var sentBytes: UInt64 = 0
    private var lastProgress: UInt64 = 0
    private let isAdmin: Bool
    /// It fetches HLS.
    private var isPackaged = false
    /// Requests are being taken from the parser: who answers one at once leaves the next to that.
    private var isServing = false
    private var waitingSince: UInt64
    private var userAgent = ""

    init(_ connection: Connection, worker: Worker, number: UInt64, isAdmin: Bool) {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = worker.state.settings.http.maxHeader
        parser = RequestParser(limits: limits)
        self.isAdmin = isAdmin
        waitingSince = worker.loop.now
        super.init(connection, worker: worker, number: number)
        if isAdmin { role = .api }
    }

    override var protocolName: String {
        if isPackaged { return "hls" }
        if case .webSocket = mode { return "ws-\(container)" }
        return role == .play ? "http-\(container)" : "http"
    }

    override var agent: String { userAgent }
    private var container: HTTPContainer { wanted?.container ?? .flv }

    // MARK: Input

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        if requests == 0, parser.isIdle, isHTTP2 { return hasAgreedOnHTTP2(bytes) }
        // Sound: the bytes stay where they are for the length of this call.
        let input = Span(_unsafeElements: bytes)
        switch mode {
        case .requests, .answering, .sending:
            // From a request's first byte on the clock runs: a header that trickles in does not set it back.
            if parser.isIdle { waitingSince = loop.now }
            do {
                try parser.receive(input)
                try serveRequests()
            } catch {
                refuse(error)
            }
        case .streaming: break  // A viewer of plain HTTP has nothing more to say.
        case .webSocket(var reader):
            do {
                try reader.receive(input)
                mode = .webSocket(reader)
                serveWebSocket()
            } catch {
                send(WebSocket.closeFrame(code: error.closeCode, reason: error.reason))
                fail(error.reason, error.description)
            }
        }
    }

    private var isHTTP2: Bool { connection.security?.applicationProtocol == "h2" }

    private func hasAgreedOnHTTP2(_ bytes: UnsafeBufferPointer<UInt8>) {
        let session = HTTP2Session(connection, worker: worker, number: number)
        worker.replace(self, by: session)
        session.received(bytes)
    }

    private func serveRequests() throws(HTTPError) {
        isServing = true
        defer { isServing = false }
        while case .requests = mode, !isEnded, let request = try parser.next(worker.fieldMemory) {
            requests += 1
            if isPackaged { leavesPackaged() }
            if let agent = request.agent { userAgent = agent }
            let exchange = HTTPExchange(request, over: self)
            self.exchange = exchange
            mode = .answering
            if isAdmin, request.method != "OPTIONS" { Admin.serve(exchange) } else { exchange.serve() }
        }
        if parser.takeContinue() { connection.write(HTTPResponse.continueBytes) }
    }

    func resumeRequests() {
        do throws(HTTPError) { try serveRequests() } catch { refuse(error) }
    }

    private func refuse(_ error: HTTPError) {
        connection.write(HTTPResponse(error).encode(keepAlive: false, date: HTTPDate.now))
        fail(error.reason, error.description)
    }

    // MARK: Answers

    func deliver(_ exchange: HTTPExchange, _ response: HTTPResponse, _ body: SharedBytes?) {
        let sends = body != nil && !exchange.isHead && response.status < 300
        let head = response.encode(
            head: exchange.isHead, keepAlive: goesOn(behind: exchange), date: HTTPDate.now, following: body?.count)
        if sends, let body { return begin(BodyWriter(head: head, body: body)) }
        connection.write(head)
        hasAnswered()
    }

    func deliver(_ exchange: HTTPExchange, _ answer: PreparedResponse, _ body: SharedBytes) {
        let tail = worker.answerTail(keepAlive: goesOn(behind: exchange))
        begin(BodyWriter(head: answer.head, tail: tail, body: exchange.isHead ? SharedBytes() : body))
    }

    func deliver(_ exchange: HTTPExchange, unchanged answer: PreparedResponse) {
        let tail = worker.answerTail(keepAlive: goesOn(behind: exchange))
        begin(BodyWriter(head: answer.unchangedHead, tail: tail, body: SharedBytes()))
    }

    func deliver(_ exchange: HTTPExchange, _ response: HTTPResponse, _ body: KeptBody) {
        let head = response.encode(
            head: exchange.isHead, keepAlive: goesOn(behind: exchange), date: HTTPDate.now, following: body.count)
        guard !exchange.isHead, let first = body.take() else {
            connection.write(head)
            return hasAnswered()
        }
        kept = body
        // While one is being sent the next waits to be taken.
        body.onChange = { [weak self] _ in
            guard let self, case .answering = mode, !isEnded else { return }
            sendKept()
        }
        begin(BodyWriter(head: head, body: first))
    }

    private func sendKept() {
        guard let kept, !kept.isOver else {
            kept = nil
            return hasAnswered()
        }
        if kept.hasFailed { return end("the disk failed") }
        guard let piece = kept.take() else {
            mode = .answering
            return
        }
        send(BodyWriter(head: [], body: piece))
    }

    private func begin(_ writer: consuming BodyWriter) {
        lastProgress = loop.now
        send(writer)
    }

    private func hasAnswered() {
        mode = .requests
        exchange = nil
        waitingSince = loop.now
        if isLast { return end("answered") }
        if !isServing { resumeRequests() }
    }

    func becomesPackaged(_ name: StreamName) {
        isPackaged = true
        role = .play
        self.name = name
    }

    private func leavesPackaged() {
        isPackaged = false
        role = .none
    }

    private func goesOn(behind exchange: HTTPExchange) -> Bool {
        let state = state
        isLast = !exchange.request.keepAlive || requests >= state.settings.http.maxRequests || state.isDraining
        return !isLast
    }

    private func advance() {
        guard case .sending(let writer) = mode else { return }
        mode = .answering
        send(writer)
    }

    private func send(_ writer: consuming BodyWriter) {
        let outcome = writer.advance(connection) { count in
            sentBytes += UInt64(count)
            lastProgress = loop.now
        }
        switch outcome {
        case .failed: return end("the connection failed")
        case .blocked:
            mode = .sending(writer)
            return connection.waitUntilWritable()
        case .done: sendKept()
        }
    }

    override func writable() {
        if case .sending = mode { advance() } else { super.writable() }
    }

    override var bytesOut: UInt64 { super.bytesOut + sentBytes }

    override func willEnd() {
        exchange?.abandon()
        kept = nil
        fit = nil
        super.willEnd()
    }

    // MARK: Streams

    override func playStarts() {
        guard let exchange else { return }
        let head = container.head(tracks)
        if case .webSocket = mode {
            connection.write(
                WebSocket.upgradeResponse(for: exchange.request) + (head.isEmpty ? [] : WebSocket.binaryFrame(head)))
        } else {
            connection.write(streamHead + head)
        }
        fit?.watch { [unowned self] reason in end(reason) }
        // The request has been answered: a viewer needs none of its memory.
        self.exchange = nil
        parser = RequestParser()
    }

    override func playIsMissing() {
        role = .none
        guard let wanted, let exchange else { return }
        exchange.answer(wanted.missing)
    }

    override func playIsRefused(_ turned: Turned) {
        role = .none
        guard let wanted, let exchange else { return }
        exchange.answer(wanted.refused(turned, exchange.request))
    }

    override func playEnded(_ reason: ViewerEnd) {
        if case .webSocket = mode, reason == .streamEnded || reason == .kicked {
            connection.write(WebSocket.closeFrame(code: 1001, reason: "stream ended"))
        }
        super.playEnded(reason)
    }

    private func serveWebSocket() {
        guard case .webSocket(var reader) = mode else { return }
        while let event = reader.next() {
            switch event {
            case .ping(let payload): send(WebSocket.controlFrame(opcode: WebSocket.pong, payload: payload))
            case .close(let code):
                send(WebSocket.closeFrame(code: code == 1005 ? 1000 : code))
                return end("closed by viewer")
            case .text, .binary, .pong: break
            }
        }
        mode = .webSocket(reader)
    }

    // MARK: Life

    private var isSending: Bool {
        if case .sending = mode { return true }
        return kept != nil
    }

    override func housekeep(now: UInt64) {
        // Most of thousands: nothing of theirs is looked at but the time.
        if case .requests = mode { return checkPatience(now: now) }
        fit?.askAgain()
        exchange?.tick(now: now)
        if isSending, now - min(now, lastProgress) > UInt64(state.settings.play.stallTimeout) {
            state.count(error: "viewer_stalled")
            end("stalled")
        }
    }

    /// Of who has nothing to wait for but its own request.
    private func checkPatience(now: UInt64) {
        if !parser.isIdle || requests == 0 {
            guard now - waitingSince > UInt64(state.settings.http.headerTimeout) else { return }
            let error = HTTPError(
                status: 408, reason: "http_slow_request",
                description: "the request was not complete in http.header_timeout")
            if !parser.isIdle { connection.write(HTTPResponse(error).encode(keepAlive: false, date: HTTPDate.now)) }
            fail(error.reason, error.description)
        } else if now - waitingSince > UInt64(state.settings.http.idleTimeout) {
            end("idle")
        }
    }
}

extension WebSocket {
    static func binaryFrame(_ payload: [UInt8]) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: headerSize(payloadCount: payload.count))
        frame.withUnsafeMutableBytes {
            _ = writeHeader(opcode: binary, payloadCount: payload.count, into: $0.baseAddress!)
        }
        return frame + payload
    }
}
