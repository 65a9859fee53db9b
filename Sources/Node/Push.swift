/// One stream on its way to one other server: looks out for the stream, calls the server, and calls again when the
/// connection is lost. When it does what is `PushCourse`'s to say; this carries it out.
///
/// It lives on one loop, and in its worker's `pushes` until it is over. One from the settings is over when the stream
/// is; one that was ordered by the API waits for the stream to come back until it is deleted.
import Configuration
import EventLoop
import Fanout
import Operations
import RTMP
import SRT
import TLS

final class Push {
    let name: StreamName
    let entry: PushBoard.Entry
    private unowned let worker: Worker
    private var course: PushCourse
    private var ticket: UInt64?
    private var tcp: Dialer?
    private var srt: SRTDialer?
    private weak var leg: (any PushLeg)?
    /// Of connections that are over.
    private var past = PushTraffic()
    private var connections: UInt64 = 0
    /// The stream that a stopped push of the settings waits to see the end of.
    private var ending: StreamHandle?
    private lazy var timer = Timer(on: worker.loop) { [unowned self] in timeIsUp() }

    /// Milliseconds for a destination to take a call.
    private static let patience: UInt64 = 10_000
    /// How often it is looked after when nothing happens, in milliseconds.
    private static let lookInterval: UInt64 = 2_000
    /// Characters of what a destination says that are repeated.
    private static let longestError = 300

    init(_ name: StreamName, _ entry: PushBoard.Entry, worker: Worker) {
        self.name = name
        self.entry = entry
        self.worker = worker
        course = PushCourse(seed: Push.seed(entry.id, name), now: worker.loop.now)
    }

