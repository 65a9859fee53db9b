/// The node's connection to one dispatcher: says what the node is and carries, asks for routes, takes orders while it is
/// the one that is followed.
///
/// It lives on the first loop. While the dispatcher cannot be reached, questions are answered at once with that, and the
/// node goes on with what it knows.
import Configuration
import EventLoop
import Fanout
import Operations
import RelayProtocol

/// What a dispatcher answers to the question for a stream.
enum RouteAnswer: Sendable {
    case parents([String], why: String)
    /// Nobody publishes it, or there is no way to it.
    case absent(String)
    /// No dispatcher has answered.
    case unavailable
}

/// How other loops reach the connections to the dispatchers.
struct DispatchDoor: Sendable {
    let mailbox: Mailbox
    let dispatchers: LoopBound<Dispatchers>

    func withDispatchers(_ work: @escaping @Sendable (Dispatchers) -> Void) {
        let dispatchers = dispatchers
        mailbox.post { loop in work(dispatchers.value(on: loop)) }
    }
}

final class DispatchLink: ConnectionHandler {
    typealias Reply = (RouteAnswer) -> Void

    private unowned let worker: Worker
    private unowned let dispatchers: Dispatchers
    private let server: Remote
    /// Its place among the dispatchers of the node.
    private let number: Int
    /// Of its words on quotas, the last that was heard; and what it was told of their use.
    private var quotaSerial: UInt32 = 0
    private var toldUse: [QuotaName: UsedQuota] = [:]
    /// Since the last connection, nobody was told of its loss.
    private var isNewlyLost = true
    private var dialer: LinkDialer?
    private var connection: Connection?
    private var machine: RelayConnection?
    private var heartbeat = Heartbeat(interval: interval, deadAfter: deadAfter, now: 0)
    private(set) var isOpen = false
    private var asked: [UInt32: (name: StreamName, reply: Reply, until: UInt64)] = [:]
    private var nextRequest: UInt32 = 1
    private var told: [StreamName: Carried] = [:]
    private var audience: [StreamName: (viewers: UInt32, kilobits: UInt32)] = [:]
    private var lastBytes: (in: UInt64, out: UInt64, at: UInt64)?
    private var nextLoad: UInt64 = 0
    private lazy var timer = Timer(on: worker.loop) { [unowned self] in beat() }
    private lazy var redial = Timer(on: worker.loop) { [unowned self] in dial() }

    /// Nanoseconds.
    private static let interval: UInt64 = 500_000_000
    private static let deadAfter: UInt64 = 2_000_000_000
    /// Milliseconds.
    private static let dialTimeout: UInt64 = 2_000
    private static let redialPause: UInt64 = 500
    private static let loadInterval: UInt64 = 2_000
    private static let answerTimeout: UInt64 = 400

    init(to server: Remote, number: Int, of dispatchers: Dispatchers, _ worker: Worker) {
        self.server = server
        self.number = number
        self.dispatchers = dispatchers
        self.worker = worker
    }

    private var state: NodeState { worker.state }

    // MARK: The connection

    func dial() {
        dialer = LinkDialer(server, timeout: DispatchLink.dialTimeout, state, on: worker.loop) {
            [unowned self] result in
            dialer = nil
            switch result {
            case .success(let line): begin(line)
            case .failure(let error): lost(error.description)
            }
        }
    }

    private func begin(_ line: Line) {
        let connection = line.connection
        self.connection = connection
        heartbeat = Heartbeat(
            interval: DispatchLink.interval, deadAfter: DispatchLink.deadAfter, now: Clock.monotonicNanoseconds)
        var machine = RelayConnection(
            role: .initiator, configuration: state.relay, nonce: EventLoop.Process.randomBytes(Hello.nonceSize))
        connection.start(self)
        if let tls = line.tls { connection.secure(tls) }
        connection.write(machine.start())
        self.machine = machine
        beat()
    }

    private func lost(_ reason: String) {
        if isNewlyLost { state.log.write(.warning, "dispatch.lost", [("address", "\(server)"), ("reason", reason)]) }
        isNewlyLost = false
        isOpen = false
        state.gate.lost(dispatcher: number)
        dispatchers.failed(self)
        connection?.finish()
        connection = nil
        machine = nil
        timer.disarm()
        let waiting = asked.values
        asked = [:]
        for question in waiting { question.reply(.unavailable) }
        redial.arm(after: DispatchLink.redialPause)
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        heartbeat.heard(now: Clock.monotonicNanoseconds)
        var at = 0
        // Sound: the bytes stay where they are for the length of this call.
        let span = Span(_unsafeElements: bytes)
        while let action = machine?.next(span, &at) { perform(action) }
    }

