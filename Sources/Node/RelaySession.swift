/// A connection to another node, made by either side: both may ask the other for streams.
///
/// It sends what the peer has subscribed to (`outlets`), and hands what this node has subscribed to on (`feeds`).
import EventLoop
import Fanout
import Glibc
import RelayProtocol

final class RelaySession: Session {
    /// Set for a connection that this node made.
    let remote: String?
    private(set) var machine: RelayConnection
    private(set) var clock = ClockOffset()
    private let trunk: RelayTrunk
    private var heartbeat: Heartbeat
    private var feeds: [UInt32: RelayFeed] = [:]
    private var asked: [UInt32: RelayFeed] = [:]
    private var nextRequest: UInt32 = 1
    private var outlets: [UInt32: RelayOutlet] = [:]
    private var waiting: [UInt32: RelayWait] = [:]
    /// Streams that the peer was refused because nobody has them: it is told when they come.
    private var interests: [StreamName: Interest] = [:]
    /// Streams that frames came for in this read: to be flushed once.
    private var touched: [RelayFeed] = []
    private var current: RelayFeed?
    private var opened: [(RelaySession?) -> Void] = []
    private lazy var timer = Timer(on: loop) { [unowned self] in beat() }

    init(_ connection: Connection, worker: Worker, number: UInt64, remote: String?) {
        self.remote = remote
        trunk = RelayTrunk(connection)
        var nonce = [UInt8](repeating: 0, count: Hello.nonceSize)
        var random = SystemRandomNumberGenerator()
        for index in nonce.indices { nonce[index] = UInt8.random(in: 0...255, using: &random) }
        machine = RelayConnection(
            role: remote == nil ? .responder : .initiator, configuration: worker.state.relay, nonce: nonce)
        let deadAfter = UInt64(worker.state.settings.relay.deadAfter) * 1_000_000
        heartbeat = Heartbeat(
            interval: deadAfter / RelaySession.pingsPerDeath, deadAfter: deadAfter, now: Clock.monotonicNanoseconds)
        super.init(connection, worker: worker, number: number)
        role = .relay
    }

    private struct Interest {
        let ticket: UInt64
        var until: UInt64
    }

    /// A peer that still wants a stream asks again long before this many milliseconds are over.
    private static let interestHold: UInt64 = 30_000
    private static let maxInterests = 10_000
    /// Milliseconds that a connection without a stream is kept.
    private static let idleHold: UInt64 = 10_000
    /// Pings that may stay unanswered before the peer is held for dead.
    private static let pingsPerDeath: UInt64 = 3

    override var protocolName: String { "relay" }
    override var agent: String { machine.peer?.node.name ?? remote ?? "" }
    var peer: RelayPeer? { machine.peer }
    private var isIdle: Bool { feeds.isEmpty && asked.isEmpty && outlets.isEmpty && waiting.isEmpty }
    private var idleSince: UInt64?

    /// Says hello. To be called once the connection is started.
    func begin() {
        trunk.send(machine.start())
        armTimer()
    }

    /// Calls `then` with this session when the peer is known, or with nil when it never will be.
    func whenOpen(_ then: @escaping (RelaySession?) -> Void) {
        if isEnded { return then(nil) }
        if peer != nil { return then(self) }
        opened.append(then)
    }

    private func tellOpened(_ session: RelaySession?) {
        let waiting = opened
        opened = []
        for then in waiting { then(session) }
    }

