/// The API: reads the node's state and ends what an operator wants ended.
import Fanout
import HTTP
import Operations

enum Admin {
    static func serve(_ request: HTTPRequest, for session: HTTPSession) {
        let pretty = AdminRequest.wantsPretty(path: request.target)
        switch AdminRequest.parse(method: request.method, path: request.target) {
        case .health: session.answer(HTTPResponse(status: 200, text: "ok\n"))
        case .ready:
            let draining = session.state.isDraining
            session.answer(HTTPResponse(status: draining ? 503 : 200, text: draining ? "draining\n" : "ready\n"))
        case .metrics:
            let busiest = session.state.settings.metrics.streams
            session.answerLater { snapshot in
                var response = HTTPResponse(status: 200)
                response.set("Content-Type", PrometheusExposition.contentType)
                response.body = PrometheusExposition.encode(snapshot, busiest: busiest)
                return response
            }
        case .node: session.answerLater { .json(JSON.encode($0.node, pretty: pretty)) }
        case .links: session.answerLater { .json(JSON.encode($0.links, pretty: pretty)) }
        case .streams: session.answerLater { .json(JSON.encode($0.streams, pretty: pretty)) }
        case .stream(let app, let name):
            session.answerLater { snapshot in
                guard let stream = snapshot.streams.first(where: { $0.app == app && $0.name == name }) else {
                    return missing("no stream \(app)/\(name) here", pretty)
                }
                return .json(JSON.encode(stream, pretty: pretty))
            }
        case .sessions(let stream):
            session.answerLater { snapshot in
                let sessions = snapshot.sessions.filter { stream == nil || "\($0.app)/\($0.stream)" == stream }
                return .json(JSON.encode(sessions, pretty: pretty))
            }
        case .session(let id):
            session.answerLater { snapshot in
                guard let found = snapshot.sessions.first(where: { $0.id == id }) else {
                    return missing("no session \(id) here", pretty)
                }
                return .json(JSON.encode(found, pretty: pretty))
            }
        case .pushes: pushes(of: nil, session, pretty)
        case .streamPushes(let app, let name): pushes(of: (app, name), session, pretty)
        case .push(let app, let name, let id): push(app, name, id, session, pretty)
        case .addPush(let app, let name): addPush(app, name, request, session, pretty)
        case .stopPush(let app, let name, let id): stopPush(app, name, id, session, pretty)
        case .kickStream(let app, let name): kickStream(app, name, session, pretty)
        case .kickSession(let id): kickSession(id, session, pretty)
        case .notFound: session.answer(missing("no such resource", pretty))
        case .methodNotAllowed(let allow):
            var response = HTTPResponse.json(JSON.encode(error: "method not allowed here", pretty: pretty), status: 405)
            response.set("Allow", allow)
            session.answer(response)
        }
    }

    static func missing(_ what: String, _ pretty: Bool) -> HTTPResponse {
        .json(JSON.encode(error: what, pretty: pretty), status: 404)
    }

    private static func kickStream(_ app: String, _ name: String, _ session: HTTPSession, _ pretty: Bool) {
        guard let name = StreamName(app: app, name: name), let handle = session.state.hub.find(name) else {
            return session.answer(missing("no stream \(app)/\(name) here", pretty))
        }
        session.state.log.write(.info, "api.kick", session: session.id, [("stream", "\(name)")])
        handle.onHome(from: session.loop) { stream in
            let publisher = stream.publisher
            handle.close(.kicked)
            publisher?.end(.kicked)
        }
        session.answer(HTTPResponse(status: 204))
    }

    private static func kickSession(_ id: String, _ session: HTTPSession, _ pretty: Bool) {
        session.worker.kick(id, by: session.id) { [weak session] found in
            guard let session else { return }
            session.answer(found ? HTTPResponse(status: 204) : missing("no session \(id) here", pretty))
        }
    }
}