    private func perform(_ action: RelayAction) {
        switch action {
        case .send(let bytes): connection?.write(bytes)
        case .authenticated(let peer): opened(peer)
        case .frameBegins: machine?.skipBody()
        case .message(let message): take(message)
        case .misrouted(_, _, let send): connection?.write(send)
        case .close(let error, let send):
            connection?.write(send)
            lost(error.description)
        }
    }

    private func opened(_ peer: RelayPeer) {
        isOpen = true
        isNewlyLost = true
        dispatchers.opened(self)
        state.log.write(.info, "dispatch.open", [("dispatcher", peer.node.name), ("address", "\(server)")])
        send(.register(register))
        told = [:]
        (quotaSerial, toldUse) = (0, [:])
        for message in Carry.messages(carried, isWhole: true) { send(message) }
        nextLoad = 0
    }

    private func send(_ message: RelayMessage) { connection?.write(message.bytes) }

    func ended(_ reason: ConnectionEnd) { lost(reason.description) }
    func writable() {}

    private func beat() {
        guard connection != nil else { return }
        let now = Clock.monotonicNanoseconds
        switch heartbeat.tick(now: now) {
        case .none: break
        case .ping(let token): if isOpen { send(.ping(Ping(token: token, clock: Clock.unixMicroseconds))) }
        case .dead(let error): return lost(error.description)
        }
        if isOpen, worker.loop.now >= nextLoad { tellLoad() }
        if isOpen { tellUse() }
        expireQuestions()
        state.routes.save()
        timer.arm(after: DispatchLink.interval / 5_000_000)
    }

    // MARK: Telling

    private var register: Register {
        let ports = state.ports
        let host = state.settings.node.address.isEmpty ? connection?.local.host ?? "" : state.settings.node.address
        func place(
            _ endpoints: [Endpoint], _ ports: [UInt16], over transport: Remote.Transport = .tcp
        ) -> String {
            guard let endpoint = endpoints.first, let port = ports.first else { return "" }
            let isEverywhere = endpoint.host == Endpoint.everywhere || endpoint.host == "0.0.0.0"
            let reached = isEverywhere || !state.settings.node.address.isEmpty ? host : endpoint.host
            let address = reached.isEmpty ? "" : Remote(host: reached, port: Int(port), over: transport).description
            // The longest of host names leave no room for the scheme.
            return Register.allows(address) ? address : ""
        }
        let settings = state.settings
        // The safest first, then the plainest: a dispatcher that knows of one alone takes that.
        let doors = [
            place(settings.relay.tlsListen, ports.relayTLS, over: .tls), place(settings.relay.listen, ports.relay),
            place(settings.relay.srtListen, ports.relaySRT, over: .srt),
        ]
        return Register(
            roles: [.ingest, .relay, .edge], relays: doors.filter { !$0.isEmpty },
            dials: state.certificates.dialling == nil ? [.tcp, .srt] : .all,
            rtmp: place(settings.rtmp.listen, ports.rtmp), http: place(settings.http.listen, ports.http),
            isDraining: state.isDraining)
    }

    func tellDraining() { if isOpen { send(.register(register)) } }

    /// Everything that the node carries now; what has been told is remembered.
    private var carried: [Carried] {
        var list: [Carried] = []
        for (name, entry) in state.carriage.all {
            guard let relayName = RelayStreamName(app: name.app, name: name.name) else { continue }
            let known = audience[name]
            let carried = Carried(
                name: relayName, epoch: entry.epoch, role: entry.role, viewers: known?.viewers ?? 0,
                kilobits: known?.kilobits ?? 0, isWanted: true)
            told[name] = carried
            list.append(carried)
        }
        return list
    }

    func tellCarriage() {
        guard isOpen else { return }
        let before = told
        told = [:]
        var changes = carried.filter { carried in
            StreamName(app: carried.name.app, name: carried.name.name).map { before[$0] != carried } ?? false
        }
        for (name, old) in before where told[name] == nil {
            var gone = old
            gone.role = .gone
            changes.append(gone)
        }
        guard !changes.isEmpty else { return }
        for message in Carry.messages(changes, isWhole: false) { send(message) }
    }