    /// FNV-1a of what tells it from others: its pauses are its own, and the same in each run.
    private static func seed(_ id: String, _ name: StreamName) -> UInt64 {
        "\(id) \(name)".utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private var state: NodeState { worker.state }
    private var now: UInt64 { worker.loop.now }
    private var address: PushAddress { entry.address }
    private var isOver: Bool { course.state == .stopped }

    // MARK: Life

    func start() {
        log(.info, "push.start", [("source", entry.isConfigured ? "settings" : "api")])
        lookOut()
    }

    /// An operator ends it.
    func stop() {
        guard !isOver else { return }
        perform(course.stop(now: now))
        log(.info, "push.stop", [])
        ending = entry.isConfigured ? state.hub.find(name) : nil
        if ending == nil { forget() } else { timer.arm(after: Push.lookInterval) }
    }

    private func forget() {
        hangUp()
        timer.disarm()
        worker.pushes.forget(self)
        state.pushes.remove(name, id: entry.id)
        // Whoever has published in the meantime has found this one still in its place.
        if entry.isConfigured, state.hub.find(name) != nil { worker.startPushes(of: name) }
    }

    private func timeIsUp() {
        switch course.state {
        case .retrying:
            if state.hub.find(name) == nil { return streamWent() }
            perform(course.pauseIsOver(now: now))
        case .waiting:
            worker.fetch(name)
            timer.arm(after: Push.lookInterval)
        case .live:
            course.settle(now: now)
            timer.arm(after: Push.lookInterval)
        case .stopped:
            if ending?.isClosed ?? true { forget() } else { timer.arm(after: Push.lookInterval) }
        case .connecting: break
        }
    }

    private func perform(_ step: PushCourse.Step) {
        switch step {
        case .nothing: break
        case .dial: dial()
        case .pause(let milliseconds): timer.arm(after: milliseconds)
        case .wait:
            hangUp()
            if entry.isConfigured { forget() } else { lookOut() }
        case .hangUp: hangUp()
        }
    }

    // MARK: The stream

    private func lookOut() {
        let me = LoopBound(Weak(self), on: worker.loop)
        let (found, ticket) = state.hub.findOrWait(name, on: worker.loop) { loop, _ in
            me.value(on: loop).object?.streamCame()
        }
        guard found == nil else { return streamCame() }
        self.ticket = ticket
        worker.fetch(name)
        timer.arm(after: Push.lookInterval)
    }

    private func streamCame() {
        ticket = nil
        perform(course.streamCame(now: now))
    }

    private func streamWent() {
        log(.info, "push.end", [("reason", "the stream has ended")])
        perform(course.streamWent(now: now))
    }

    // MARK: The destination

    private func dial() {
        let remote = address.remote
        switch address.place {
        case .rtmp(let rtmp):
            tcp = Dialer(
                remote.host, port: UInt16(clamping: remote.port), timeout: Push.patience, on: worker.loop,
                avoids: state.isOwnDoor(.tcp)
            ) { [unowned self] result in
                tcp = nil
                switch result {
                case .success(let connection): publish(over: connection, to: rtmp)
                case .failure(.avoided(let door)): failed(wouldReachItself(door))
                case .failure(let error): failed(.lost(error.description))
                }
            }
        case .srt(let srt, let passphrase):
            let settings = state.settings.of(app: name.app, stream: name.name).srt
            let options = SRTOptions(
                streamID: srt.streamID(app: name.app, stream: name.name),
                passphrase: passphrase ?? state.passphrases.of(settings), keyLength: SRTKeyLength(settings.keyLength),
                latency: srt.latency ?? settings.latency)
            self.srt = SRTDialer(
                remote.host, port: UInt16(clamping: remote.port), options: options, timeout: Push.patience,
                on: worker.loop, avoids: state.isOwnDoor(.udp)
            ) { [unowned self] result in
                self.srt = nil
                switch result {
                case .success(let socket): send(over: socket)
                case .failure(.avoided(let door)): failed(wouldReachItself(door))
                case .failure(let error): failed(error.isRefusal ? .refused("\(error)") : .lost("\(error)"))
                }
            }
        }
    }

    private func wouldReachItself(_ door: Address) -> PushCourse.Failure {
        .refused("\(address.remote) is this node itself, which listens at \(door); name another server, or none")
    }

    private func publish(over connection: Connection, to rtmp: RTMPAddress) {
        guard state.hub.find(name) != nil else {
            connection.close()
            return streamWent()
        }
        guard let via = state.carriage.via(of: name).extended(by: state.mark) else {
            connection.close()
            return failed(
                .refused("the stream has come through \(Via.longest) nodes already: it goes round in a circle"))
        }
        let order = PushSession.Order(
            name: name, app: rtmp.app.filled(app: name.app, stream: name.name),
            stream: rtmp.stream.filled(app: name.app, stream: name.name),
            url: rtmp.connectURL(app: name.app, stream: name.name), via: via, called: "push \(address.masked)",
            mask: { [address, name] in address.mask($0, app: name.app, stream: name.name) })
        let tls =
            rtmp.remote.transport == .tls
            ? TLSSession(state.certificates.pushing.context, host: rtmp.remote.host) : nil
        let session = worker.adopt(
            connection, order, tls, accepted: { [weak self] in self?.accepted() },
            onEnd: { [weak self] in self?.ended($0, $1) })
        guard let session else { return failed(.lost("the node has no room for the connection")) }
        leg = session
        session.begin()
    }

    private func send(over socket: SRTSocket) {
        guard state.hub.find(name) != nil else {
            socket.close()
            return streamWent()
        }
        accepted()
        let session = worker.adopt(
            socket, SRTRequest(name: name, mode: .play), called: "push \(address.masked)",
            started: { [weak self] in self?.leg = $0 },
            onEnd: { [weak self] reason in
                guard let self else { return }
                ended(leg, .lost(reason))
            })
        if !session { failed(.lost("the node has no room for the connection")) }
    }

    private func accepted() {
        course.accepted(now: now)
        connections += 1
        timer.arm(after: Push.lookInterval)
        log(.info, "push.live", [("attempt", "\(course.attempt)")])
    }

    private func ended(_ leg: (any PushLeg)?, _ failure: PushCourse.Failure) {
        if let leg { past = past + leg.traffic }
        self.leg = nil
        guard !isOver else { return }
        if state.hub.find(name) == nil { streamWent() } else { failed(failure) }
    }

    private func failed(_ failure: PushCourse.Failure) {
        if state.isDraining { return perform(course.stop(now: now)) }
        let failure = failure.masked(by: {
            String(address.mask($0, app: name.app, stream: name.name).prefix(Push.longestError))
        })
        let step = course.failed(failure, now: now)
        if case .pause(let pause) = step {
            log(.warning, "push.failed", [("reason", course.error), ("again_ms", "\(pause)")])
            state.count(error: "push_failed")
        }
        perform(step)
    }

    /// Lets go of whatever there is.
    private func hangUp() {
        if let ticket { state.hub.stopWaiting(name, ticket: ticket) }
        ticket = nil
        tcp = nil
        srt = nil
        leg?.end("the push has ended")
    }

    private func log(_ level: LogLevel, _ event: String, _ fields: [(String, String)]) {
        state.log.write(
            level, event, [("stream", "\(name)"), ("push", entry.id), ("to", address.masked)] + fields)
    }

    // MARK: Reports

    var report: PushReport {
        let now = now
        var report = PushReport(
            id: entry.id, app: name.app, stream: name.name, name: address.name, url: address.masked,
            source: entry.isConfigured ? "settings" : "api", state: course.state.word,
            since: Double(now - min(now, course.since)) / 1000, attempt: course.attempt, error: course.error)
        if case .retrying(let time) = course.state { report.nextTry = Double(max(time, now) - now) / 1000 }
        report.connections = connections
        report.retries = course.retries
        let traffic = leg.map { past + $0.traffic } ?? past
        report.bytesOut = traffic.bytes
        report.frames = traffic.frames
        report.framesMissed = traffic.missed
        report.skips = traffic.skips
        guard let leg else { return report }
        report.session = leg.id
        report.lagMilliseconds = UInt64(max(0, leg.viewStats.lagMilliseconds))
        return report
    }
}

extension PushCourse.State {
    fileprivate var word: String {
        switch self {
        case .waiting: "waiting"
        case .connecting: "connecting"
        case .live: "live"
        case .retrying: "retrying"
        case .stopped: "stopped"
        }
    }
}

extension PushCourse.Failure {
    fileprivate func masked(by mask: (String) -> String) -> Self {
        switch self {
        case .lost(let text): .lost(mask(text))
        case .refused(let text): .refused(mask(text))
        }
    }
}

extension SRTDialError {
    fileprivate var isRefusal: Bool {
        switch self {
        case .rejected, .badOptions: true
        case .unknownHost, .timedOut, .refused, .failed, .avoided: false
        }
    }
}
