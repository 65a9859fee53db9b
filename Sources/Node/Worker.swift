/// One loop of the node: its listeners, its sessions, its fan-out, and the housekeeping that runs while it has any.
import Admission
import Configuration
import EventLoop
import Fanout
import HTTP
import SRT
import TLS

final class Worker {
    let loop: Loop
    let state: NodeState
    let fanout: LoopFanout
    /// All workers of the node, this one included; known once the node has started.
    var peers: [LoopBound<Worker>] = []
    var peerMailboxes: [Mailbox] = []

    private(set) var sessions: [UInt64: Session] = [:]
    private var nextNumber: UInt64 = 1
    private var listeners: [Listener] = []
    private(set) var meters = StreamMeters()
    private var ticks = 0
    /// What was packaged of some is still kept.
    private var hasEndedStreams = false
    /// The share of its time in which the loop works, as an average over some seconds.
    private var busy = 0.0
    /// Streams that the loop pulls from other nodes.
    var upstreams: [Upstream] = []
    let callers = SRTCallers()
    let pushes = Pushes()
    let looks = StillLooks()
    private(set) var recordings: [StreamRecording] = []
    private(set) lazy var parents = Parents(self)
    private var answerTails = AnswerTails()
    /// What HTTP clients have sent lately.
    let fieldMemory = FieldMemory()
    /// Of the viewer who came last to what is packaged.
    var lastPlace: PackagedPlace?
    private lazy var timer = Timer(on: loop) { [unowned self] in tick() }

    /// Timeouts are seen to this often, in milliseconds; the rest of the housekeeping at every second tick.
    private static let tickInterval: UInt64 = 500
    /// What one second's share moves the average.
    private static let busyShare = 0.3

    init(index: Int, state: NodeState) {
        loop = Loop(index: index)
        self.state = state
        fanout = LoopFanout(on: loop, hub: state.hub)
    }

    var allSessions: some Collection<Session> { sessions.values }

    // MARK: Listening

    enum Service {
        case rtmp, http, api, relay
    }

    /// Listens, and returns the port: the one that was asked for, or the one that the system chose for port 0.
    func listen(
        _ endpoint: Endpoint, port: UInt16, _ service: Service, sealed: Bool
    ) throws(ListenError) -> UInt16 {
        let listener = try Listener(
            host: endpoint.boundHost, port: port, sendBuffer: state.settings.play.sendBuffer, on: loop
        ) { [unowned self] connection in accept(connection, service, sealed: sealed) }
        listeners.append(listener)
        return listener.port
    }

    func stopListening() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    private func accept(_ connection: Connection, _ service: Service, sealed: Bool) {
        guard admit() else { return connection.close() }
        guard isProxy(connection.peer.host, of: service) else { return welcome(connection, service, sealed: sealed) }
        Preface.read(connection) { [unowned self] in
            welcome(connection, service, sealed: sealed)
        } refused: { [unowned self] failure in
            state.count(error: failure.reason)
            state.log.write(
                .warning, "proxy.refused", [("address", "\(connection.peer)"), ("reason", failure.description)])
            state.sessionEnded(bytesIn: connection.bytesIn, bytesOut: 0)
        }
    }

    private func isProxy(_ host: String, of service: Service) -> Bool {
        let settings = state.settings
        let proxies =
            switch service {
            case .rtmp: settings.rtmp.proxies
            case .http: settings.http.proxies
            case .api: settings.api.proxies
            case .relay: settings.relay.proxies
            }
        return proxies.contains { $0.contains(host) }
    }

    private func welcome(_ connection: Connection, _ service: Service, sealed: Bool) {
        guard enter(connection.peer) else { return connection.close() }
        let number = takeNumber()
        let session: WireSession =
            switch service {
            case .relay: RelaySession(connection, worker: self, number: number, remote: nil)
            case .rtmp: RTMPSession(connection, worker: self, number: number)
            case .http: HTTPSession(connection, worker: self, number: number, isAdmin: false)
            case .api: HTTPSession(connection, worker: self, number: number, isAdmin: true)
            }
        keep(session)
        if sealed, let store = certificates(service) { connection.secure(TLSSession(store.context)) }
        (session as? RelaySession)?.begin()
    }

    private func certificates(_ service: Service) -> CertificateStore? {
        switch service {
        case .rtmp: state.certificates.rtmp
        case .http, .api: state.certificates.http
        case .relay: state.certificates.nodes
        }
    }

    /// Takes in a connection that this node made.
    func adopt(_ line: Line, to remote: String) -> RelaySession? {
        guard admit() else {
            line.connection.close()
            return nil
        }
        // Counted like one that came in, so that `forget` is the same for both.
        _ = state.addresses.enter(line.connection.peer.host)
        let session = RelaySession(line.connection, worker: self, number: takeNumber(), remote: remote)
        session.tunnel = line.tunnel
        keep(session)
        if let tls = line.tls { line.connection.secure(tls) }
        return session
    }

