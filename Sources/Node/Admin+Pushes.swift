/// The part of the API that orders pushes, shows them and ends them.
import Configuration
import Fanout
import HTTP
import Operations

extension Admin {
    /// Those of one stream, or all.
    static func pushes(of stream: (app: String, name: String)?, _ exchange: HTTPExchange, _ pretty: Bool) {
        exchange.answerLater { snapshot in
            let pushes = snapshot.pushes.filter { push in
                stream.map { $0.app == push.app && $0.name == push.stream } ?? true
            }
            return .json(JSON.encode(pushes, pretty: pretty))
        }
    }

    static func push(_ app: String, _ name: String, _ id: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        exchange.answerLater { snapshot in
            guard let push = snapshot.pushes.first(where: { $0.id == id && $0.app == app && $0.stream == name }) else {
                return missing("no push \(id) of \(app)/\(name) here", pretty)
            }
            return .json(JSON.encode(push, pretty: pretty))
        }
    }

    static func addPush(
        _ app: String, _ name: String, _ request: HTTPRequest, _ exchange: HTTPExchange, _ pretty: Bool
    ) {
        func refuse(_ status: Int, _ text: String) {
            exchange.answer(.json(JSON.encode(error: text, pretty: pretty), status: status))
        }
        guard isFromHere(request) else { return refuse(403, "pages of other origins may not order pushes") }
        guard let stream = StreamName(app: app, name: name) else {
            return refuse(400, "the stream's name is too long or not printable")
        }
        let address: PushAddress
        do {
            let order = try PushOrder(json: request.body)
            address = try PushAddress(name: order.name, url: order.url)
        } catch let fault as PushOrder.Fault {
            return refuse(400, fault.description)
        } catch let fault as ValueFault {
            return refuse(400, "\(fault.fault); \(fault.advice)")
        } catch { return refuse(400, "the request is not usable") }
        guard !exchange.state.isDraining else { return refuse(503, "the node is going down") }
        switch exchange.session.worker.push(stream, address, isConfigured: false) {
        case .failure(let refusal): refuse(409, refusal.description)
        case .success(let push):
            var response = HTTPResponse.json(JSON.encode(push.report, pretty: pretty), status: 201)
            response.set("Location", "\(request.path)/\(push.entry.id)")
            exchange.answer(response)
        }
    }

    /// A browser asks nobody before it posts for a page of some other place, but says whose page it is.
    private static func isFromHere(_ request: HTTPRequest) -> Bool {
        guard let origin = request.header("origin") else { return true }
        guard let host = request.header("host") else { return false }
        return origin == "http://\(host)" || origin == "https://\(host)"
    }

    static func stopPush(_ app: String, _ name: String, _ id: String, _ exchange: HTTPExchange, _ pretty: Bool) {
        guard let stream = StreamName(app: app, name: name), exchange.session.worker.stopPush(stream, id: id) else {
            return exchange.answer(missing("no push \(id) of \(app)/\(name) here", pretty))
        }
        exchange.answer(HTTPResponse(status: 204))
    }
}
