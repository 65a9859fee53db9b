/// A picture of a stream: its newest keyframe as JPEG, under the stream's path with `.jpg` behind it.
import EventLoop
import Fanout
import HTTP
import Stills

extension HTTPExchange {
    private static let suffix = ".jpg"

    /// Whether the path asks for a picture; it is answered then, now or later.
    func servesSnapshot() -> Bool {
        guard request.path.hasSuffix(Self.suffix),
            let name = StreamName(path: request.pathBytes.dropFirst().dropLast(Self.suffix.count))
        else { return false }
        guard request.isFetch else {
            var response = HTTPResponse(status: 405, text: "Pictures are fetched with GET.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            answer(response)
            return true
        }
        guard !state.settings.of(app: name.app, stream: name.name).snapshot.ffmpeg.isEmpty else {
            answer(HTTPResponse(status: 404, text: "Pictures are off for \(name).\n"))
            return true
        }
        // Like a viewer's, its wish for a stream of another node is one that a full node does not grant.
        if state.hub.find(name) == nil, let turned = state.gate.isClosed(to: .viewer, on: loop) {
            refuse(turned)
            return true
        }
        seek(name) { [unowned self] handle in
            guard let handle else { return answer(Self.missing(name)) }
            picture(of: handle)
        }
        return true
    }

    private func picture(of handle: StreamHandle) {
        let me = LoopBound(Weak(self), on: loop)
        let decision = state.stills.ask(handle.name, on: loop) { loop, result in
            me.value(on: loop).object?.send(result, of: handle.name)
        }
        switch decision {
        case .answered(let result): send(result, of: handle.name)
        case .waits: break
        case .looks: session.worker.looks.start(StillLook(handle.name, worker: session.worker), handle)
        case .crowded: answer(.later("Too many pictures are being made."))
        }
    }

    private func send(_ result: Result<Still, StillFailure>, of name: StreamName) {
        switch result {
        case .failure(let failure): answer(failure.response(of: name))
        case .success(let still):
            let seconds = max(1, state.settings.of(app: name.app, stream: name.name).snapshot.cache / 1000)
            var response = HTTPResponse(status: isKnown(still.tag) ? 304 : 200)
            response.set("Content-Type", "image/jpeg")
            response.set("Cache-Control", "public, max-age=\(seconds)")
            response.set("ETag", still.tag)
            if response.status == 200 { response.body = still.jpeg }
            answer(response)
        }
    }
}

extension StillFailure {
    /// What a viewer is told. A program's own words are for the log: they are about this machine.
    fileprivate func response(of name: StreamName) -> HTTPResponse {
        switch self {
        case .noProgram: return HTTPResponse(status: 501, text: "This server has \(self).\n")
        case .noPictures: return HTTPResponse(status: 404, text: "\(name): \(self).\n")
        case .ended: return HTTPExchange.missing(name)
        case .noKeyframe, .busy: return .later("\(name): \(self).")
        case .tooSlow: return HTTPResponse(status: 504, text: "\(name): \(self).\n")
        case .tooLarge: return HTTPResponse(status: 502, text: "\(name): \(self).\n")
        case .failed:
            return HTTPResponse(
                status: 502, text: "\(name): ffmpeg made no picture of the keyframe; the server's log says why.\n")
        }
    }
}
