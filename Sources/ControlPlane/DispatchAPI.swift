/// What the dispatcher answers over HTTP: the network as it stands, each stream's tree, and why.
///
///     GET /api/v1/topology[?stream=APP/NAME]    nodes, and the trees of all streams or of one
///     GET /api/v1/routes/APP/NAME?at=NODE       where that node gets the stream from, and why
///     GET /api/v1/place?role=viewer|publisher   which node serves a client (&latitude=&longitude= or &region=,
///         &stream=APP/NAME, &at=NODE where it already is)
///     GET /api/v1/quotas                        what applications and streams use of their quotas, and where
import Dispatch
import HTTP
import Operations
import RelayProtocol

enum DispatchAPI {
    static func answer(_ request: HTTPRequest, _ server: DispatchServer) -> HTTPResponse {
        let target = Target(request)
        guard request.isFetch else {
            var response = HTTPResponse.json(JSON.encode(error: "method not allowed here"), status: 405)
            response.set("Allow", "GET, HEAD")
            return response
        }
        switch target.segments {
        case ["healthz"], ["readyz"]: return HTTPResponse(status: 200, text: "ok\n")
        case ["api", "v1", "topology"]: return topology(target, server.desk)
        case ["api", "v1", "place"]: return place(target, &server.desk)
        case ["api", "v1", "quotas"]: return quotas(target, server.desk)
        case let segments where segments.count >= 5 && segments[..<3] == ["api", "v1", "routes"]:
            return route(segments[3...].joined(separator: "/"), target, server.desk)
        default: return .json(JSON.encode(error: "no such resource"), status: 404)
        }
    }

    // MARK: Topology

    private static func topology(_ target: Target, _ desk: DispatchDesk) -> HTTPResponse {
        var streams: [StreamIndex] = (0..<desk.dispatcher.streamCount).map { StreamIndex($0) }
        if let name = target["stream"] {
            guard let stream = desk.dispatcher.stream(named: name) else { return unknown(name) }
            streams = [stream]
        }
        var writer = JSONWriter(pretty: target["pretty"] != nil)
        writer.object { out in
            out.member("nodes") { $0.array(desk.topology.nodes) { write($1, desk, &$0) } }
            out.member("streams") { out in
                out.array(streams) { out, stream in write(stream, desk, &out) }
            }
        }
        return .json(writer.bytes)
    }

    private static func write(_ node: Topology.Node, _ desk: DispatchDesk, _ out: inout JSONWriter) {
        let seat = NodeID(node.id).flatMap { desk.seats[$0] }
        let index = desk.topology.node(named: node.id)
        let relays = index.map { desk.addresses(of: $0) } ?? []
        out.object {
            $0.member("id", node.id)
            $0.member("idc", node.idc)
            $0.member("connected", seat?.isConnected ?? false)
            $0.member("up", index.map { desk.dispatcher.isUp($0) } ?? false)
            $0.member("relay", relays.first ?? "")
            $0.member("relays") { $0.array(relays) { $0.string($1) } }
            $0.member("dials") { out in
                let dialled = index.map { desk.dialled(by: $0) } ?? []
                out.array(Topology.Transport.allCases.filter(dialled.contains)) { $0.string($1.rawValue) }
            }
            $0.member("rtmp", seat?.register?.rtmp ?? "")
            $0.member("http", seat?.register?.http ?? "")
            $0.member("draining", seat?.register?.isDraining ?? false)
            $0.member("megabitsOut", Double(seat?.load?.kilobitsOut ?? 0) / 1000)
            $0.member("megabitsIn", Double(seat?.load?.kilobitsIn ?? 0) / 1000)
            $0.member("sessions", Int(seat?.load?.sessions ?? 0))
            $0.member("cpu", Double(seat?.load?.cpuPermille ?? 0) / 1000)
        }
    }

    private static func write(_ stream: StreamIndex, _ desk: DispatchDesk, _ out: inout JSONWriter) {
        let topology = desk.topology
        let source = desk.dispatcher.source(of: stream)
        out.object { out in
            out.member("name", desk.dispatcher.name(of: stream))
            out.member("source", source.map { topology[$0.node].id } ?? "")
            out.member("epoch", source?.epoch ?? 0)
            out.member("tree") { out in
                out.array(desk.dispatcher.tree(of: stream)) { out, place in
                    out.object {
                        $0.member("node", topology[place.node].id)
                        $0.member("parent", place.parent.map { topology[$0].id } ?? "")
                        let door = place.parent.flatMap { desk.door(from: $0, to: place.node) }
                        $0.member("transport", door?.choice.transport.rawValue ?? "")
                        $0.member("hops", place.hops ?? -1)
                        $0.member("viewers", place.viewers)
                        $0.member("delayMs", place.delay)
                        $0.member("wanted", place.isWanted)
                    }
                }
            }
        }
    }

    // MARK: Routes

