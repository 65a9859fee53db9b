/// One loop of the node: its listeners, its sessions, its fan-out, and the housekeeping that runs while it has any.
import Configuration
import EventLoop
import Fanout
import Operations

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
    private var meters = StreamMeters()
    private var ticks = 0
    private lazy var timer = Timer(on: loop) { [unowned self] in tick() }

    /// Timeouts are seen to this often, in milliseconds; the rest of the housekeeping at every second tick.
    private static let tickInterval: UInt64 = 500

    init(index: Int, state: NodeState) {
        loop = Loop(index: index)
        self.state = state
        fanout = LoopFanout(on: loop, hub: state.hub)
    }

    // MARK: Listening

    enum Service {
        case rtmp, http, api
    }

    /// Listens, and returns the port: the one that was asked for, or the one that the system chose for port 0.
    func listen(_ endpoint: Endpoint, port: UInt16, _ service: Service) throws(ListenError) -> UInt16 {
        let host = endpoint.host == Endpoint.everywhere ? "" : endpoint.host
        let listener = try Listener(
            host: host, port: port, sendBuffer: state.settings.play.sendBuffer, on: loop
        ) { [unowned self] connection in accept(connection, service) }
        listeners.append(listener)
        return listener.port
    }

    func stopListening() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    private func accept(_ connection: Connection, _ service: Service) {
        guard state.admitSession() else {
            state.count(error: "limit_sessions")
            return connection.close()
        }
        guard state.addresses.enter(connection.peer.host) else {
            state.count(error: "limit_sessions_per_address")
            state.sessionEnded(bytesIn: 0, bytesOut: 0)
            return connection.close()
        }
        let number = nextNumber
        nextNumber += 1
        let session: Session =
            switch service {
            case .rtmp: RTMPSession(connection, worker: self, number: number)
            case .http: HTTPSession(connection, worker: self, number: number, isAdmin: false)
            case .api: HTTPSession(connection, worker: self, number: number, isAdmin: true)
            }
        sessions[number] = session
        connection.start(session)
        wakeHousekeeping()
    }

    func forget(_ session: Session) {
        guard sessions.removeValue(forKey: session.number) != nil else { return }
        state.addresses.leave(session.connection.peer.host)
        state.sessionEnded(bytesIn: session.connection.bytesIn, bytesOut: session.bytesOut)
    }

    // MARK: Housekeeping

    private func wakeHousekeeping() {
        if !timer.isArmed { timer.arm(after: Worker.tickInterval) }
    }

    /// A loop with nothing to look after sleeps.
    private func tick() {
        let now = loop.now
        for session in Array(sessions.values) { session.tick(now: now) }
        ticks += 1
        if ticks % 2 == 0 {
            fanout.housekeep()
            meters.measure(fanout, now: now)
        }
        if !sessions.isEmpty || !fanout.isIdle || !meters.isEmpty { timer.arm(after: Worker.tickInterval) }
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
        let state = state
        ask({ $0.part() }, then: { parts in then(Snapshot.merge(parts, state)) })
    }

    private func part() -> Snapshot.Part {
        Snapshot.Part(
            loop: LoopReport(
                index: loop.index, busy: fanout.busy, sessions: sessions.count,
                flushIntervalMs: Double(fanout.flushPressure)),
            sessions: sessions.values.map(\.report), streams: meters.reports(on: loop),
            audiences: fanout.audiences, ratesOut: meters.ratesOut)
    }
}
