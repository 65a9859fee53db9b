/// A dispatcher process: nodes keep a connection to it, operators ask it over HTTP. One loop, one desk.
///
/// Nothing here is on the media path: a dispatcher that is slow, or gone, costs nobody a frame.
import Configuration
import Dispatch
import EventLoop
import Operations
import RelayProtocol
import TLS

public final class DispatchServer {
    let loop: Loop
    var desk: DispatchDesk
    let identity: RelayConnection.Configuration
    let log: (LogLevel, String, String?, [(String, String)]) -> Void
    private var sessions: [ObjectIdentifier: DispatchSession] = [:]
    private var requests: [ObjectIdentifier: DispatchRequests] = [:]
    private var byNode: [NodeID: DispatchSession] = [:]
    private var listeners: [Listener] = []
    private lazy var timer = Timer(on: loop) { [unowned self] in tick() }

    private lazy var quotaTimer = Timer(on: loop) { [unowned self] in tickQuotas() }

    private static let tickInterval: UInt64 = 500
    /// Milliseconds: as often as nodes say what they use.
    private static let quotaInterval: UInt64 = 100

    public init(
        _ topology: Topology, identity: RelayConnection.Configuration, on loop: Loop,
        log: @escaping (LogLevel, String, String?, [(String, String)]) -> Void
    ) {
        self.loop = loop
        self.log = log
        var identity = identity
        identity.capabilities.insert(.dispatcher)
        self.identity = identity
        desk = DispatchDesk(topology, now: loop.refreshNow())
        timer.arm(after: DispatchServer.tickInterval)
        tickQuotas()
    }

    /// Listens for nodes, over TLS where there are certificates, and returns the port.
    public func listen(
        _ endpoint: Endpoint, _ certificates: CertificateStore? = nil, proxies: [Network] = []
    ) throws(ListenError) -> UInt16 {
        try listen(endpoint, proxies) { [unowned self] connection in
            let session = DispatchSession(connection, server: self)
            sessions[ObjectIdentifier(session)] = session
            connection.start(session)
            if let certificates { connection.secure(TLSSession(certificates.context)) }
            session.begin()
        }
    }

    /// Listens for operators, and returns the port.
    public func listenForRequests(_ endpoint: Endpoint, proxies: [Network] = []) throws(ListenError) -> UInt16 {
        try listen(endpoint, proxies) { [unowned self] connection in
            let session = DispatchRequests(connection, server: self)
            requests[ObjectIdentifier(session)] = session
            connection.start(session)
        }
    }

    /// Who comes from one of `proxies` is asked for the client behind it first.
    private func listen(
        _ endpoint: Endpoint, _ proxies: [Network], _ accepted: @escaping (Connection) -> Void
    ) throws(ListenError) -> UInt16 {
        let host = endpoint.host == Endpoint.everywhere ? "" : endpoint.host
        let listener = try Listener(host: host, port: UInt16(endpoint.port), on: loop) { [unowned self] connection in
            let address = connection.peer
            guard proxies.contains(where: { $0.contains(address.host) }) else { return accepted(connection) }
            Preface.read(connection) {
                accepted(connection)
            } refused: { [unowned self] failure in
                let fields = [("address", "\(address)"), ("reason", failure.description)]
                log(.warning, "proxy.refused", nil, fields)
            }
        }
        listeners.append(listener)
        return listener.port
    }

