/// One stream that this node pulls from others, on the stream's home loop: asks parents in turn, follows the first that
/// delivers, and goes on at the next frame with another when that one fails. Viewers notice none of it.
///
/// Invariants: while the stream is live, the upstream is its publisher; `relay.redundancy` parents deliver at once, and
/// one more during a planned move; a parent that just failed is asked last.
import EventLoop
import Fanout
import Operations
import RelayProtocol

final class Upstream {
    let name: StreamName
    unowned let worker: Worker
    /// The first frame that is missed by a child that had the stream from elsewhere.
    private let needed: FrameNumber?
    /// Whom to ask, best first.
    private var parents: [String]
    /// Nodes that have failed since the dispatcher was last asked.
    private var failedNodes: [String] = []
    private var isAsking = false
    private var next = 0
    var feeds: [RelayFeed] = []
    private var nextSource = 0
    private let tie = Tie<Upstream>()
    private var handle: StreamHandle?
    /// The publish session of the newest parent, as the stream knows it.
    private var publisher: String?
    var path: RelayPath?
    /// Frames that came before the stream was this upstream's to publish.
    var early: [(frame: RelayFrame, verdict: FrameGate.Verdict)] = []
    private var isStopped = false
    /// Parents that have failed since one last delivered.
    private var failures = 0
    private var lastFailure = "no parent has answered"
    private let began: UInt64
    private let redundancy: Int
    private var lostAt: UInt64?
    private var unreadSince: UInt64?
    var failovers: UInt64 = 0
    var recovered: UInt64 = 0
    // What each frame needs, side by side in memory.
    var stream: Stream?
    var isClaiming = false
    /// When another parent took over, in microseconds of Unix time: older frames are those that resuming saved.
    var resumedAt: Int64?
    var merge: FrameMerge
    var delays = DelayMeter()
    private lazy var patience = Timer(on: worker.loop) { [unowned self] in patienceIsOver() }
    private lazy var retry = Timer(on: worker.loop) { [unowned self] in tryNext() }
    lazy var held = Timer(on: worker.loop) { [unowned self] in drainHeld() }

    /// Between two rounds through all parents, in milliseconds, while the stream lives on without any.
    private static let roundPause: UInt64 = 200
    /// The same while the stream flows, and only its redundancy is missing.
    private static let spareRoundPause: UInt64 = 2_000
    /// How long a frame that is ahead of a missing one is kept for the sake of a slower parent, in nanoseconds.
    private static let mergePatience: UInt64 = 300_000_000
    /// Frames kept until the stream is this node's to publish: that takes a turn of another loop.
    static let maxEarly = 4_096

    init(_ name: StreamName, needed: FrameNumber?, worker: Worker) {
        self.name = name
        self.needed = needed
        self.worker = worker
        parents = worker.state.settings.relay.parents.map(\.description)
        merge = FrameMerge(patience: Upstream.mergePatience)
        redundancy = worker.state.settings.of(app: name.app, stream: name.name).relay.redundancy
        began = worker.loop.now
        tie.bind(self)
    }

    deinit { tie.cut() }

    var state: NodeState { worker.state }
    private var deadAfter: UInt64 { UInt64(state.settings.relay.deadAfter) }
    private var relayName: RelayStreamName { RelayStreamName(app: name.app, name: name.name)! }

    // MARK: Asking parents

    func start() {
        let me = LoopBound(tie, on: worker.loop)
        let pull = Pulls.Pull(mailbox: worker.loop.mailbox) { loop, parents in
            me.value(on: loop).object?.steer(parents)
        }
        state.pulls.pulling(name, pull)
        guard hasDispatch else { return tryNext() }
        askDispatch()
    }

    private var hasDispatch: Bool { !state.settings.dispatch.servers.isEmpty }

    /// Asks for the way. What is known already is used meanwhile, if anything is to be done at once.
    private func askDispatch() {
        guard hasDispatch, !isAsking else { return }
        isAsking = true
        let me = LoopBound(tie, on: worker.loop)
        let failed = failedNodes
        failedNodes = []
        worker.askRoute(name, failed: failed) { loop, answer in me.value(on: loop).object?.routed(answer) }
    }

    private func routed(_ answer: RouteAnswer) {
        guard !isStopped else { return }
        isAsking = false
        switch answer {
        case .parents(let better, _): take(better)
        case .absent(let why):
            lastFailure = why
            if stream == nil, !isClaiming { return stop(why) }
        case .unavailable:
            // Nobody to ask: the last routes, and whoever has been of use before.
            let known = state.routes.parents(of: name)
            take(known + parents.filter { !known.contains($0) })
        }
        tryNext()
    }

    private func take(_ better: [String]) {
        guard !better.isEmpty, better != parents else { return }
        parents = better
        next = 0
        failures = 0
    }

    /// The dispatcher wants the stream to come another way. What delivers goes on until that does.
    func steer(_ better: [String]) {
        guard !isStopped else { return }
        take(better)
        guard let best = parents.first, !feeds.contains(where: { $0.remote == best }) else { return }
        if let feed = feeds.first(where: { $0.isDelivering && !$0.isLeaving }), delivering >= wanted {
            moveAway(from: feed)
        } else {
            tryNext()
        }
    }

