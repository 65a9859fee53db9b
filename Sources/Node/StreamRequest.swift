/// A request for a live stream: which, in what container, which tracks of it.
import Fanout
import HTTP

struct StreamRequest {
    let name: StreamName
    let container: HTTPContainer
    let kind: WireKind
    /// Over a WebSocket.
    let isMessages: Bool

    struct Refusal: Error {
        let response: HTTPResponse
    }

    static func read(_ request: HTTPRequest, _ container: HTTPContainer) -> Result<StreamRequest, Refusal> {
        let tracks: WireKind.Tracks
        switch request.query("only") {
        case nil: tracks = .all
        case "audio": tracks = .audio
        case "video": tracks = .video
        default: return refuse(HTTPResponse(status: 400, text: "only=audio or only=video, please.\n"))
        }
        let path = request.path.dropFirst().dropLast(container.suffix.count)
        guard let slash = path.lastIndex(of: "/"),
            let name = StreamName(app: String(path[..<slash]), name: String(path[path.index(after: slash)...]))
        else { return refuse(HTTPResponse(status: 404, text: HTTPExchange.places)) }
        guard request.isFetch else {
            var response = HTTPResponse(status: 405, text: "Streams are watched with GET.\n")
            response.set("Allow", "GET, HEAD, OPTIONS")
            return refuse(response)
        }
        let isMessages = request.webSocketKey != nil
        guard let format = isMessages ? container.messages : container.format else {
            return refuse(HTTPResponse(status: 400, text: "WebSockets carry /\(path).flv and /\(path).mp4.\n"))
        }
        return .success(
            StreamRequest(name: name, container: container, kind: WireKind(format, tracks), isMessages: isMessages))
    }

    private static func refuse(_ response: HTTPResponse) -> Result<StreamRequest, Refusal> {
        .failure(Refusal(response: response))
    }

    /// As if it were not over a WebSocket.
    var plainKind: WireKind { WireKind(container.format, kind.tracks) }

    // MARK: Answers

    var missing: HTTPResponse { HTTPResponse(status: 404, text: "Nobody publishes \(name) at present.\n") }

    /// Its tracks have no place in the container.
    func unfit(_ fit: ContainerFit) -> HTTPResponse {
        let text = "\(name) has \(fit.leftOut.joined(separator: " and ")), which \(container.title) does not hold."
        return HTTPResponse(status: 406, text: "\(text) Watch /\(name).flv\n")
    }

    /// Somewhere else, where there is room; never twice, so that two full nodes do not send a viewer to and fro. What
    /// opens a WebSocket in a browser does not follow.
    func refused(_ turned: Turned, _ request: HTTPRequest) -> HTTPResponse {
        if !isMessages, let place = turned.http, request.query(StreamRequest.sentOn) == nil {
            let mark = (request.target.contains("?") ? "&" : "?") + StreamRequest.sentOn + "=1"
            var response = HTTPResponse(status: 302, text: "\(turned.text); \(place) has room.\n")
            response.set("Location", "http://\(place)\(request.target)\(mark)")
            response.set("Cache-Control", "no-store")
            return response
        }
        var response = HTTPResponse(status: 503, text: "\(turned.text).\n")
        response.set("Retry-After", "\(turned.retrySeconds)")
        return response
    }

    /// The query parameter of a viewer that was sent here by another node.
    private static let sentOn = "sent_on"
}