    /// Runs until a signal ends it.
    public static func run(
        _ topology: Topology, _ identity: RelayConnection.Configuration, _ settings: Settings,
        certificates: CertificateStore?,
        log: @escaping @Sendable (LogLevel, String, String?, [(String, String)]) -> Void
    ) throws(ListenError) {
        EventLoop.Process.raiseFileLimit()
        let loop = Loop(index: 0)
        let server = DispatchServer(topology, identity: identity, on: loop, log: log)
        var ports: [UInt16] = []
        let proxies = settings.dispatch.proxies
        for endpoint in settings.dispatch.listen { ports.append(try server.listen(endpoint, proxies: proxies)) }
        for endpoint in settings.dispatch.tlsListen {
            ports.append(try server.listen(endpoint, certificates, proxies: proxies))
        }
        let watch = CertificateWatch(certificates.map { [$0] } ?? [], on: loop) { result in
            if case .failure(let error) = result {
                log(.warning, "tls.not_reloaded", nil, [("reason", error.description)])
            }
        }
        var apiPorts: [UInt16] = []
        for endpoint in settings.api.listen {
            apiPorts.append(try server.listenForRequests(endpoint, proxies: settings.api.proxies))
        }
        let signals = [SignalWatch.terminate, SignalWatch.interrupt].map { signal in
            SignalWatch(signal, on: loop) { loop.stop() }
        }
        let reload = SignalWatch(SignalWatch.hangUp, on: loop) { server.reload(settings.dispatch.topology) }
        log(
            .info, "dispatch.start", nil,
            [
                ("idcs", "\(topology.idcs.count)"), ("nodes", "\(topology.nodes.count)"), ("listen", "\(ports)"),
                ("api", "\(apiPorts)"),
            ])
        loop.run()
        withExtendedLifetime((server, signals, reload, watch)) {}
        log(.info, "dispatch.stop", nil, [])
    }

    private func tick() {
        send(desk.tick(now: loop.now))
        for session in Array(requests.values) { session.tick(now: loop.now) }
        timer.arm(after: DispatchServer.tickInterval)
    }

    // MARK: Quotas

    private func tickQuotas() {
        send(desk.shareQuotas())
        for report in desk.takeQuotaNews() {
            let fields = [("quota", "\(report.scope)"), ("used", report.use.amount)]
            switch report.state {
            case .below: log(.info, "dispatch.quota_room", nil, fields)
            case .soft: log(.warning, "dispatch.quota_soft", nil, fields)
            case .hard: log(.warning, "dispatch.quota_hard", nil, fields)
            }
        }
        if desk.hasQuotas { quotaTimer.arm(after: DispatchServer.quotaInterval) }
    }

    /// Takes the quotas of the topology file as it is now. Nodes, IDCs, links and classes are taken at the start.
    private func reload(_ path: String) {
        let topology: Topology
        do {
            topology = try TopologyFile.load(path)
        } catch {
            return log(.warning, "dispatch.not_reloaded", nil, [("reason", error.description)])
        }
        desk.setQuotas(topology.quotas)
        tickQuotas()
        log(.info, "dispatch.reload", nil, [("quotas", "\(topology.quotas.count)")])
        guard !topology.isSameNetwork(as: desk.topology) else { return }
        let reason = "idcs, nodes, links and classes are others now; they count when the dispatcher is started again"
        log(.warning, "dispatch.not_reloaded", nil, [("reason", reason)])
    }

    // MARK: Nodes

    /// The node is who it says. A connection that it had before is given up: it has made a new one.
    func connected(_ session: DispatchSession, _ node: NodeID) -> Bool {
        guard desk.connected(node) else { return false }
        byNode[node]?.replace()
        byNode[node] = session
        return true
    }

    func forget(_ session: DispatchSession) {
        sessions[ObjectIdentifier(session)] = nil
        guard let node = session.node, byNode[node] === session else { return }
        byNode[node] = nil
        desk.disconnected(node, now: loop.now)
        log(.warning, "dispatch.node_away", nil, [("node", node.name)])
    }

    func forget(_ session: DispatchRequests) { requests[ObjectIdentifier(session)] = nil }

    func take(_ message: RelayMessage, from node: NodeID) { send(desk.take(message, from: node)) }

    private func send(_ messages: [DispatchDesk.Outgoing]) {
        for outgoing in messages { byNode[outgoing.node]?.send(outgoing.message) }
        for each in desk.takeSubstitutions() {
            let (parent, child) = (desk.topology[each.parent].id, desk.topology[each.child].id)
            let reason = each.choice.describe(from: each.parent, to: each.child, in: desk.topology)
            log(.warning, "dispatch.transport", nil, [("parent", parent), ("child", child), ("over", reason)])
        }
    }
}