    /// Takes in another node that has called over SRT.
    func welcomeNode(_ socket: SRTSocket) {
        guard admit() else { return socket.close() }
        guard enter(socket.peer) else { return socket.close() }
        guard let tunnel = SRTTunnel(socket) else {
            state.sessionEnded(bytesIn: 0, bytesOut: 0)
            return socket.close()
        }
        let session = RelaySession(tunnel.connection, worker: self, number: takeNumber(), remote: nil)
        session.tunnel = tunnel
        keep(session)
        session.begin()
    }

    /// Whether there is room for another connection, which is counted.
    func admit() -> Bool { state.admitConnection() }

    /// Whether that address may have one more; if not, the connection no longer counts.
    func enter(_ peer: Address) -> Bool {
        if state.addresses.enter(peer.host) { return true }
        state.count(error: "limit_sessions_per_address")
        state.sessionEnded(bytesIn: 0, bytesOut: 0)
        return false
    }

    func answerTail(keepAlive: Bool) -> [UInt8] { answerTails.tail(keepAlive: keepAlive, now: loop.now) }

    func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    private func keep(_ session: WireSession) {
        keep(session as Session)
        session.connection.start(session)
    }

    func keep(_ session: Session) {
        sessions[session.number] = session
        wakeHousekeeping()
    }

    /// The connection is another session's from now on.
    func replace(_ session: WireSession, by other: WireSession) {
        precondition(session.number == other.number, "a connection keeps its number")
        keep(other)
    }

    func forget(_ session: Session) {
        guard sessions.removeValue(forKey: session.number) != nil else { return }
        state.addresses.leave(session.carrier.peer.host)
        state.sessionEnded(bytesIn: session.carrier.bytesIn, bytesOut: session.bytesOut)
    }

    // MARK: Housekeeping

    func wakeHousekeeping() {
        if !timer.isArmed { timer.arm(after: Worker.tickInterval) }
    }

    /// A loop with nothing to look after sleeps.
    private func tick() {
        let now = loop.now
        for session in Array(sessions.values) { session.tick(now: now) }
        for upstream in upstreams { upstream.housekeep(now: now) }
        ticks += 1
        if ticks % 2 == 0 {
            fanout.housekeep()
            meters.measure(fanout, now: now)
            tellGate()
            state.viewers.tidy(state.gate, now: now)
            hasEndedStreams = state.hub.tidyShelves()
            for recording in recordings { recording.tick(now: now) }
            meters.forEachStream(on: loop) { stream in
                stream.tidyPackaging(idle: packagingIdle(of: stream))
                if stream.hasFarKeyframes() { warnOfKeyframes(stream) }
                if stream.publisher?.isUpstream == true { state.recordings.follows(stream.name) }
            }
        }
        let hasSessions = !sessions.isEmpty || !recordings.isEmpty || !upstreams.isEmpty
        if hasSessions || !fanout.isIdle || !meters.isEmpty || hasEndedStreams {
            timer.arm(after: Worker.tickInterval)
        } else {
            busy = 0
            state.gate.measured(LoopUse(), rates: [:], on: loop)
        }
    }

    private func warnOfKeyframes(_ stream: Stream) {
        state.log.write(
            .warning, "stream.keyframes", session: stream.publisher?.session ?? "",
            [
                ("stream", "\(stream.name)"), ("seconds", "\(stream.keyframeInterval / 1000)"),
                ("effect", "viewers wait for pictures, HLS is cut between keyframes"),
                ("advice", "set the encoder's keyframe interval to 2 s"),
            ])
    }

    func keep(_ recording: StreamRecording) {
        recordings.append(recording)
        wakeHousekeeping()
    }

    func forget(_ recording: StreamRecording) { recordings.removeAll { $0 === recording } }

    private func tellGate() {
        busy += (fanout.busy - busy) * Worker.busyShare
        let use = LoopUse(out: meters.kilobitsOut, in: meters.kilobitsIn, busy: Int(busy * 1000))
        state.gate.measured(use, rates: meters.ratesIn, on: loop)
    }

    /// A stream has come to this loop.
    func publishing(_ handle: StreamHandle) {
        meters.watch(handle)
        wakeHousekeeping()
    }

    // MARK: Ending sessions

    func endAll(_ reason: String) {
        for session in Array(sessions.values) { session.kick(reason) }
    }

    /// Ends the session of that name, on whatever loop it is; `answer` runs on this one.
    func kick(_ id: String, by operatorSession: String, _ answer: @escaping (Bool) -> Void) {
        ask(
            { worker in
                guard let session = worker.sessions.values.first(where: { $0.id == id }) else { return false }
                worker.state.log.write(.info, "api.kick", session: operatorSession, [("target", id)])
                session.kick("kicked")
                return true
            },
            then: { found in answer(found.contains(true)) })
    }
}
