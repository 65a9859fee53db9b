/// What is served to viewers over HTTP, by path: the page, the list of streams, HLS, live streams.
import Fanout
import HTTP
import Operations

extension HTTPExchange {
    static let places =
        "Streams are at /{app}/{stream}.flv, .mp4 and .ts, and /{app}/{stream}/index.m3u8; a picture at .jpg\n"

    func serve() {
        if !request.isFetch, request.method == "OPTIONS" { return answer(HTTPResponse.preflight(for: request)) }
        if servesPackaged() || servesSnapshot() { return }
        let path = request.path
        if let container = HTTPContainer.allCases.first(where: { path.hasSuffix($0.suffix) }) {
            switch StreamRequest.read(request, container) {
            case .success(let wanted): session.deliverStream(self, wanted)
            case .failure(let refusal): answer(refusal.response)
            }
            return
        }
        guard request.isFetch else {
            var response = HTTPResponse(status: 405, text: "Only GET, HEAD and OPTIONS are answered here.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return answer(response)
        }
        switch path {
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
        case "/healthz", "/readyz": Admin.serve(self)
        default: answer(HTTPResponse(status: 404, text: "Nothing here. \(HTTPExchange.places)"))
        }
    }
}
