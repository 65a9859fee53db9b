/// One loop of the node: its listeners, its sessions, its fan-out, and the housekeeping that runs while it has any.
import Admission
import Configuration
import EventLoop
import Fanout
import HTTP
import Operations
import RelayProtocol
import SRT
import TLS

final class Worker {
    let loop: Loop
    let state: NodeState
    let fanout: LoopFanout
    /// All workers of the node, this one included; known once the node has started.
    var peers: [LoopBound<Worker>] = []
    var peerMailboxes: [Mailbox] = []

    private var sessions: [UInt64: Session] = [:]
    private var nextNumber: UInt64 = 1
    private var listeners: [Listener] = []
    private(set) var meters = StreamMeters()
    private var ticks = 0
    /// What was packaged of some is still kept.
    private var hasEndedStreams = false
    /// The share of its time in which the loop works, as an average over some seconds.
    private var busy = 0.0
    private var upstreams: [Upstream] = []
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
    private static let snapshotTries = 4
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

    private func wakeHousekeeping() {
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

    // MARK: Streams of other nodes

    var isPulling: Bool { !upstreams.isEmpty }
    var hasParents: Bool { state.hasParents }

    /// Sees to it that the stream is pulled, by whatever loop. `absent` is told, on this loop, if it cannot be had.
    /// `needed`: the first frame that somebody who resumes here is without.
    func want(
        _ name: StreamName, needed: FrameNumber? = nil, _ absent: @escaping @Sendable (Loop, String) -> Void
    ) {
        guard hasParents, !state.isDraining else { return absent(loop, "nobody publishes it here") }
        switch state.pulls.want(name, Pulls.Waiter(mailbox: loop.mailbox, absent: absent), now: loop.now) {
        case .absent(let reason): absent(loop, reason)
        case .shared: break
        case .start:
            let upstream = Upstream(name, needed: needed, worker: self)
            upstreams.append(upstream)
            wakeHousekeeping()
            upstream.start()
        }
    }

    /// Asks the dispatcher for the way to a stream; the answer comes on this loop.
    func askRoute(_ name: StreamName, failed: [String], _ then: @escaping @Sendable (Loop, RouteAnswer) -> Void) {
        guard let door = state.dispatch.with({ $0 }) else { return then(loop, .unavailable) }
        let home = loop.mailbox
        door.withDispatchers { dispatchers in
            dispatchers.ask(name, failed: failed) { answer in home.post { loop in then(loop, answer) } }
        }
    }

    /// The dispatcher has a better way for a stream, or one where there was none.
    func steer(_ name: StreamName, _ parents: [String]) {
        guard !parents.isEmpty, !state.pulls.steer(name, parents) else { return }
        state.pulls.mayBeThere(name)
        if state.hub.isAwaited(name) { return want(name) { _, _ in } }
        pullIfSilent(name)
    }

    /// A stream that lingers here without a publisher, while it is published elsewhere, is pulled for its readers.
    private func pullIfSilent(_ name: StreamName) {
        guard let handle = state.hub.find(name) else { return }
        let me = LoopBound(self, on: loop)
        let mailbox = loop.mailbox
        handle.onHome(from: loop) { stream in
            guard stream.isLingering, stream.isRead else { return }
            mailbox.post { loop in me.value(on: loop).want(name) { _, _ in } }
        }
    }

    /// A newer session publishes the stream somewhere else: the one here ends, and its viewers follow the newer.
    func fence(_ name: StreamName, newer: UInt64) {
        guard let handle = state.hub.find(name) else { return }
        let me = LoopBound(self, on: loop)
        let mailbox = loop.mailbox
        let log = state.log
        handle.onHome(from: loop) { stream in
            guard let publisher = stream.publisher, !publisher.isUpstream, stream.epoch < newer else { return }
            log.write(
                .warning, "publish.fenced", session: publisher.session, [("stream", "\(name)"), ("newer", "\(newer)")])
            publisher.end(.replaced(by: "a newer session on another node"))
            stream.endPublish(session: publisher.session)
            mailbox.post { loop in me.value(on: loop).pullIfSilent(name) }
        }
    }

    /// The session that publishes the stream here numbers on in a higher epoch: viewers elsewhere have seen a higher one
    /// than its own, and would take its frames for old.
    func raise(_ name: StreamName, from epoch: UInt64, to newer: UInt64) {
        guard let handle = state.hub.find(name) else { return }
        let (carriage, log) = (state.carriage, state.log)
        handle.onHome(from: loop) { stream in
            guard stream.epoch >= epoch, stream.raise(to: newer), let publisher = stream.publisher else { return }
            log.write(
                .info, "publish.raised", session: publisher.session, [("stream", "\(name)"), ("epoch", "\(newer)")])
            carriage.raise(name, session: publisher.session, to: newer)
        }
    }

    func forget(_ upstream: Upstream) { upstreams.removeAll { $0 === upstream } }

    /// The path of a stream has changed: nodes that have it from here must know.
    func tellChildren(of handle: StreamHandle) { forEachRelaySession { $0.pathChanged(of: handle) } }

    /// The stream has stopped here for want of a parent: nodes that have it from here may look elsewhere.
    func offerChildren(of handle: StreamHandle) { forEachRelaySession { $0.offer(handle) } }

    private func forEachRelaySession(_ action: @escaping @Sendable (RelaySession) -> Void) {
        for (peer, mailbox) in zip(peers, peerMailboxes) {
            mailbox.post { loop in
                for case let session as RelaySession in peer.value(on: loop).sessions.values { action(session) }
            }
        }
    }

    /// What the dispatcher is told of the node now and then.
    func takeLoad(_ then: @escaping (NodeLoad) -> Void) {
        let counters = state.snapshot
        ask({ NodeLoad($0) }, then: { parts in then(NodeLoad(parts, counters)) })
    }

    /// Nodes that are served from here are asked to leave in good time.
    func sendChildrenAway() {
        for case let session as RelaySession in sessions.values {
            session.sendAway(graceMilliseconds: state.settings.drain.timeout)
        }
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

    // MARK: The whole node

    /// Asks every worker, each on its own loop, and hands the answers to `then` on this one.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (Worker) -> Answer, then: @escaping ([Answer]) -> Void
    ) {
        let poll = LoopBound(Poll(waiting: peers.count, then), on: loop)
        let home = loop.mailbox
        for (peer, mailbox) in zip(peers, peerMailboxes) {
            mailbox.post { loop in
                let answer = question(peer.value(on: loop))
                home.post { loop in poll.value(on: loop).take(answer) }
            }
        }
    }

    private final class Poll<Answer> {
        private var waiting: Int
        private var answers: [Answer] = []
        private let done: ([Answer]) -> Void

        init(waiting: Int, _ done: @escaping ([Answer]) -> Void) {
            self.waiting = waiting
            self.done = done
        }

        func take(_ answer: Answer) {
            answers.append(answer)
            waiting -= 1
            if waiting == 0 { done(answers) }
        }
    }

    func takeSnapshot(_ then: @escaping (NodeSnapshot) -> Void) {
        takeSnapshot(triesLeft: Worker.snapshotTries, then)
    }

    private func takeSnapshot(triesLeft: Int, _ then: @escaping (NodeSnapshot) -> Void) {
        ask(
            { $0.part() },
            then: { [unowned self] parts in
                // A stream on its way from one loop to another was seen by neither.
                let isWhole = triesLeft == 1 || !Snapshot.misses(parts, state.hub)
                if isWhole { then(Snapshot.merge(parts, state)) } else { takeSnapshot(triesLeft: triesLeft - 1, then) }
            })
    }

    private func part() -> Snapshot.Part {
        let pushes = self.pushes.reports
        return Snapshot.Part(
            loop: LoopReport(
                index: loop.index, busy: fanout.busy, sessions: sessions.count,
                flushIntervalMs: Double(fanout.flushPressure)),
            sessions: sessions.values.map(\.report), streams: meters.reports(on: loop).map(withUpstream),
            audiences: fanout.audiences, ratesOut: meters.ratesOut,
            links: sessions.values.compactMap { ($0 as? RelaySession)?.linkReport }, pushes: pushes,
            pushTotals: self.pushes.totals(with: pushes),
            recordings: recordingReports)
    }

    private func withUpstream(_ report: StreamReport) -> StreamReport {
        var report = report
        report.upstream = upstreams.first { $0.name.app == report.app && $0.name.name == report.name }?.report
        return report
    }
}