    private func tellLoad() {
        nextLoad = worker.loop.now + DispatchLink.loadInterval
        worker.takeLoad { [weak self] load in self?.tell(load) }
    }

    private func tell(_ load: NodeLoad) {
        guard isOpen else { return }
        audience = load.streams
        let now = worker.loop.now
        var message = Load(
            kilobitsOut: 0, kilobitsIn: 0, sessions: UInt32(clamping: load.sessions), cpuPermille: 0, links: load.links)
        message.cpuPermille = UInt16(clamping: Int(load.busy * 1000))
        message.fullPermille = UInt16(clamping: state.gate.position)
        if let last = lastBytes, now > last.at {
            // Bytes in a millisecond, times 8, are kilobits in a second.
            func rate(_ new: UInt64, _ old: UInt64) -> UInt32 {
                UInt32(clamping: (new > old ? new - old : 0) * 8 / (now - last.at))
            }
            message.kilobitsIn = rate(load.bytesIn, last.in)
            message.kilobitsOut = rate(load.bytesOut, last.out)
        }
        lastBytes = (load.bytesIn, load.bytesOut, now)
        send(.load(message))
        tellCarriage()
    }

    /// What has changed in the use of the quotas that the dispatcher has spoken of.
    private func tellUse(isAnswer: Bool = false) {
        let used = state.gate.used(of: number)
        let changes = used.filter { toldUse[$0.name] != $0 }
        guard isAnswer || !changes.isEmpty else { return }
        toldUse = Dictionary(uniqueKeysWithValues: used.map { ($0.name, $0) })
        for message in Used.messages(changes, serial: quotaSerial) { send(message) }
    }

    // MARK: Asking

    func ask(_ name: StreamName, failed: [String], _ reply: @escaping Reply) {
        guard isOpen, let relayName = RelayStreamName(app: name.app, name: name.name) else {
            return reply(.unavailable)
        }
        let request = nextRequest
        nextRequest = request == .max ? 1 : request + 1
        asked[request] = (name, reply, worker.loop.now + DispatchLink.answerTimeout)
        let failed = failed.compactMap { NodeID($0) }.prefix(RelayLimits.failedParents)
        send(.want(Want(request: request, name: relayName, failed: Array(failed))))
    }

    func unwant(_ name: StreamName) {
        guard isOpen, let relayName = RelayStreamName(app: name.app, name: name.name) else { return }
        send(.unwant(relayName))
    }

    private func expireQuestions() {
        let now = worker.loop.now
        for (request, question) in asked where now >= question.until {
            asked[request] = nil
            dispatchers.failed(self)
            question.reply(.unavailable)
        }
    }

    private func take(_ message: RelayMessage) {
        switch message {
        case .steer(let steer): take(steer)
        case .fenced(_, let name, let newer):
            guard let name = StreamName(app: name.app, name: name.name) else { return }
            worker.fence(name, newer: newer)
        case .raise(let name, let from, let to):
            guard dispatchers.isFollowed(self), let name = StreamName(app: name.app, name: name.name) else { return }
            worker.raise(name, from: from, to: to)
        case .room(let room): state.gate.learn(room)
        case .allow(let allow):
            state.gate.take(allow.quotas, from: number)
            // Who asks hears of everything, changed or not.
            for quota in allow.quotas where quota.order == .tell { toldUse[quota.name] = nil }
            guard allow.serial != 0 else { return }
            quotaSerial = allow.serial
            tellUse(isAnswer: true)
        case .ping(let ping):
            let now = Clock.unixMicroseconds
            send(.pong(ping.answered(received: now, sent: now)))
        default: break
        }
    }

    private func take(_ steer: Steer) {
        guard let name = StreamName(app: steer.name.app, name: steer.name.name) else { return }
        let me = state.relay.node
        let parents = steer.parents.filter { (try? $0.path.extended(by: me)) != nil }.map(\.place.address)
        guard steer.request != 0 || dispatchers.isFollowed(self) else { return }
        if !parents.isEmpty { state.routes.keep(name, parents) }
        guard steer.request != 0 else { return worker.steer(name, parents) }
        guard let question = asked.removeValue(forKey: steer.request) else { return }
        question.reply(parents.isEmpty ? .absent(steer.why) : .parents(parents, why: steer.why))
    }
}
