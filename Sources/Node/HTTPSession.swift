/// An HTTP client: the page, the API, or a viewer of FLV over HTTP or a WebSocket, or of a transport stream over HTTP.
import EventLoop
import FLV
import Fanout
import HTTP
import Operations

final class HTTPSession: WireSession {
    private enum Mode {
        case requests
        /// An answer is being made on other loops: requests behind it wait.
        case answering
        case streaming
        case webSocket(WebSocketReader)
    }

    /// What a stream's path ends with.
    private enum Container: String, CaseIterable {
        case flv = ".flv"
        case ts = ".ts"

        var contentType: String { self == .flv ? "video/x-flv" : "video/mp2t" }
    }

    private var parser: RequestParser
    private var mode = Mode.requests
    private var request: HTTPRequest?
    private var container = Container.flv
    /// Whether the stream's tracks fit a transport stream has to be asked again: not all are known.
    private var awaitsFit = false
    private var requests = 0
    private let isAdmin: Bool
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
        if case .webSocket = mode { return "ws-flv" }
        return role != .play ? "http" : container == .ts ? "http-ts" : "http-flv"
    }

    override var agent: String { userAgent }

    // MARK: Input

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        // Sound: the bytes stay where they are for the length of this call.
        let input = Span(_unsafeElements: bytes)
        switch mode {
        case .requests, .answering:
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
        while case .requests = mode, !isEnded, let request = try parser.next() {
            requests += 1
            self.request = request
            userAgent = request.header("user-agent") ?? userAgent
            serve(request)
        }
        if parser.takeContinue() { connection.write(HTTPResponse.continueBytes) }
    }

    private func resumeRequests() {
        do throws(HTTPError) { try serveRequests() } catch { refuse(error) }
    }

    private func refuse(_ error: HTTPError) {
        connection.write(HTTPResponse(error).encode(keepAlive: false, date: date))
        fail(error.reason, error.description)
    }

    // MARK: Answers

    private var date: String { HTTPDate.format(Int64(Clock.unixMilliseconds / 1000)) }

    private func serve(_ request: HTTPRequest) {
        if request.method == "OPTIONS" { return answer(HTTPResponse.preflight(for: request)) }
        if isAdmin { return Admin.serve(request, for: self) }
        if let container = Container.allCases.first(where: { request.path.hasSuffix($0.rawValue) }) {
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

    func answer(_ response: HTTPResponse) {
        guard let request, !isEnded else { return }
        var response = response
        response.set(corsHeaders(origin: request.header("origin")))
        let isLast = !request.keepAlive || requests >= state.settings.http.maxRequests || state.isDraining
        connection.write(response.encode(head: request.method == "HEAD", keepAlive: !isLast, date: date))
        waitingSince = loop.now
        if isLast { end("answered") }
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

    private static let places = "Streams are at /{app}/{stream}.flv and /{app}/{stream}.ts\n"

    private func serveStream(_ request: HTTPRequest, _ container: Container) {
        let tracks: WireKind.Tracks
        switch request.query("only") {
        case nil: tracks = .all
        case "audio": tracks = .audio
        case "video": tracks = .video
        default: return answer(HTTPResponse(status: 400, text: "only=audio or only=video, please.\n"))
        }
        let path = request.path.dropFirst().dropLast(container.rawValue.count)
        guard let slash = path.lastIndex(of: "/"),
            let name = StreamName(app: String(path[..<slash]), name: String(path[path.index(after: slash)...]))
        else { return answer(HTTPResponse(status: 404, text: HTTPSession.places)) }
        guard request.method == "GET" || request.method == "HEAD" else {
            var response = HTTPResponse(status: 405, text: "Streams are watched with GET.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return answer(response)
        }
        self.container = container
        guard container == .ts else { return serve(name, tracks, request) }
        guard request.webSocketKey == nil else {
            return answer(HTTPResponse(status: 400, text: "WebSockets carry /\(path).flv alone.\n"))
        }
        serveTransportStream(name, tracks, request)
    }

    private func serve(_ name: StreamName, _ tracks: WireKind.Tracks, _ request: HTTPRequest) {
        if request.method == "HEAD" {
            guard state.hub.find(name) != nil else { return playIsMissing() }
            connection.write(streamHead)
            return end("answered")
        }
        if request.webSocketKey != nil {
            var reader = WebSocketReader()
            let remainder = parser.takeRemainder()
            do { try reader.receive(remainder.span) } catch { return fail(error.reason, error.description) }
            mode = .webSocket(reader)
            play(name, WireKind(.webSocketFLV, tracks))
        } else {
            mode = .streaming
            play(name, WireKind(container == .ts ? .ts : .flv, tracks))
        }
    }

    private var streamHead: [UInt8] { HTTPResponse.streamHead(contentType: container.contentType, date: date) }

    override func playStarts() {
        guard let request else { return }
        let header = FLVTag.fileHeader(hasAudio: tracks != .video, hasVideo: tracks != .audio)
        switch (mode, container) {
        case (.webSocket, _):
            connection.write(WebSocket.upgradeResponse(for: request) + WebSocket.binaryFrame(header))
        case (_, .flv): connection.write(streamHead + header)
        case (_, .ts): connection.write(streamHead)
        }
        // The request has been answered: a viewer needs none of its memory.
        self.request = nil
        parser = RequestParser()
    }

    // MARK: Transport streams

    /// Not every codec has a place in a transport stream. Who asks for a stream that is here is told so; who waits for
    /// one to appear finds out when its tracks are known.
    private func serveTransportStream(_ name: StreamName, _ tracks: WireKind.Tracks, _ request: HTTPRequest) {
        awaitsFit = true
        guard let handle = state.hub.find(name) else { return serve(name, tracks, request) }
        mode = .answering
        askFit(of: handle, tracks) { [weak self] fit in
            guard let self, !isEnded else { return }
            mode = .requests
            if fit.isNothing {
                let text = "\(name) has \(fit.leftOut.joined(separator: " and ")), which no transport stream holds."
                answer(HTTPResponse(status: 406, text: "\(text) Watch /\(name).flv\n"))
            } else {
                serve(name, tracks, request)
            }
            guard !isEnded else { return }
            resumeRequests()
        }
    }

    private func askFit(
        of handle: StreamHandle, _ tracks: WireKind.Tracks, _ then: @escaping (TransportFit) -> Void
    ) {
        let me = LoopBound(Weak(self), on: loop)
        let answer = LoopBound(then, on: loop)
        let mailbox = loop.mailbox
        handle.onHome(from: loop) { stream in
            let fit = stream.transportFit(tracks)
            mailbox.post { loop in
                me.value(on: loop).object?.learn(fit, of: handle.name)
                answer.value(on: loop)(fit)
            }
        }
    }

    private func learn(_ fit: TransportFit, of name: StreamName) {
        awaitsFit = !fit.isSettled
        guard !fit.news.isEmpty else { return }
        state.log.write(
            .warning, "stream.left_out", session: id,
            [
                ("stream", "\(name)"), ("format", "mpegts"), ("codecs", fit.news.joined(separator: ",")),
            ])
    }

    private func askFitAgain() {
        guard awaitsFit, viewer != nil, let name, let handle = state.hub.find(name) else { return }
        askFit(of: handle, tracks) { [weak self] fit in
            guard let self, fit.isNothing else { return }
            end("no transport stream holds \(fit.leftOut.joined(separator: " and "))")
        }
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
        if case .streaming = mode, container == .ts { askFitAgain() }
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
