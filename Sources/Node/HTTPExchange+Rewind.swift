/// A stream's window on the disk: its playlists beside the live ones, and the segments in it that are no longer in memory,
/// under the names that they had live.
import EventLoop
import Fanout
import HLS
import HTTP
import Packaging
import Recording

extension HTTPExchange {
    /// The address is one of a window's playlists, and the method one that fetches.
    /// `rendition`: nil for what tells of all of them.
    func serveWindow(_ name: StreamName, _ rendition: Rendition?) {
        guard state.rewinding.keeps(name) else {
            return answer(HTTPResponse(status: 404, text: "No window of \(name) is kept here.\n"))
        }
        let wanted: WindowRequest
        do throws(WindowRequestError) {
            wanted = try WindowRequest(query: request.query)
        } catch {
            state.count(error: error.reason)
            return answer(HTTPResponse(status: 400, text: "\(error).\n"))
        }
        session.becomesPackaged(name)
        guard let tape = state.rewinding.tape(of: name) else { return answer(Self.nothing(of: name)) }
        guard let rendition else { return sendVariants(name, wanted, tape) }
        if let token = viewerToken { session.viewerToken = token }
        if let turned = admit(name, audience(of: name)) { return refuse(turned) }
        let me = LoopBound(Weak(self), on: loop)
        let offer = state.rewinding.playlist(name, rendition, wanted, on: loop) { loop, made in
            me.value(on: loop).object?.send(made, of: name)
        }
        switch offer {
        case .here(let made): send(made, of: name)
        case .later: break
        case .crowded: answer(.later("Too many requests wait for the disk."))
        }
    }

    /// Who is on the shelf of a stream is one viewer, whatever it watches.
    private func audience(of name: StreamName) -> any Audience { shelf(of: name) ?? state.rewinding.audience(of: name) }

    /// Where what is sent is counted, while the stream is here.
    private func shelf(of name: StreamName) -> Shelf? { state.hub.find(name)?.shelfIfAny }

    private static func nothing(of name: StreamName) -> HTTPResponse {
        gone("Nothing of \(name) has been kept yet, or no longer.")
    }

    private static func gone(_ text: String) -> HTTPResponse {
        var response = HTTPResponse(status: 404, text: text + "\n")
        response.set("Cache-Control", "public, max-age=1")
        return response
    }

    /// One variant with its audio tracks, and a name for the viewer: as live.
    private func sendVariants(_ name: StreamName, _ wanted: WindowRequest, _ tape: Tape) {
        guard let playlist = MultivariantPlaylist(tape) else { return answer(Self.nothing(of: name)) }
        send(playlist, .rewind, shelf(of: name), query: wanted.query)
    }

    private func send(_ made: WindowTexts.Answer, of name: StreamName) {
        switch made {
        case .text(let text, let isSettled): send(text, isSettled: isSettled, shelf(of: name))
        case .missing: answer(Self.nothing(of: name))
        case .gone: answer(Self.gone("What was asked for has left the window of \(name), or nothing was kept then."))
        case .tooEarly: answer(Self.gone("What was asked for of \(name) is not here yet."))
        }
    }

    // MARK: Segments

    /// What is not in memory may be on the disk; `missing` is the answer if it is not.
    func serveKept(_ name: StreamName, _ resource: ResourceName, _ missing: HTTPResponse) {
        guard state.rewinding.keeps(name), let deck = state.rewinding.deck,
            let file = state.rewinding.file(name, resource)
        else { return answer(missing) }
        // Who has the playlist of a stream that has ended asks for nothing but segments: they keep its place.
        if let turned = state.viewers.meet(keptViewer, name, audience(of: name), state.gate, on: loop) {
            return refuse(turned)
        }
        var response = PackagedFile.response(resource, tag: file.tag(resource))
        if isKnown(file.tag(resource)) {
            response.status = 304
            return answer(response)
        }
        var range = 0..<file.size
        switch ByteRange(header: request.header("range"), length: file.size) {
        case .whole: break
        case .part(let part):
            response.becomes(part, of: file.size)
            range = part
        case .unsatisfiable: return answer(.unsatisfiable(length: file.size))
        }
        guard let body = KeptBody(range, of: file, state.rewinding, deck, on: loop) else {
            return answer(.later("Too many are fetching from the disk."))
        }
        if isHead { return answer(response, body) }
        // The first piece is there before the answer begins: what cannot be read is not promised.
        body.onChange = { [weak self, response] body in
            body.onChange = nil
            guard let self else { return }
            if body.hasFailed { return answer(missing) }
            shelf(of: name)?.sent(body.count)
            answer(response, body)
        }
        reads(body)
    }

    /// As its request says, or else as the connection's last playlist did.
    private var keptViewer: ViewerToken { viewerToken ?? session.viewerToken ?? viewer }
}

extension MultivariantPlaylist {
    /// Nil if there is nothing on it.
    fileprivate init?(_ tape: Tape) {
        let (index, title) = (tape.contents.index, tape.title)
        guard let rates = index.rates() else { return nil }
        var variant = Variant(
            bandwidth: Bandwidth(peak: rates.peak, average: rates.average),
            codecs: title.codecs.split(separator: ",").map(String.init))
        (variant.width, variant.height) = (title.width, title.height)
        self.init(variants: [variant])
        isOfWindow = true
        let tracks = index.tracks
        for track in title.audio where track.number == 0 || tracks.contains(track.number) {
            let label = TrackLabel(name: track.name, language: track.language)
            var choice = label.choice(
                of: track.number == 0 ? .main : .audio(track.number),
                Sound(codec: track.codec, channels: track.channels))
            if track.number > 0, let rates = index.rates(of: track.number) {
                choice.bandwidth = Bandwidth(peak: rates.peak, average: rates.average)
            }
            audio.append(choice)
        }
    }
}

extension Tape.File {
    /// As live.
    fileprivate func tag(_ resource: ResourceName) -> String {
        switch resource {
        case .initialisation(let hash): PackagedFile.tag(initialisation: hash)
        case .segment(_, let number, _): PackagedFile.tag(number, size: size)
        default: preconditionFailure("no file of a window has that name")
        }
    }
}