    private static func route(_ name: String, _ target: Target, _ desk: DispatchDesk) -> HTTPResponse {
        guard let at = target["at"], let node = desk.topology.node(named: at) else {
            return .json(JSON.encode(error: "say which node: ?at=NODE, one of the topology"), status: 400)
        }
        guard let stream = desk.dispatcher.stream(named: name) else { return unknown(name) }
        // Asked of a copy: looking changes nothing.
        var trial = desk.dispatcher
        let isMember = trial.route(of: stream, at: node) != nil
        var writer = JSONWriter(pretty: target["pretty"] != nil)
        switch trial.join(stream, at: node) {
        case .refused(let refusal):
            writer.object {
                $0.member("stream", name)
                $0.member("at", at)
                $0.member("inTree", isMember)
                $0.member("refused", refusal.describe(in: desk.topology))
            }
        case .route(let route, let why):
            writer.object { out in
                out.member("stream", name)
                out.member("at", at)
                out.member("inTree", isMember)
                out.member("why", desk.words(why, route))
                out.member("parents") { out in
                    out.array(route.parents) { out, parent in
                        out.object {
                            $0.member("node", desk.topology[parent.node].id)
                            write(desk.door(from: parent.node, to: node), from: parent.node, to: node, desk, &$0)
                            $0.member("path") { $0.array(parent.path) { $0.string(desk.topology[$1].id) } }
                            $0.member("warm", parent.isWarm)
                            $0.member("shared", parent.shared)
                        }
                    }
                }
            }
        }
        return .json(writer.bytes)
    }

    /// Over what, to which address, and why; empty where the node dials nothing that the parent offers.
    private static func write(
        _ door: DispatchDesk.Door?, from parent: NodeIndex, to child: NodeIndex, _ desk: DispatchDesk,
        _ out: inout JSONWriter
    ) {
        out.member("transport", door?.choice.transport.rawValue ?? "")
        out.member("transportWhy", door?.choice.describe(from: parent, to: child, in: desk.topology) ?? "")
        out.member("address", door?.address ?? "")
    }

    private static func unknown(_ stream: String) -> HTTPResponse {
        .json(JSON.encode(error: "no node has spoken of a stream \(stream)"), status: 404)
    }

    // MARK: Quotas

    private static func quotas(_ target: Target, _ desk: DispatchDesk) -> HTTPResponse {
        let reports = desk.dispatcher.quotaReports
        var writer = JSONWriter(pretty: target["pretty"] != nil)
        writer.object { out in
            out.member("quotas") { out in
                out.array(desk.dispatcher.quotaScopes) { out, scope in
                    out.object { out in
                        out.member("app", scope.app)
                        out.member("stream", scope.stream ?? "")
                        for report in reports where report.scope == scope {
                            out.member("\(report.resource)") { write(report, desk, &$0) }
                        }
                    }
                }
            }
        }
        return .json(writer.bytes)
    }

    /// In the marks' own units: `out` is in Mbit/s.
    private static func write(_ report: Dispatcher.QuotaReport, _ desk: DispatchDesk, _ out: inout JSONWriter) {
        func amount(_ units: Int) -> Double { Double(units) / report.resource.scale }
        out.object { out in
            out.member("used", amount(report.used))
            out.member("soft", amount(report.soft))
            out.member("hard", amount(report.hard))
            out.member("state", "\(report.state)")
            out.member("nodes") { out in
                out.array(desk.dispatcher.quotaShares(of: report.scope, report.resource)) { out, share in
                    out.object {
                        $0.member("node", desk.topology[share.node].id)
                        $0.member("used", amount(share.used))
                        // A node that has been told nothing goes by its own limits.
                        if let limit = share.limit { $0.member("limit", amount(limit)) }
                    }
                }
            }
        }
    }

    // MARK: Places

    private static func place(_ target: Target, _ desk: inout DispatchDesk) -> HTTPResponse {
        var whereabouts = Whereabouts.unknown
        if let latitude = target["latitude"].flatMap(Double.init),
            let longitude = target["longitude"].flatMap(Double.init)
        {
            whereabouts = .at(Coordinates(latitude: latitude, longitude: longitude))
        } else if let region = target["region"] {
            whereabouts = .region(region)
        }
        let came = target["at"].flatMap { desk.topology.node(named: $0) }
        let admission: Admission
        switch target["role"] {
        case "publisher": admission = desk.placePublisher(whereabouts, came, target["stream"])
        case "viewer": admission = desk.placeViewer(whereabouts, came, target["stream"])
        default: return .json(JSON.encode(error: "say for whom: ?role=viewer or ?role=publisher"), status: 400)
        }
        var writer = JSONWriter(pretty: target["pretty"] != nil)
        switch admission {
        case .admit(let node, let why), .redirect(let node, let why):
            let seat = NodeID(desk.topology[node].id).flatMap { desk.seats[$0] }
            writer.object {
                $0.member("node", desk.topology[node].id)
                $0.member("rtmp", seat?.register?.rtmp ?? "")
                $0.member("http", seat?.register?.http ?? "")
                $0.member("why", why.describe(in: desk.topology))
            }
            return .json(writer.bytes)
        case .refuse(let refusal, let seconds):
            var response = HTTPResponse.json(JSON.encode(error: refusal.describe(in: desk.topology)), status: 503)
            response.set("Retry-After", "\(seconds)")
            return response
        }
    }
}

/// The parts of a request's target.
private struct Target {
    let segments: [String]
    private let items: [(name: String, value: String)]

    init(_ request: HTTPRequest) {
        segments = request.path.split(separator: "/").map(String.init)
        items = request.queryItems
    }

    subscript(name: String) -> String? { items.first { $0.name == name }?.value }
}