    private var delivering: Int { feeds.count { $0.isDelivering && !$0.isLeaving } }
    /// With two parents at once a failure of one is not even a pause.
    private var wanted: Int { min(redundancy, parents.count) }

    private func tryNext() {
        guard !isStopped, delivering < wanted else { return }
        guard failures < max(1, parents.count), !parents.isEmpty else { return roundIsOver() }
        if let remote = takeCandidate() { ask(remote) }
        // Another is asked before this one has said no: a parent that is frozen says nothing.
        patience.arm(after: deadAfter)
    }

    /// The next parent in turn that is not in use.
    private func takeCandidate() -> String? {
        for _ in parents.indices {
            next %= parents.count
            let remote = parents[next]
            next = (next + 1) % parents.count
            if !feeds.contains(where: { $0.remote == remote }) { return remote }
        }
        return nil
    }

    private func ask(_ remote: String) {
        let feed = RelayFeed(source: nextSource, remote: remote, window: state.settings.relay.window, for: self)
        nextSource += 1
        feeds.append(feed)
        worker.parents.link(to: remote) { [tie] session, failure in tie.object?.linked(feed, session, failure) }
    }

    private func linked(_ feed: RelayFeed, _ session: RelaySession?, _ failure: String) {
        guard feed.upstream === self else { return }
        guard let session else { return lost(feed, failure) }
        if let node = session.peer?.node { state.pulls.asks(name, node) }
        let from = merge.gate.resumePoint
        session.ask(feed, for: relayName, from: from, needed: from == .keyframe ? needed : nil)
    }

    private func patienceIsOver() {
        guard !isStopped, delivering < wanted else { return }
        let isLate = worker.loop.now - began > UInt64(state.settings.relay.timeout)
        if stream == nil, !isClaiming, isLate { return stop(lastFailure) }
        tryNext()
    }

    /// Every parent has failed. A stream that viewers watch lives on for `publish.linger`, as it does at its ingest.
    private func roundIsOver() {
        guard stream != nil || isClaiming else { return isAsking ? () : stop(lastFailure) }
        failures = 0
        askDispatch()
        // Who was to be left is better than nobody, as long as it delivers.
        for feed in feeds where feed.isDelivering {
            feed.isLeaving = false
            feed.isSentAway = false
        }
        guard delivering == 0 else { return retry.arm(after: Upstream.spareRoundPause) }
        // Children that have another parent need not wait for this node to find one.
        if lostAt == nil, let handle { worker.offerChildren(of: handle) }
        let since = lostAt ?? worker.loop.now
        lostAt = since
        guard worker.loop.now - since < UInt64(state.settings.publish.linger) else { return end(lastFailure) }
        retry.arm(after: Upstream.roundPause)
    }

    // MARK: What feeds tell

    func subscribed(_ answer: Subscribed, by feed: RelayFeed) {
        feed.path = answer.path
        // It counts itself already: whoever comes after enough others is not needed.
        guard !isStopped, delivering <= wanted else { return drop(feed) }
        if let left = feeds.first(where: { $0.isSentAway && $0.isLeaving && $0 !== feed })?.session?.peer?.node,
            answer.path.contains(left)
        {
            drop(feed)
            failures += 1
            return tryNext()
        }
        let isFirst = delivering == 1
        // Who delivers now is asked last when it fails.
        if let index = parents.firstIndex(of: feed.remote) { next = (index + 1) % parents.count }
        merge.attach(feed.source, at: answer.first)
        failures = 0
        lostAt = nil
        if delivering == wanted {
            patience.disarm()
            retry.disarm()
            for other in feeds where other.isLeaving || !other.isDelivering { drop(other) }
        } else {
            tryNext()
        }
        state.log.write(
            .info, "relay.subscribed", session: feed.session?.id ?? "",
            [
                ("stream", "\(name)"), ("parent", feed.remote), ("path", "\(answer.path)"),
                ("first", "\(answer.first)"), ("continuity", "\(answer.continuity)"),
            ])
        if isFirst {
            if publisher != nil {
                failovers += 1
                resumedAt = Clock.unixMicroseconds
            }
            claim(feed)
        }
        drainHeld()
        // The connection to who would be next is there when it is needed.
        if parents.count > 1 { worker.parents.link(to: parents[next % parents.count]) { _, _ in } }
    }

    /// The feed delivers no more. Another parent goes on at the next frame.
    func lost(_ feed: RelayFeed, _ reason: String) {
        guard remove(feed) else { return }
        lastFailure = reason
        failures += 1
        if let node = feed.session?.peer?.node.name ?? feed.path?.nodes.last?.name { failedNodes.append(node) }
        if feed.isDelivering {
            failures = 1
            askDispatch()
            state.count(error: "relay_parent_lost")
            state.log.write(
                .warning, "relay.parent_lost",
                [("stream", "\(name)"), ("parent", feed.remote), ("reason", reason)])
        }
        drainHeld()
        if let other = feeds.first(where: { $0.isDelivering }), publisher == session(of: feed) { claim(other) }
        if feed.isDelivering || !feeds.contains(where: { !$0.isDelivering }) { tryNext() }
    }

