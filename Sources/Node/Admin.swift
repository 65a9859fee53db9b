/// The API: reads the node's state and ends what an operator wants ended.
import Fanout
import HTTP
import Operations

enum Admin {
    static func serve(_ exchange: HTTPExchange) {
        let request = exchange.request
        let pretty = AdminRequest.wantsPretty(path: request.target)
        switch AdminRequest.parse(method: request.method, path: request.target) {
        case .health: exchange.answer(HTTPResponse(status: 200, text: "ok\n"))
        case .ready:
            let draining = exchange.state.isDraining
            exchange.answer(HTTPResponse(status: draining ? 503 : 200, text: draining ? "draining\n" : "ready\n"))
        case .metrics:
            let busiest = exchange.state.settings.metrics.streams
            exchange.answerLater { snapshot in
                var response = HTTPResponse(status: 200)
                response.set("Content-Type", PrometheusExposition.contentType)
                response.body = PrometheusExposition.encode(snapshot, busiest: busiest)
                return response
            }
        case .node: exchange.answerLater { .json(JSON.encode($0.node, pretty: pretty)) }
        case .links: exchange.answerLater { .json(JSON.encode($0.links, pretty: pretty)) }
        case .streams: exchange.answerLater { .json(JSON.encode($0.streams, pretty: pretty)) }
        case .stream(let app, let name):
            exchange.answerLater { snapshot in
                guard let stream = snapshot.streams.first(where: { $0.app == app && $0.name == name }) else {
                    return missing("no stream \(app)/\(name) here", pretty)
                }
                return .json(JSON.encode(stream, pretty: pretty))
            }
        case .sessions(let stream):
            exchange.answerLater { snapshot in
                let sessions = snapshot.sessions.filter { stream == nil || "\($0.app)/\($0.stream)" == stream }
                return .json(JSON.encode(sessions, pretty: pretty))
            }
        case .session(let id):
            exchange.answerLater { snapshot in
                guard let found = snapshot.sessions.first(where: { $0.id == id }) else {
                    return missing("no session \(id) here", pretty)
                }
                return .json(JSON.encode(found, pretty: pretty))
            }
        case .pushes: pushes(of: nil, exchange, pretty)
        case .streamPushes(let app, let name): pushes(of: (app, name), exchange, pretty)
        case .push(let app, let name, let id): push(app, name, id, exchange, pretty)
        case .addPush(let app, let name): addPush(app, name, request, exchange, pretty)
        case .stopPush(let app, let name, let id): stopPush(app, name, id, exchange, pretty)
        case .recording(let app, let name): showRecording(app, name, exchange, pretty)
        case .startRecording(let app, let name):
            startRecording(app, name, body: request.body, exchange, pretty)
        case .stopRecording(let app, let name): stopRecording(app, name, exchange, pretty)
        case .recordings(let app, let name): listRecordings(app, name, exchange, pretty)
        case .window(let app, let name): showWindow(app, name, exchange, pretty)
        case .kickStream(let app, let name): kickStream(app, name, exchange, pretty)
        case .kickSession(let id): kickSession(id, exchange, pretty)
        case .notFound: exchange.answer(missing("no such resource", pretty))
        case .methodNotAllowed(let allow):
            var response = HTTPResponse.json(JSON.encode(error: "method not allowed here", pretty: pretty), status: 405)
            response.set("Allow", allow)
            exchange.answer(response)
        }
    }

    static func missing(_ what: String, _ pretty: Bool) -> HTTPResponse {
        .json(JSON.encode(error: what, pretty: pretty), status: 404)
    }

    private static func showWindow(_ app: String, _ name: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        guard let name = StreamName(app: app, name: name), let report = exchange.state.rewinding.report(of: name) else {
            return exchange.answer(missing("nothing of \(app)/\(name) is kept for rewinding", pretty))
        }
        exchange.answer(.json(JSON.encode(report, pretty: pretty)))
    }

    private static func kickStream(_ app: String, _ name: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        guard let name = StreamName(app: app, name: name), let handle = exchange.state.hub.find(name) else {
            return exchange.answer(missing("no stream \(app)/\(name) here", pretty))
        }
        exchange.state.log.write(.info, "api.kick", session: exchange.session.id, [("stream", "\(name)")])
        handle.onHome(from: exchange.loop) { stream in
            let publisher = stream.publisher
            handle.close(.kicked)
            publisher?.end(.kicked)
        }
        exchange.answer(HTTPResponse(status: 204))
    }

    private static func kickSession(_ id: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        exchange.session.worker.kick(id, by: exchange.session.id) { [weak exchange] found in
            guard let exchange else { return }
            exchange.answer(found ? HTTPResponse(status: 204) : missing("no session \(id) here", pretty))
        }
    }
}
