/// An HTTP client: the page, the API, or a viewer of FLV over HTTP or a WebSocket, or of a transport stream over HTTP.
import EventLoop
import FLV
import Fanout
import HTTP
import Operations
import StreamLog

final class HTTPSession: WireSession {
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
    var request: HTTPRequest?
    var container = HTTPContainer.flv
    /// Whether the stream's tracks fit a transport stream has to be asked again: not all are known.
    var awaitsFit = false
    private var requests = 0
    private var parked: ParkedRequest?
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

    // MARK: Input

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
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

    private func serveRequests() throws(HTTPError) {
        isServing = true
        defer { isServing = false }
        while case .requests = mode, !isEnded, let request = try parser.next() {
            requests += 1
            if isPackaged { leavesPackaged() }
            self.request = request
            userAgent = request.header("user-agent") ?? userAgent
            serve(request)
        }
        if parser.takeContinue() { connection.write(HTTPResponse.continueBytes) }
    }

    func resumeRequests() {
        do throws(HTTPError) { try serveRequests() } catch { refuse(error) }
    }

    private func refuse(_ error: HTTPError) {
        connection.write(HTTPResponse(error).encode(keepAlive: false, date: date))
        fail(error.reason, error.description)
    }

    // MARK: Answers

    var date: String { HTTPDate.format(Int64(Clock.unixMilliseconds / 1000)) }

