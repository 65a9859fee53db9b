/// HLS over HTTP: playlists, segments and parts of packaged streams, requests that wait for what is not there yet.
import Configuration
import EventLoop
import Fanout
import HLS
import HTTP
import Packaging
import StreamLog

extension HTTPExchange {
    /// Whether the path names an HLS resource; it is answered then, now or later.
    func servesPackaged() -> Bool {
        guard let (name, rest) = Self.split(request.path) else { return false }
        guard let resource = ResourceName(rest), !isStream(request.path) else { return false }
        servePackaged(name, resource)
        return true
    }

    /// An application may have slashes, and a stream be called by a number: then it is the stream that is meant.
    private func isStream(_ path: String) -> Bool {
        guard let dot = path.lastIndex(of: "."), let (app, stream) = Self.parts(path[..<dot]),
            let name = StreamName(app: app, name: stream)
        else { return false }
        return state.hub.find(name) != nil
    }

    private static func parts(_ path: Substring) -> (app: String, rest: String)? {
        guard let last = path.lastIndex(of: "/"), last != path.startIndex else { return nil }
        return (String(path[..<last].dropFirst()), String(path[path.index(after: last)...]))
    }

    /// `/app/stream/resource`, where the application may have slashes.
    private static func split(_ path: String) -> (StreamName, Substring)? {
        guard let last = path.lastIndex(of: "/"), last != path.startIndex else { return nil }
        let stream = path[..<last].dropFirst()
        guard let slash = stream.lastIndex(of: "/"),
            let name = StreamName(app: String(stream[..<slash]), name: String(stream[stream.index(after: slash)...]))
        else { return nil }
        return (name, path[path.index(after: last)...])
    }