    /// The publisher has left for good: so does the stream here.
    func streamEnded(_ feed: RelayFeed) {
        guard remove(feed) else { return }
        drainHeld()
        if delivering == 0 { end("the stream has ended") }
    }

    /// The parent wants to be left, but goes on delivering until another does. Who gets the stream through that very
    /// parent is no other: an ingest node that drains is left only when its encoders have gone.
    func sentAway(by feed: RelayFeed) {
        feed.isSentAway = true
        moveAway(from: feed)
    }

    /// What delivers goes on until another does.
    private func moveAway(from feed: RelayFeed) {
        guard !feed.isLeaving else { return }
        feed.isLeaving = true
        failures = 1
        tryNext()
    }

    private func drop(_ feed: RelayFeed) {
        _ = remove(feed)
        feed.giveUp()
    }

    private func remove(_ feed: RelayFeed) -> Bool {
        guard let index = feeds.firstIndex(where: { $0 === feed }) else { return false }
        feeds.remove(at: index)
        feed.upstream = nil
        merge.detach(feed.source)
        return true
    }

    // MARK: The stream

    private func session(of feed: RelayFeed) -> String { "relay-\(worker.loop.index)/\(feed.source)" }

    /// The stream is told that it comes from this feed's node.
    private func claim(_ feed: RelayFeed) {
        let session = session(of: feed)
        publisher = session
        let me = LoopBound(self, on: worker.loop)
        let mailbox = worker.loop.mailbox
        let publisher = Publisher(
            session: session, label: "relay", address: feed.remote,
            agent: feed.path.map { "\($0)" } ?? "", identity: "relay", since: Clock.unixMilliseconds, isUpstream: true
        ) { reason in mailbox.post { loop in me.value(on: loop).replaced(session) } }
        path = feed.path
        if let node = feed.path?.nodes.last {
            let epoch = merge.gate.next?.epoch ?? 0
            state.carriage.set(name, Carriage.Entry(epoch: epoch, role: .child(of: node), session: "upstream"))
        }
        if let stream, let handle {
            stream.follow(publisher)
            return tellPath(handle)
        }
        guard !isClaiming else { return }
        isClaiming = true
        state.hub.publish(name, publisher, on: worker.fanout) { loop, result in me.value(on: loop).claimed(result) }
    }

    private func tellPath(_ handle: StreamHandle) {
        guard let path else { return }
        state.paths.set(path, of: handle)
        worker.tellChildren(of: handle)
    }

    private func claimed(_ result: Result<StreamHandle, PublishRefusal>) {
        isClaiming = false
        switch result {
        case .success(let handle):
            guard !isStopped else { return handle.close(.streamEnded) }
            self.handle = handle
            tellPath(handle)
            state.pulls.found(name)
            stream = handle.stream(on: worker.loop)
            worker.publishing(handle)
            let frames = early
            early = []
            for (frame, verdict) in frames { append(frame.header, frame.body.span, verdict) }
            stream?.flushIfDue()
        // Somebody publishes it right here: then it is not to be pulled.
        case .failure: stop("published here")
        }
    }

    /// A publisher has come to this very node, or an operator ended the stream.
    private func replaced(_ session: String) {
        guard !isStopped else { return }
        if stream?.publisher?.session == session { return end("ended by an operator") }
        let handle = handle
        stop("published here")
        guard let handle else { return }
        state.paths.forget(handle)
        worker.tellChildren(of: handle)
    }

    // MARK: The end

    /// Looks whether anybody still reads. About twice a second.
    func housekeep(now: UInt64) {
        guard let stream, let handle else { return }
        if handle.isClosed { return stop("the stream was ended") }
        guard !stream.isRead else {
            unreadSince = nil
            return
        }
        let since = unreadSince ?? now
        unreadSince = since
        if now - since >= UInt64(state.settings.relay.hold) { end("nobody watches") }
    }

    /// The stream goes, and its viewers are told.
    private func end(_ reason: String) {
        let handle = handle
        stop(reason)
        handle?.close(.streamEnded)
    }

    /// Pulls no more. `reason` is for those who wait for the stream.
    func stop(_ reason: String) {
        guard !isStopped else { return }
        isStopped = true
        patience.disarm()
        retry.disarm()
        held.disarm()
        for feed in feeds { feed.giveUp() }
        feeds = []
        if let handle { state.paths.forget(handle) }
        state.carriage.remove(name, session: "upstream")
        let name = name
        state.dispatch.with { $0 }?.withDispatchers { $0.unwant(name) }
        state.log.write(.info, "relay.stop", [("stream", "\(name)"), ("reason", reason)])
        state.pulls.finished(name, wasFound: publisher != nil, reason, now: worker.loop.now)
        // The stream knows its publisher, and that is this upstream: one of them has to let go.
        stream = nil
        self.handle = nil
        worker.forget(self)
    }
}