    private func serve(_ request: HTTPRequest) {
        if request.method == "OPTIONS" { return answer(HTTPResponse.preflight(for: request)) }
        if isAdmin { return Admin.serve(request, for: self) }
        if servesPackaged(request) { return }
        if let container = HTTPContainer.allCases.first(where: { request.path.hasSuffix($0.suffix) }) {
            return serveStream(request, container)
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            var response = HTTPResponse(status: 405, text: "Only GET, HEAD and OPTIONS are answered here.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return answer(response)
        }
        switch request.path {
        case "/":
            var response = HTTPResponse(status: 200)
            response.set("Content-Type", "text/html; charset=utf-8")
            response.set("Cache-Control", "no-cache")
            response.body = WebPage.html
            answer(response)
        case "/streams.json":
            answerLater { snapshot in
                HTTPResponse.json(PublicList.encode(snapshot.streams.filter { $0.state == "live" }))
            }
        case "/healthz", "/readyz": Admin.serve(request, for: self)
        default: answer(HTTPResponse(status: 404, text: "Nothing here. \(HTTPSession.places)"))
        }
    }

    func answer(_ response: HTTPResponse, following: Int? = nil) {
        guard let request, !isEnded else { return }
        var response = response
        let varies = response.header("Vary")
        response.set(corsHeaders(origin: request.header("origin")))
        if let varies { response.set("Vary", varies + ", Origin") }
        let isLast = isLast(request)
        connection.write(
            response.encode(head: request.method == "HEAD", keepAlive: !isLast, date: date, following: following))
        waitingSince = loop.now
        if isLast { end("answered") }
    }

    // MARK: Answers that wait, and long ones

    /// A request that is answered later: those behind it wait.
    var serial: Int { requests }

    func becomesPackaged() {
        isPackaged = true
        role = .play
        mode = .answering
    }

    private func leavesPackaged() {
        isPackaged = false
        role = .none
    }

    func park(_ request: ParkedRequest) { parked = request }

    /// Whether the request of that number still waits; it does no longer.
    func unpark(_ number: Int) -> Bool {
        guard parked != nil, number == serial, !isEnded else { return false }
        parked = nil
        return true
    }

    /// Answers what was to be answered later, and goes on with the requests behind it.
    func finish(_ response: HTTPResponse, _ body: SharedBytes? = nil) {
        guard !isEnded else { return }
        mode = .requests
        if let body, request?.method != "HEAD", response.status < 300 {
            send(response, body)
        } else {
            answer(response, following: body?.count)
        }
        guard !isEnded, !isServing, case .requests = mode else { return }
        resumeRequests()
    }

    private func send(_ response: HTTPResponse, _ body: SharedBytes) {
        guard let request else { return }
        var response = response
        response.set("Access-Control-Allow-Origin", "*")
        let keepsAlive = !isLast(request)
        let head = response.encode(keepAlive: keepsAlive, date: date, following: body.count)
        lastProgress = loop.now
        mode = .sending(BodyWriter(head: head, body: body))
        advance()
    }

    private func isLast(_ request: HTTPRequest) -> Bool {
        !request.keepAlive || requests >= state.settings.http.maxRequests || state.isDraining
    }

    private func advance() {
        guard case .sending(var writer) = mode else { return }
        mode = .answering
        let outcome = writer.advance(connection) { count in
            sentBytes += UInt64(count)
            lastProgress = loop.now
        }
        switch outcome {
        case .failed: return end("the connection failed")
        case .blocked:
            mode = .sending(writer)
            return connection.waitUntilWritable()
        case .done: break
        }
        mode = .requests
        waitingSince = loop.now
        if let request, isLast(request) { return end("answered") }
        if !isServing { resumeRequests() }
    }

    override func writable() {
        if case .sending = mode { advance() } else { super.writable() }
    }

    override var bytesOut: UInt64 { super.bytesOut + sentBytes }

    override func willEnd() {
        if let parked { parked.shelf.stopWaiting(parked.ticket) }
        parked = nil
        super.willEnd()
    }

    private func housekeepLater(now: UInt64) {
        if let parked, now >= parked.deadline {
            parked.shelf.stopWaiting(parked.ticket)
            self.parked = nil
            finish(HTTPSession.later("What was asked for did not come in time."))
        } else if case .sending = mode, now - min(now, lastProgress) > UInt64(state.settings.play.stallTimeout) {
            state.count(error: "viewer_stalled")
            end("stalled")
        }
    }

    /// Answers from a snapshot of the whole node, which other loops take part in.
    func answerLater(_ make: @escaping (NodeSnapshot) -> HTTPResponse) {
        mode = .answering
        worker.takeSnapshot { [weak self] snapshot in
            guard let self, !isEnded else { return }
            mode = .requests
            answer(make(snapshot))
            guard !isEnded else { return }
            resumeRequests()
        }
    }

    // MARK: Streams

    override func playStarts() {
        guard let request else { return }
        let header =
            container == .flv ? FLVTag.fileHeader(hasAudio: tracks != .video, hasVideo: tracks != .audio) : []
        if case .webSocket = mode {
            connection.write(
                WebSocket.upgradeResponse(for: request) + (header.isEmpty ? [] : WebSocket.binaryFrame(header)))
        } else {
            connection.write(streamHead + header)
        }
        // The request has been answered: a viewer needs none of its memory.
        self.request = nil
        parser = RequestParser()
    }

    override func playIsMissing() {
        mode = .requests
        role = .none
        answer(HTTPResponse(status: 404, text: "Nobody publishes \(name.map { "\($0)" } ?? "that") at present.\n"))
    }

    /// Somewhere else, where there is room; never twice, so that two full nodes do not send a viewer to and fro. What
    /// opens a WebSocket in a browser does not follow.
    override func playIsRefused(_ turned: Turned) {
        guard let request else { return }
        role = .none
        let isStream = request.webSocketKey == nil
        mode = .requests
        if isStream, let place = turned.http, request.query(HTTPSession.sentOn) == nil {
            let mark = (request.target.contains("?") ? "&" : "?") + HTTPSession.sentOn + "=1"
            var response = HTTPResponse(status: 302, text: "\(turned.text); \(place) has room.\n")
            response.set("Location", "http://\(place)\(request.target)\(mark)")
            response.set("Cache-Control", "no-store")
            return answer(response)
        }
        var response = HTTPResponse(status: 503, text: "\(turned.text).\n")
        response.set("Retry-After", "\(turned.retrySeconds)")
        answer(response)
    }

    /// The query parameter of a viewer that was sent here by another node.
    private static let sentOn = "sent_on"

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

    override func housekeep(now: UInt64) {
        if case .streaming = mode, container != .flv { askFitAgain() }
        housekeepLater(now: now)
        guard case .requests = mode else { return }
        let http = state.settings.http
        if !parser.isIdle || requests == 0 {
            let limit = UInt64(http.headerTimeout)
            guard now - waitingSince > limit else { return }
            let error = HTTPError(
                status: 408, reason: "http_slow_request",
                description: "the request was not complete in http.header_timeout")
            if !parser.isIdle { connection.write(HTTPResponse(error).encode(keepAlive: false, date: date)) }
            fail(error.reason, error.description)
        } else if now - waitingSince > UInt64(http.idleTimeout) {
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