    private func servePackaged(_ name: StreamName, _ resource: ResourceName) {
        let own = state.settings.of(app: name.app, stream: name.name)
        guard let form = own.hls.form.playlists else {
            return answer(HTTPResponse(status: 404, text: "HLS is off for \(name).\n"))
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            var response = HTTPResponse(status: 405, text: "HLS is fetched with GET.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return answer(response)
        }
        session.becomesPackaged(name)
        if state.hub.find(name) == nil, let shelf = state.hub.shelf(of: name) {
            return offer(name, resource, shelf, mayWait: false)
        }
        // Only playlists begin anything: who asks for a segment has seen one.
        guard resource.isPlaylist || state.hub.find(name) != nil else { return answer(Self.missing(name)) }
        seek(name) { [unowned self] handle in
            guard let handle else { return answer(Self.missing(name)) }
            let shelf = handle.packaged(PackageSettings(own.hls, form: form), from: loop)
            offer(name, resource, shelf, mayWait: true)
        }
    }

    static func missing(_ name: StreamName) -> HTTPResponse {
        var response = HTTPResponse(status: 404, text: "Nobody publishes \(name) at present.\n")
        response.set("Cache-Control", "public, max-age=1")
        return response
    }

    // MARK: Offers

    private func offer(_ name: StreamName, _ resource: ResourceName, _ shelf: Shelf, mayWait: Bool) {
        if case .playlist = resource, let turned = admit(name, shelf) { return refuse(turned) }
        let me = LoopBound(Weak(self), on: loop)
        let wake: @Sendable (Loop) -> Void = { loop in
            guard let exchange = me.value(on: loop).object, exchange.unpark() else { return }
            exchange.offer(name, resource, shelf, mayWait: true)
        }
        let made = shelf.take(resource, query: request.query, from: loop.mailbox, mayWait ? wake : nil)
        switch made {
        case .waits(let ticket, let patience):
            park(on: shelf, ticket: ticket, patience: patience)
        case .playlist(let text, let isSettled): send(text, resource, shelf, isSettled: isSettled)
        case .multivariant(let playlist): send(playlist, resource, shelf)
        case .media(let bytes, let tag): send(bytes, tag, resource, shelf)
        case .initialisation(let bytes, let tag):
            var response = Self.response(200, resource, tag, "public, max-age=86400, immutable")
            response.body = bytes
            answer(isKnown(tag) ? Self.response(304, resource, tag, "public, max-age=86400") : response)
        case .refused(let error):
            state.count(error: error.reason)
            answer(HTTPResponse(status: 400, text: "\(error).\n"))
        case .crowded: answer(.later("Too many requests wait for \(name)."))
        case .missing:
            var response = HTTPResponse(status: 404, text: "\(resource.text) of \(name) is not here, or no longer.\n")
            response.set("Cache-Control", "public, max-age=1")
            answer(response)
        }
    }

    private func send(_ text: RenderedPlaylist, _ resource: ResourceName, _ shelf: Shelf, isSettled: Bool) {
        let takesGzip = request.header("accept-encoding")?.contains("gzip") ?? false
        let isCompressed = takesGzip && !text.compressed.isEmpty
        let tag = isCompressed ? String(text.tag.dropLast()) + "-gz\"" : text.tag
        let age = isSettled ? "public, max-age=10" : "public, max-age=1"
        if isKnown(tag) { return answer(Self.response(304, resource, tag, age)) }
        var response = Self.response(200, resource, tag, age)
        response.set("Vary", "Accept-Encoding")
        response.body = isCompressed ? text.compressed : text.bytes
        if isCompressed { response.set("Content-Encoding", "gzip") }
        shelf.sent(response.body.count)
        answer(response)
    }

    /// With a name for the viewer in the addresses of the playlists: its requests are known as one viewer's by it.
    private func send(_ playlist: MultivariantPlaylist, _ resource: ResourceName, _ shelf: Shelf) {
        let token =
            request.query(Self.viewerKey).flatMap { ViewerToken($0) }
            ?? ViewerToken(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", resource.contentType)
        response.set("Cache-Control", "no-store")
        response.body = playlist.render(query: "\(Self.viewerKey)=\(token.text)")
        shelf.sent(response.body.count)
        answer(response)
    }

    private func send(_ bytes: SharedBytes, _ tag: String, _ resource: ResourceName, _ shelf: Shelf) {
        let age = "public, max-age=3600, immutable"
        if isKnown(tag) { return answer(Self.response(304, resource, tag, age)) }
        var response = Self.response(200, resource, tag, age)
        response.set("Accept-Ranges", "bytes")
        var bytes = bytes
        switch ByteRange(header: request.header("range"), length: bytes.count) {
        case .whole: break
        case .part(let range):
            response.status = 206
            response.set("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)")
            bytes = bytes[range]
        case .unsatisfiable:
            var response = HTTPResponse(status: 416, text: "There are \(bytes.count) bytes.\n")
            response.set("Content-Range", "bytes */\(bytes.count)")
            return answer(response)
        }
        if request.method == "GET" { shelf.sent(bytes.count) }
        answer(response, bytes)
    }

    private static func response(_ status: Int, _ resource: ResourceName, _ tag: String, _ age: String) -> HTTPResponse
    {
        var response = HTTPResponse(status: status)
        response.set("Content-Type", resource.contentType)
        response.set("Cache-Control", age)
        response.set("ETag", tag)
        return response
    }

    func isKnown(_ tag: String) -> Bool {
        request.header("if-none-match").map { $0 == "*" || $0.contains(tag) } ?? false
    }

    // MARK: Viewers

    /// The query parameter that tells viewers apart.
    private static let viewerKey = "v"

    /// Who asks: as its playlist's address says, or else a stand-in that its address and agent make.
    private var viewer: ViewerToken {
        if let token = request.query(Self.viewerKey).flatMap({ ViewerToken($0) }) { return token }
        var address = ContentHash(Array(session.carrier.peer.host.utf8).span)
        address.combine(Array((request.header("user-agent") ?? session.agent).utf8).span)
        return ViewerToken(high: 0, low: address.value)
    }

    private func admit(_ name: StreamName, _ shelf: Shelf) -> Turned? {
        state.viewers.meet(viewer, name, shelf, state.gate, on: loop)
    }

    func refuse(_ turned: Turned) {
        session.logTurned(turned)
        var response = HTTPResponse.later("\(turned.text).")
        response.set("Retry-After", "\(turned.retrySeconds)")
        answer(response)
    }
}

extension ResourceName {
    var isPlaylist: Bool {
        switch self {
        case .multivariant, .playlist: true
        case .segment, .part, .initialisation: false
        }
    }
}

extension Settings.HLS.Form {
    var playlists: PlaylistSettings.Form? {
        switch self {
        case .off: nil
        case .ts: .transportStream
        case .fmp4: .fragmentedMP4
        case .lowLatency: .lowLatency
        }
    }
}

extension PackageSettings {
    init(_ settings: Settings.HLS, form: PlaylistSettings.Form) {
        self.init(
            form: form, part: Int64(settings.part), window: Int64(settings.window))
    }
}
