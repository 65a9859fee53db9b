/// A connection to another node, made by either side: both may ask the other for streams.
///
/// It sends what the peer has subscribed to (`outlets`), and hands what this node has subscribed to on (`feeds`).
import Admission
import EventLoop
import Fanout
import Operations
import RelayProtocol

final class RelaySession: WireSession {
    /// Set for a connection that this node made.
    let remote: String?
    private(set) var machine: RelayConnection
    private(set) var clock = ClockOffset() { didSet { arrival.offset = clock.offset ?? 0 } }
    /// Of what is being read. The offset is that of the best of the clock's samples, which a pong alone changes.
    private var arrival = Upstream.Arrival()
    private(set) var loss = LossMeter()
    /// What carries the connection, where that is SRT.
    var tunnel: SRTTunnel? { didSet { tunnel?.onRefused = { [unowned self] in refused() } } }
    let trunk: RelayTrunk
    private var heartbeat: Heartbeat
    /// When something that was sent came back, for want of a process at the peer's port, and when a silent parent was
    /// last asked out of turn. Monotonic nanoseconds.
    private var refusedAt: UInt64 = 0
    private var askedAt: UInt64 = 0
    private(set) var feeds: [UInt32: RelayFeed] = [:] { didSet { recent = RelaySession.noneRecent } }
    /// Of the newest frames, by the last bits of their streams' numbers: so the table is not searched for each.
    private var recent = RelaySession.noneRecent
    private var asked: [UInt32: RelayFeed] = [:]
    private var nextRequest: UInt32 = 1
    var outlets: [UInt32: RelayOutlet] = [:]
    /// What each of them takes of the node's room.
    var claims: [UInt32: Claim] = [:]
    var waiting: [UInt32: RelayWait] = [:]
    /// Streams that the peer was refused because nobody has them: it is told when they come.
    var interests: [StreamName: RelayInterest] = [:]
    /// Streams that frames came for in this read: to be flushed once. The newest; each knows the one before it. They are
    /// held by hand, each once, until they are flushed: an action may let go of a feed.
    private var touched: Unmanaged<RelayFeed>?
    private var opened: [(RelaySession?) -> Void] = []
    private lazy var timer = Timer(on: loop) { [unowned self] in beat() }

    init(_ connection: Connection, worker: Worker, number: UInt64, remote: String?) {
        self.remote = remote
        trunk = RelayTrunk(connection)
        machine = RelayConnection(
            role: remote == nil ? .responder : .initiator, configuration: worker.state.relay,
            nonce: EventLoop.Process.randomBytes(Hello.nonceSize))
        let deadAfter = UInt64(worker.state.settings.relay.deadAfter) * 1_000_000
        heartbeat = Heartbeat(
            interval: deadAfter / RelaySession.pingsPerDeath, deadAfter: deadAfter, now: Clock.monotonicNanoseconds)
        super.init(connection, worker: worker, number: number)
        role = .relay
    }

    /// Milliseconds that a connection without a stream is kept.
    private static let idleHold: UInt64 = 10_000
    /// Pings that may stay unanswered before the peer is held for dead.
    private static let pingsPerDeath: UInt64 = 3
    /// Nanoseconds of silence of a parent over SRT after which it is asked for a sign of life: frames come more often.
    private static let suspectAfter: UInt64 = 60_000_000
    private static var noneRecent: [RelayFeed?] { [RelayFeed?](repeating: nil, count: 64) }

    override var protocolName: String { "relay" }
    override var agent: String { machine.peer?.node.name ?? remote ?? "" }
    var peer: RelayPeer? { machine.peer }

