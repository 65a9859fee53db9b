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
        let path = request.pathBytes.dropFirst()
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")),
            let resource = ResourceName(path[(slash + 1)...]), let place = place(path[..<slash]),
            !isStream(path, resource)
        else { return false }
        servePackaged(place, resource)
        return true
    }

    /// Mostly that of the connection's last request. Who comes for the stream that somebody else came for shares it.
    private func place(_ path: ArraySlice<UInt8>) -> PackagedPlace? {
        if let last = session.place, last.name.isNamed(by: path) { return last }
        if let last = session.worker.lastPlace, last.name.isNamed(by: path) { return last }
        return StreamName(path: path).map(PackagedPlace.init)
    }

    /// An application may have slashes, and a stream be called by a number: then it is the stream that is meant.
    private func isStream(_ path: ArraySlice<UInt8>, _ resource: ResourceName) -> Bool {
        guard resource.isNamedLikeStream, let dot = path.lastIndex(of: UInt8(ascii: ".")),
            let name = StreamName(path: path[..<dot])
        else { return false }
        return state.hub.find(name) != nil
    }

    private func servePackaged(_ place: PackagedPlace, _ resource: ResourceName) {
        let name = place.name
        guard request.isFetch else {
            var response = HTTPResponse(status: 405, text: "HLS is fetched with GET.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return answer(response)
        }
        switch resource {
        case .rewind: return serveWindow(name, nil)
        case .window(let rendition): return serveWindow(name, rendition)
        default: break
        }
        // Almost always it is packaged already.
        if let shelf = place.shelf(in: state.hub) {
            keep(place)
            session.becomesPackaged(name)
            return offer(name, resource, shelf, mayWait: true)
        }
        let own = state.settings.of(app: name.app, stream: name.name)
        guard let form = own.hls.form.playlists else {
            return answer(HTTPResponse(status: 404, text: "HLS is off for \(name).\n"))
        }
        session.becomesPackaged(name)
        if state.hub.find(name) == nil, let shelf = state.hub.shelf(of: name) {
            return offer(name, resource, shelf, mayWait: false)
        }
        // Only playlists begin anything: who asks for a segment has seen one.
        guard resource.isPlaylist || state.hub.find(name) != nil else {
            return serveKept(name, resource, Self.missing(name))
        }
        seek(name) { [unowned self] handle in
            guard let handle else { return answer(Self.missing(name)) }
            let shelf = handle.packaged(
                PackageSettings(own.hls, form: form), keeper: state.rewinding.keeper(of: name), from: loop)
            offer(name, resource, shelf, mayWait: true)
        }
    }

    private func keep(_ place: PackagedPlace) {
        guard session.place !== place else { return }
        session.place = place
        session.worker.lastPlace = place
    }

    static func missing(_ name: StreamName) -> HTTPResponse {
        var response = HTTPResponse(status: 404, text: "Nobody publishes \(name) at present.\n")
        response.set("Cache-Control", "public, max-age=1")
        return response
    }

    // MARK: Offers

    private func offer(_ name: StreamName, _ resource: ResourceName, _ shelf: Shelf, mayWait: Bool) {
        if case .playlist = resource, let turned = admit(name, shelf) { return refuse(turned) }
        take(name, resource, shelf, mayWait: mayWait)
    }

    /// Answers with what is there, or waits for it.
    private func take(_ name: StreamName, _ resource: ResourceName, _ shelf: Shelf, mayWait: Bool) {
        let offer = shelf.take(
            resource, query: request.queryBytes, from: loop.mailbox, mayWait ? waker(name, resource, shelf) : nil)
        give(offer, name, resource, shelf)
    }

    private func give(_ offer: Offer, _ name: StreamName, _ resource: ResourceName, _ shelf: Shelf) {
        switch offer {
        case .waits(let ticket, let patience):
            park(on: shelf, ticket: ticket, patience: patience)
        case .file(let file): send(file, shelf)
        case .playlist(let text, let isSettled):
            send(text, isSettled: isSettled, shelf)
        case .multivariant(let playlist): send(playlist, shelf)
        case .refused(let error):
            state.count(error: error.reason)
            answer(HTTPResponse(status: 400, text: "\(error).\n"))
        case .crowded: answer(.later("Too many requests wait for \(name)."))
        case .missing:
            var response = HTTPResponse(status: 404, text: "\(resource.text) of \(name) is not here, or no longer.\n")
            response.set("Cache-Control", "public, max-age=1")
            if resource.isPlaylist { answer(response) } else { serveKept(name, resource, response) }
        }
    }

    private func waker(_ name: StreamName, _ resource: ResourceName, _ shelf: Shelf) -> Shelf.Wake {
        let me = LoopBound(Weak(self), on: loop)
        return { loop, offer in
            guard let exchange = me.value(on: loop).object, exchange.unpark() else { return }
            if let offer {
                exchange.give(offer, name, resource, shelf)
            } else {
                exchange.take(name, resource, shelf, mayWait: true)
            }
        }
    }

    /// With a name for the viewer in the addresses of the playlists: its requests are known as one viewer's by it.
    private func send(_ playlist: PreparedMultivariant, _ shelf: Shelf) {
        let body = playlist.body(for: viewerToken ?? .random)
        if !isHead { shelf.sent(body.count) }
        answer(playlist.answer, body)
    }

    /// The same of a window that somebody chose, and that nobody else asks for in the same words.
    func send(_ playlist: MultivariantPlaylist, _ resource: ResourceName, _ shelf: Shelf?, query: String) {
        let token = viewerToken ?? .random
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", resource.contentType)
        response.set("Cache-Control", "no-store")
        response.body = playlist.render(query: query + (query.isEmpty ? "" : "&") + "\(ViewerToken.key)=\(token.text)")
        if !isHead { shelf?.sent(response.body.count) }
        answer(response)
    }

    func send(_ text: RenderedPlaylist, isSettled: Bool, _ shelf: Shelf?) {
        let takesGzip = request.header("accept-encoding", mentions: "gzip")
        send(text.file(isSettled: isSettled, takesGzip: takesGzip), shelf)
    }

    private func send(_ file: PackagedFile, _ shelf: Shelf?) {
        if isKnown(file.tag) { return answer(unchanged: file.answer) }
        // A playlist comes whole: a part of it in one encoding would mean nothing in another.
        if let range = request.header("range"), file.answer.response.header("Accept-Ranges") != nil {
            return send(range, of: file, shelf)
        }
        sendWhole(file, shelf)
    }

    private func sendWhole(_ file: PackagedFile, _ shelf: Shelf?) {
        if !isHead { shelf?.sent(file.bytes.count) }
        answer(file.answer, file.bytes)
    }

    private func send(_ range: String, of file: PackagedFile, _ shelf: Shelf?) {
        let bytes = file.bytes
        switch ByteRange(header: range, length: bytes.count) {
        case .whole: sendWhole(file, shelf)
        case .part(let range):
            var response = file.answer.response
            response.becomes(range, of: bytes.count)
            if !isHead { shelf?.sent(range.count) }
            answer(response, bytes[range])
        case .unsatisfiable: answer(.unsatisfiable(length: bytes.count))
        }
    }

    func isKnown(_ tag: String) -> Bool {
        request.header("if-none-match", mentions: tag) || request.header("if-none-match") == "*"
    }

    // MARK: Viewers

    /// As its playlist's address says.
    var viewerToken: ViewerToken? { request.queryBytes(ViewerToken.key).flatMap { ViewerToken($0.span) } }

    /// Who asks: as its playlist's address says, or else a stand-in that its address and agent make.
    var viewer: ViewerToken {
        if let viewerToken { return viewerToken }
        var address = ContentHash(session.carrier.peer.host.utf8Span.span)
        if let agent = request.headerBytes("user-agent") {
            address.combine(agent.span)
        } else {
            address.combine(session.agent.utf8Span.span)
        }
        return ViewerToken(high: 0, low: address.value)
    }

    func admit(_ name: StreamName, _ audience: any Audience) -> Turned? {
        state.viewers.meet(viewer, name, audience, state.gate, on: loop)
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
        case .multivariant, .playlist, .rewind, .window: true
        case .segment, .part, .initialisation: false
        }
    }

    /// Its ending is one that live streams have too.
    fileprivate var isNamedLikeStream: Bool {
        switch self {
        case .segment(_, _, .transportStream), .initialisation: true
        case .segment, .part, .multivariant, .playlist, .rewind, .window: false
        }
    }
}

extension HTTPResponse {
    /// 206: these bytes of so many (RFC 9110 §15.3.7).
    mutating func becomes(_ range: Range<Int>, of length: Int) {
        status = 206
        set("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(length)")
    }

    static func unsatisfiable(length: Int) -> HTTPResponse {
        var response = HTTPResponse(status: 416, text: "There are \(length) bytes.\n")
        response.set("Content-Range", "bytes */\(length)")
        return response
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
            form: form, part: Int64(settings.part), window: Int64(settings.window), idle: Int64(settings.idle))
    }
}

extension ViewerToken {
    fileprivate static var random: ViewerToken {
        ViewerToken(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
    }
}
