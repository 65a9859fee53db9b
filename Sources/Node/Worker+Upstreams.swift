/// Streams of other nodes: which of them a loop pulls, what the dispatcher says of their ways, and who has them from here.
import EventLoop
import Fanout
import RelayProtocol

extension Worker {
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
}