    /// The link as this side sees it; nil before it is known.
    var measure: LinkMeasure? {
        guard let node = peer?.node, let roundTrip = clock.roundTrip else { return nil }
        return LinkMeasure(
            node: node, roundTripMicroseconds: UInt32(clamping: roundTrip), lossPerMillion: loss.perMillion)
    }
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
        arrival.moment = Clock.monotonicNanoseconds
        arrival.clock = Clock.unixMicroseconds
        heartbeat.heard(now: arrival.moment)
        var at = 0
        // Sound: the bytes stay where they are for the length of this call.
        let span = Span(_unsafeElements: bytes)
        while !isEnded {
            if let (header, body) = machine.takeFrame(span, &at) {
                let isLast = at == span.count
                if let feed = payingFeed(of: header) { take(header, span.extracting(body), from: feed, isLast) }
                // It was taken between messages: of nothing `next` has nothing to say.
                if isLast { break }
            } else if let action = machine.next(span, &at) {
                perform(action)
            } else {
                break
            }
        }
        while let feed = touched?.takeRetainedValue() {
            touched = feed.touchedBefore
            feed.isTouched = false
            feed.upstream?.stream?.flushIfDue()
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
        case .frameBegins(let header): if admit(header) == nil { machine.skipBody() }
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

    /// Whose frame it is; nil if it is not wanted, which saves holding what came of it until the rest is here.
    private func admit(_ header: RelayFrame.Header) -> RelayFeed? {
        guard let feed = payingFeed(of: header) else { return nil }
        guard let upstream = feed.upstream, !upstream.refuses(header, from: feed) else {
            consume(header.wireSize, of: feed)
            return nil
        }
        return feed
    }

    /// Whose frame it is, with the credit for it taken off; nil if it is of no stream that was asked for.
    private func payingFeed(of header: RelayFrame.Header) -> RelayFeed? {
        // Frames of a stream that was given up are still on their way.
        guard let feed = feed(of: header.stream) else { return nil }
        do {
            try feed.meter.receive(header.wireSize)
        } catch {
            violation(error)
            return nil
        }
        return feed
    }

    private func feed(of stream: UInt32) -> RelayFeed? {
        let place = Int(truncatingIfNeeded: stream) & (recent.count - 1)
        if let feed = recent[place], feed.stream == stream { return feed }
        let feed = feeds[stream]
        recent[place] = feed
        return feed
    }

    private func violation(_ error: RelayError) { perform(machine.close(error)) }

    private func take(_ message: RelayMessage) {
        switch message {
        case .frame(let frame):
            if let feed = feed(of: frame.header.stream) { take(frame.header, frame.body.span, from: feed, false) }
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
        case .moved(let stream, _): feeds[stream].map { $0.upstream?.sentAway(by: $0) }
        case .goaway:
            for feed in Array(feeds.values) { feed.upstream?.sentAway(by: feed) }
        case .credit(let stream, let bytes):
            guard let outlet = outlets[stream] else { return }
            do { try outlet.grant(bytes) } catch { violation(error) }
        case .unsubscribe(let stream): stopServing(stream)
        case .ping(let ping):
            let now = Clock.unixMicroseconds
            trunk.send(RelayMessage.pong(ping.answered(received: now, sent: now)).bytes)
        case .pong(let pong): clock.add(pong, now: Clock.unixMicroseconds)
        case .announce(let announce): announced(announce)
        // What only dispatchers are told, and what they tell on connections of their own.
        case .fenced, .withdraw, .hello, .proof, .register, .load, .carry, .want, .unwant, .steer, .room, .raise,
            .allow,
            .used:
            break
        }
    }

    /// `isLast`: nothing more is to be read, and the stream is flushed at once. As a rule a read brings one frame.
    private func take(_ header: RelayFrame.Header, _ body: Span<UInt8>, from feed: RelayFeed, _ isLast: Bool) {
        feed.upstream?.take(header, body, from: feed, arrival, flushing: isLast)
        consume(header.wireSize, of: feed)
        if !isLast, !feed.isTouched {
            feed.isTouched = true
            feed.touchedBefore = touched
            touched = .passRetained(feed)
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

    func ask(_ feed: RelayFeed, for name: RelayStreamName, from: ResumePoint, needed: FrameNumber?) {
        let request = nextRequest
        nextRequest = request == .max ? 1 : request + 1
        asked[request] = feed
        feed.session = self
        feed.request = request
        let subscribe = Subscribe(
            request: request, name: name, from: from, needed: needed, credit: feed.meter.window)
        trunk.send(RelayMessage.subscribe(subscribe).bytes)
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

    var servedBytes: UInt64 = 0

    override var bytesOut: UInt64 {
        outlets.values.reduce(connection.bytesOut + servedBytes) { $0 + $1.bytesOut }
    }

    // MARK: Life

    override func writable() { trunk.writable() }

    private func armTimer() {
        let now = Clock.monotonicNanoseconds
        var deadline = heartbeat.deadline
        if needsRefusals {
            let silence = heartbeat.silence(now: now)
            if silence < RelaySession.suspectAfter {
                deadline = min(deadline, now + RelaySession.suspectAfter - silence)
            }
        }
        timer.arm(after: deadline > now ? (deadline - now) / 1_000_000 + 1 : 1)
    }

    /// A stream is due from a parent that was dialled over SRT: where its process dies, nothing says so by itself.
    private var needsRefusals: Bool { tunnel != nil && remote != nil && !feeds.isEmpty }

    private func refused() {
        refusedAt = Clock.monotonicNanoseconds
        beat()
    }

    private func beat() {
        guard !isEnded else { return }
        let now = Clock.monotonicNanoseconds
        let silence = heartbeat.silence(now: now)
        if needsRefusals, silence >= RelaySession.suspectAfter {
            // A refusal alone proves nothing: anybody who guesses a port number can send one. It may be here before the
            // peer's last bytes, which take a way round, and there may be no second one.
            if refusedAt + RelaySession.suspectAfter > heartbeat.lastHeard {
                let error = RelayError.silent(milliseconds: silence / 1_000_000)
                return fail(error.reason, "\(error), and its port is closed")
            }
            if askedAt <= heartbeat.lastHeard {
                askedAt = now
                heartbeat.hurry(now: now)
            }
        }
        switch heartbeat.tick(now: now) {
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
        if let sent = transmission { loss.add(segments: sent.segments, again: sent.again) }
        // A peer that sends just enough to count as alive must still say who it is.
        if peer == nil, now - since > RelayLimits.handshakeNanoseconds / 1_000_000,
            let action = machine.handshakeTimedOut()
        {
            return perform(action)
        }
        guard remote != nil, isIdle, !worker.isPulling else {
            idleSince = nil
            return
        }
        let since = idleSince ?? now
        idleSince = since
        if now - since >= RelaySession.idleHold { end("idle") }
    }

    /// Packets sent, and those of them that were sent again.
    private var transmission: (segments: UInt64, again: UInt64)? {
        if let tunnel {
            return tunnel.statistics.map { ($0.packetsSent, $0.packetsRetransmitted) }
        }
        return connection.transmission.map { ($0.segments, $0.again) }
    }

    override func willEnd() {
        timer.disarm()
        tunnel?.onRefused = nil
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
        for feed in lost {
            feed.upstream?.lost(feed, "the connection to \(agent) ended")
            feed.leave()
        }
    }
}
