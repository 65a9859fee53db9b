/// Live streams over HTTP and WebSockets, in the containers that hold them.
import EventLoop
import Fanout
import HTTP

/// What a stream's path ends with.
enum HTTPContainer: String, CaseIterable, CustomStringConvertible {
    case flv, ts, mp4

    var suffix: String { ".\(rawValue)" }
    /// As it stands in the stats, behind `http-` or `ws-`.
    var description: String { rawValue }

    var title: String {
        switch self {
        case .flv: "FLV"
        case .ts: "an MPEG transport stream"
        case .mp4: "MP4"
        }
    }

    var contentType: String {
        switch self {
        case .flv: "video/x-flv"
        case .ts: "video/mp2t"
        case .mp4: "video/mp4"
        }
    }

    var format: WireKind.Format {
        switch self {
        case .flv: .flv
        case .ts: .ts
        case .mp4: .mp4
        }
    }

    /// Over a WebSocket; nil where that is not to be had.
    var messages: WireKind.Format? {
        switch self {
        case .flv: .webSocketFLV
        case .mp4: .webSocketMP4
        case .ts: nil
        }
    }
}

extension HTTPSession {
    static let places = "Streams are at /{app}/{stream}.flv, .mp4 and .ts, and /{app}/{stream}/index.m3u8\n"

    func serveStream(_ request: HTTPRequest, _ container: HTTPContainer) {
        let tracks: WireKind.Tracks
        switch request.query("only") {
        case nil: tracks = .all
        case "audio": tracks = .audio
        case "video": tracks = .video
        default: return answer(HTTPResponse(status: 400, text: "only=audio or only=video, please.\n"))
        }
        let path = request.path.dropFirst().dropLast(container.suffix.count)
        guard let slash = path.lastIndex(of: "/"),
            let name = StreamName(app: String(path[..<slash]), name: String(path[path.index(after: slash)...]))
        else { return answer(HTTPResponse(status: 404, text: HTTPSession.places)) }
        guard request.method == "GET" || request.method == "HEAD" else {
            var response = HTTPResponse(status: 405, text: "Streams are watched with GET.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return answer(response)
        }
        self.container = container
        let isMessages = request.webSocketKey != nil
        guard let format = isMessages ? container.messages : container.format else {
            return answer(HTTPResponse(status: 400, text: "WebSockets carry /\(path).flv and /\(path).mp4.\n"))
        }
        let kind = WireKind(format, tracks)
        if container == .flv { serve(name, kind, request) } else { serveIfHeld(name, kind, request) }
    }

    private func serve(_ name: StreamName, _ kind: WireKind, _ request: HTTPRequest) {
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
            play(name, kind)
        } else {
            mode = .streaming
            play(name, kind)
        }
    }

    var streamHead: [UInt8] { HTTPResponse.streamHead(contentType: container.contentType, date: date) }

    // MARK: What a container holds

    /// Not every codec has a place in every container. Who asks for a stream that is here is told so; who waits for
    /// one to appear finds out when its tracks are known.
    private func serveIfHeld(_ name: StreamName, _ kind: WireKind, _ request: HTTPRequest) {
        awaitsFit = true
        guard let handle = state.hub.find(name) else { return serve(name, kind, request) }
        mode = .answering
        askFit(of: handle, kind) { [weak self] fit in
            guard let self, !isEnded else { return }
            mode = .requests
            if fit.isNothing {
                let text =
                    "\(name) has \(fit.leftOut.joined(separator: " and ")), which \(container.title) does not hold."
                answer(HTTPResponse(status: 406, text: "\(text) Watch /\(name).flv\n"))
            } else {
                serve(name, kind, request)
            }
            guard !isEnded else { return }
            resumeRequests()
        }
    }

    private func askFit(
        of handle: StreamHandle, _ kind: WireKind, _ then: @escaping (ContainerFit) -> Void
    ) {
        let me = LoopBound(Weak(self), on: loop)
        let answer = LoopBound(then, on: loop)
        let mailbox = loop.mailbox
        handle.onHome(from: loop) { stream in
            let fit = stream.fit(of: kind)
            mailbox.post { loop in
                me.value(on: loop).object?.learn(fit, of: handle.name)
                answer.value(on: loop)(fit)
            }
        }
    }

    private func learn(_ fit: ContainerFit, of name: StreamName) {
        awaitsFit = !fit.isSettled
        guard !fit.news.isEmpty else { return }
        state.log.write(
            .warning, "stream.left_out", session: id,
            [
                ("stream", "\(name)"), ("format", container.title), ("codecs", fit.news.joined(separator: ",")),
            ])
    }

    func askFitAgain() {
        guard awaitsFit, viewer != nil, let name, let handle = state.hub.find(name) else { return }
        askFit(of: handle, WireKind(container.format, tracks)) { [weak self] fit in
            guard let self, fit.isNothing else { return }
            end("\(container.title) does not hold \(fit.leftOut.joined(separator: " and "))")
        }
    }
}