    // MARK: Input

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        heartbeat.heard(now: Clock.monotonicNanoseconds)
        var at = 0
        // Sound: the bytes stay where they are for the length of this call.
        let span = Span(_unsafeElements: bytes)
        while !isEnded, let action = machine.next(span, &at) { perform(action) }
        let flushed = touched
        touched = []
        for feed in flushed {
            feed.isTouched = false
            feed.upstream?.flush(self)
        }
    }

    private func perform(_ action: RelayAction) {
        switch action {
        case .send(let bytes): trunk.send(bytes)
        case .authenticated(let peer):
            state.log.write(
                .info, "relay.open", session: id,
                [("node", peer.node.name), ("idc", peer.idc), ("address", "\(connection.peer)")])
            tellOpened(self)
        case .frameBegins(let header): frameBegins(header)
        case .message(let message): take(message)
        case .misrouted(let message, let error, let send):
            trunk.send(send)
            misrouted(message, error)
        case .close(let error, let send):
            trunk.send(send)
            close(error)
        }
    }

    private func close(_ error: RelayError) {
        fail(error.reason, error.description)
    }

    private func frameBegins(_ header: RelayFrame.Header) {
        current = feeds[header.stream]
        // Frames of a stream that was given up are still on their way.
        guard let feed = current else { return machine.skipBody() }
        do { try feed.meter.receive(header.wireSize) } catch { return violation(error) }
        if feed.upstream?.refuses(header, from: feed) ?? true {
            machine.skipBody()
            consume(header.wireSize, of: feed)
        }
    }

    private func violation(_ error: RelayError) { perform(machine.close(error)) }

    private func take(_ message: RelayMessage) {
        switch message {
        case .frame(let frame): take(frame)
        case .subscribe(let subscribe): serve(subscribe)
        case .subscribed(let answer):
            guard let feed = asked.removeValue(forKey: answer.request) else {
                return trunk.send(RelayMessage.unsubscribe(stream: answer.stream).bytes)
            }
            feed.stream = answer.stream
            feeds[answer.stream] = feed
            feed.upstream?.subscribed(answer, by: feed)
        case .refused(let refused):
            asked.removeValue(forKey: refused.request).map {
                $0.upstream?.lost($0, "\(refused.reason): \(refused.text)")
            }
        case .end(let stream, let reason, let text):
            guard let feed = feeds.removeValue(forKey: stream) else { return }
            if reason == .publisherLeft || reason == .stopped {
                feed.upstream?.streamEnded(feed)
            } else {
                feed.upstream?.lost(feed, text.isEmpty ? "\(reason)" : text)
            }
        case .path(let stream, let path): feeds[stream].map { $0.path = path }
        case .moved(let stream, _): feeds[stream].map { $0.upstream?.moveAway(from: $0) }
        case .goaway:
            for feed in Array(feeds.values) { feed.upstream?.moveAway(from: feed) }
        case .credit(let stream, let bytes):
            guard let outlet = outlets[stream] else { return }
            do { try outlet.grant(bytes) } catch { violation(error) }
        case .unsubscribe(let stream): stopServing(stream)
        case .ping(let ping):
            let now = Clock.unixMicroseconds
            trunk.send(RelayMessage.pong(ping.answered(received: now, sent: now)).bytes)
        case .pong(let pong): clock.add(pong, now: Clock.unixMicroseconds)
        case .announce(let announce): announced(announce)
        case .fenced, .withdraw, .hello, .proof: break
        }
    }

    private func take(_ frame: RelayFrame) {
        guard let feed = feeds[frame.header.stream], let upstream = feed.upstream else { return }
        upstream.take(frame, from: feed)
        consume(frame.header.wireSize, of: feed)
        if !feed.isTouched {
            feed.isTouched = true
            touched.append(feed)
        }
    }

    private func consume(_ bytes: Int, of feed: RelayFeed) {
        guard let stream = feed.stream, let grant = feed.meter.consume(bytes) else { return }
        trunk.send(RelayMessage.credit(stream: stream, bytes: grant).bytes)
    }

    private func misrouted(_ message: RelayMessage, _ error: RelayError) {
        switch message {
        case .subscribed(let answer):
            asked.removeValue(forKey: answer.request).map { $0.upstream?.lost($0, error.description) }
        case .path(let stream, _):
            feeds.removeValue(forKey: stream).map { $0.upstream?.lost($0, error.description) }
        default: break
        }
    }

    // MARK: Asking

    func ask(_ feed: RelayFeed, for name: RelayStreamName, from: ResumePoint) {
        let request = nextRequest
        nextRequest = request == .max ? 1 : request + 1
        asked[request] = feed
        feed.session = self
        feed.request = request
        trunk.send(
            RelayMessage.subscribe(Subscribe(request: request, name: name, from: from, credit: feed.meter.window)).bytes
        )
    }

    func giveUp(_ feed: RelayFeed) {
        if let stream = feed.stream, feeds[stream] === feed {
            feeds[stream] = nil
            trunk.send(RelayMessage.unsubscribe(stream: stream).bytes)
        } else if let request = feed.request, asked[request] === feed {
            // The answer that may still come finds nobody, and is unsubscribed from.
            asked[request] = nil
        }
    }

    // MARK: Serving

    private func serve(_ subscribe: Subscribe) {
        guard !state.isDraining else { return refuse(subscribe.request, .draining, "the node is going down") }
        guard let name = StreamName(app: subscribe.name.app, name: subscribe.name.name) else {
            return refuse(subscribe.request, .unknownStream, "a stream cannot have that name")
        }
        guard waiting[subscribe.request] == nil else {
            return refuse(subscribe.request, .protocolError, "the request's number is in use")
        }
        let me = LoopBound(self, on: loop)
        let request = subscribe.request
        let (found, ticket) = state.hub.findOrWait(name, on: loop) { loop, handle in
            me.value(on: loop).appeared(request, handle)
        }
        if let found { return open(subscribe, found) }
        waiting[request] = RelayWait(subscribe: subscribe, name: name, ticket: ticket)
        let weak = LoopBound(Weak(self), on: loop)
        worker.want(name, askedBy: peer?.node) { loop, reason in weak.value(on: loop).object?.absent(request, reason) }
    }

    private func appeared(_ request: UInt32, _ handle: StreamHandle) {
        guard !isEnded else { return }
        if let wait = waiting.removeValue(forKey: request) { return open(wait.subscribe, handle) }
        if interests.removeValue(forKey: handle.name) != nil { announce(handle) }
    }

    /// Nobody has the stream.
    private func absent(_ request: UInt32, _ reason: String) {
        guard !isEnded, let wait = waiting.removeValue(forKey: request) else { return }
        refuse(request, .unknownStream, reason)
        if interests[wait.name] == nil, interests.count < RelaySession.maxInterests {
            interests[wait.name] = Interest(ticket: wait.ticket, until: 0)
        } else {
            state.hub.stopWaiting(wait.name, ticket: wait.ticket)
        }
        interests[wait.name]?.until = loop.now + RelaySession.interestHold
    }

    private func announce(_ handle: StreamHandle) {
        guard let name = RelayStreamName(app: handle.name.app, name: handle.name.name) else { return }
        let me = LoopBound(Weak(self), on: loop)
        let mailbox = loop.mailbox
        handle.onHome(from: loop) { stream in
            // An upstream that has just begun does not know its epoch yet.
            let epoch = max(1, stream.epoch)
            mailbox.post { loop in
                guard let session = me.value(on: loop).object, !session.isEnded else { return }
                let path = session.state.paths.path(of: handle)
                let announce = Announce(name: name, epoch: epoch, priority: 0, path: path)
                session.trunk.send(RelayMessage.announce(announce).bytes)
            }
        }
    }

    /// The peer has a stream that it did not have when it was asked.
    private func announced(_ announce: Announce) {
        guard let name = StreamName(app: announce.name.app, name: announce.name.name) else { return }
        state.pulls.mayBeThere(name)
        if state.hub.isAwaited(name) { worker.want(name, askedBy: nil) { _, _ in } }
    }

    private func expireInterests(now: UInt64) {
        for (name, interest) in interests where now >= interest.until {
            state.hub.stopWaiting(name, ticket: interest.ticket)
            interests[name] = nil
        }
    }

    private func refuse(_ request: UInt32, _ reason: RefusalReason, _ text: String) {
        trunk.send(RelayMessage.refused(Refused(request: request, reason: reason, text: text)).bytes)
    }

    private func open(_ subscribe: Subscribe, _ handle: StreamHandle) {
        guard outlets[handle.number] == nil else {
            return refuse(subscribe.request, .protocolError, "the stream is subscribed to already")
        }
        let path = state.paths.path(of: handle)
        if let node = peer?.node, path.contains(node) {
            return refuse(subscribe.request, .loop, "the stream comes through the node that asks: \(path)")
        }
        let number = handle.number
        let outlet = RelayOutlet(
            handle, from: subscribe.from, credit: subscribe.credit, serviceClass: subscribe.serviceClass, over: trunk,
            onStart: { [unowned self] first, continuity in
                let answer = Subscribed(
                    request: subscribe.request, stream: number, first: first, continuity: continuity, path: path)
                trunk.send(RelayMessage.subscribed(answer).bytes)
            },
            onEnd: { [unowned self] reason in
                outlets[number] = nil
                let why: EndReason = reason == .streamEnded ? .publisherLeft : .stopped
                trunk.send(RelayMessage.end(stream: number, reason: why, text: "").bytes)
            })
        outlets[number] = outlet
        state.log.write(
            .info, "relay.serve", session: id, [("stream", "\(handle.name)"), ("node", agent), ("path", "\(path)")])
        worker.fanout.attach(outlet)
    }

    /// The stream comes another way now; a child that is on it is sent elsewhere.
    func pathChanged(of handle: StreamHandle) {
        guard outlets[handle.number] != nil else { return }
        let path = state.paths.path(of: handle)
        trunk.send(RelayMessage.path(stream: handle.number, path).bytes)
    }

    private func stopServing(_ stream: UInt32) {
        guard let outlet = outlets.removeValue(forKey: stream) else { return }
        servedBytes += outlet.bytesOut
        outlet.detach()
    }

    private var servedBytes: UInt64 = 0

    override var bytesOut: UInt64 {
        outlets.values.reduce(connection.bytesOut + servedBytes) { $0 + $1.bytesOut }
    }

    /// Children are to go elsewhere: the node is going down.
    func sendAway(graceMilliseconds: Int) {
        trunk.send(RelayMessage.goaway(Goaway(graceMilliseconds: UInt32(clamping: graceMilliseconds))).bytes)
    }

    // MARK: Life

    override func writable() { trunk.writable() }

    private func armTimer() {
        let now = Clock.monotonicNanoseconds
        let deadline = heartbeat.deadline
        timer.arm(after: deadline > now ? (deadline - now) / 1_000_000 + 1 : 1)
    }

    private func beat() {
        guard !isEnded else { return }
        switch heartbeat.tick(now: Clock.monotonicNanoseconds) {
        case .none: break
        case .ping(let token):
            if peer != nil { trunk.send(RelayMessage.ping(Ping(token: token, clock: Clock.unixMicroseconds)).bytes) }
        case .dead(let error): return fail(error.reason, error.description)
        }
        armTimer()
    }

    /// A connection that this node made goes when it has been of no use for a while; others are their makers' to end.
    override func housekeep(now: UInt64) {
        expireInterests(now: now)
        guard remote != nil, isIdle, !worker.isPulling else {
            idleSince = nil
            return
        }
        let since = idleSince ?? now
        idleSince = since
        if now - since >= RelaySession.idleHold { end("idle") }
    }

    override func willEnd() {
        timer.disarm()
        for wait in waiting.values { state.hub.stopWaiting(wait.name, ticket: wait.ticket) }
        waiting = [:]
        for (name, interest) in interests { state.hub.stopWaiting(name, ticket: interest.ticket) }
        interests = [:]
        for stream in Array(outlets.keys) { stopServing(stream) }
        worker.parents.forget(self)
        tellOpened(nil)
        let lost = Array(feeds.values) + Array(asked.values)
        feeds = [:]
        asked = [:]
        for feed in lost { feed.upstream?.lost(feed, "the connection to \(agent) ended") }
    }
}

/// A child's subscription to a stream that is not here yet.
private struct RelayWait {
    let subscribe: Subscribe
    let name: StreamName
    let ticket: UInt64
}
