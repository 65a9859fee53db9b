/// The side of a connection between nodes that serves: the peer subscribes, and is told of streams that come later.
import EventLoop
import Fanout
import Operations
import RelayProtocol

/// A child's subscription to a stream that is not here yet.
struct RelayWait {
    let subscribe: Subscribe
    let name: StreamName
    let ticket: UInt64
}

/// A stream that a child was refused because nobody has it.
struct RelayInterest {
    let ticket: UInt64
    var until: UInt64
}

extension RelaySession {
    /// A peer that still wants a stream asks again long before this many milliseconds are over.
    private static let interestHold: UInt64 = 30_000
    private static let maxInterests = 10_000

    func serve(_ subscribe: Subscribe) {
        guard let name = StreamName(app: subscribe.name.app, name: subscribe.name.name) else {
            return refuse(subscribe.request, .unknownStream, "a stream cannot have that name")
        }
        // What encoders push here can be had nowhere else, as long as they do.
        guard !state.isDraining || state.carriage.isPublished(name) else {
            return refuse(subscribe.request, .draining, "the node is going down")
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
        if let node = peer?.node, state.pulls.isAsking(name, node) {
            state.hub.stopWaiting(name, ticket: ticket)
            return refuse(request, .unknownStream, "it is asked of you from here")
        }
        waiting[request] = RelayWait(subscribe: subscribe, name: name, ticket: ticket)
        let weak = LoopBound(Weak(self), on: loop)
        worker.want(name, needed: subscribe.firstNeeded) { loop, reason in
            weak.value(on: loop).object?.absent(request, reason)
        }
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
            interests[wait.name] = RelayInterest(ticket: wait.ticket, until: 0)
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
                guard let path = session.state.paths.path(of: handle) else { return }
                let announce = Announce(
                    name: name, epoch: epoch, priority: session.state.carriage.priority(of: handle.name),
                    path: path)
                session.trunk.send(RelayMessage.announce(announce).bytes)
            }
        }
    }

    /// The peer has a stream that it did not have when it was asked.
    func announced(_ announce: Announce) {
        guard let name = StreamName(app: announce.name.app, name: announce.name.name) else { return }
        state.pulls.mayBeThere(name)
        if state.hub.isAwaited(name) { worker.want(name) { _, _ in } }
    }

    func expireInterests(now: UInt64) {
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
        guard let path = state.paths.path(of: handle) else {
            return refuse(subscribe.request, .tooManyHops, "the stream has passed as many nodes as it may")
        }
        if let node = peer?.node, path.contains(node) {
            return refuse(subscribe.request, .loop, "the stream comes through the node that asks: \(path)")
        }
        let number = handle.number
        switch state.gate.enter(.relay, handle.name, idc: peer?.idc ?? "", on: loop) {
        case .success(let claim): claims[number] = claim
        case .failure(let turned):
            logTurned(turned)
            return refuse(subscribe.request, .overloaded, turned.text)
        }
        let outlet = RelayOutlet(
            handle, from: subscribe.from, needed: subscribe.needed, credit: subscribe.credit,
            serviceClass: subscribe.serviceClass, over: trunk,
            onStart: { [unowned self] first, continuity in
                let answer = Subscribed(
                    request: subscribe.request, stream: number, first: first, continuity: continuity, path: path)
                trunk.send(RelayMessage.subscribed(answer).bytes)
            },
            onRefused: { [unowned self] in
                forget(number)
                refuse(subscribe.request, .fenced, "a newer publish session than is known here was asked for")
            },
            onEnd: { [unowned self] reason in
                forget(number)
                let why: EndReason = reason == .streamEnded ? .publisherLeft : .stopped
                trunk.send(RelayMessage.end(stream: number, reason: why, text: "").bytes)
            })
        outlets[number] = outlet
        state.log.write(
            .info, "relay.serve", session: id, [("stream", "\(handle.name)"), ("node", agent), ("path", "\(path)")])
        worker.fanout.attach(outlet)
    }

    /// The child may have the stream from elsewhere; what comes here in the end goes on to it all the same.
    func offer(_ handle: StreamHandle) {
        guard outlets[handle.number] != nil else { return }
        trunk.send(RelayMessage.moved(stream: handle.number, places: []).bytes)
    }

    /// The stream comes another way now; a child that is on it is sent elsewhere.
    func pathChanged(of handle: StreamHandle) {
        guard outlets[handle.number] != nil else { return }
        guard let path = state.paths.path(of: handle) else {
            let text = "its path has no room for another node"
            trunk.send(RelayMessage.end(stream: handle.number, reason: .loop, text: text).bytes)
            return stopServing(handle.number)
        }
        trunk.send(RelayMessage.path(stream: handle.number, path).bytes)
    }

    func stopServing(_ stream: UInt32) {
        guard let outlet = forget(stream) else { return }
        servedBytes += outlet.bytesOut
        outlet.detach()
    }

    @discardableResult private func forget(_ stream: UInt32) -> RelayOutlet? {
        claims.removeValue(forKey: stream).map(state.gate.leave)
        return outlets.removeValue(forKey: stream)
    }

    var linkReport: LinkReport {
        let served = outlets.values
        return LinkReport(
            session: id, node: peer?.node.name ?? "", idc: peer?.idc ?? "", address: "\(connection.peer)",
            outgoing: remote != nil, streamsIn: feeds.count, streamsOut: served.count,
            bytesIn: connection.bytesIn, bytesOut: bytesOut, rttMs: clock.roundTrip.map { Double($0) / 1000 },
            clockOffsetMs: clock.offset.map { Double($0) / 1000 }, loss: Double(loss.perMillion) / 1_000_000,
            creditStalls: served.reduce(0) { $0 + $1.credit.stalls }, skips: served.reduce(0) { $0 + $1.skips })
    }

    /// Children are to go elsewhere: the node is going down.
    func sendAway(graceMilliseconds: Int) {
        trunk.send(RelayMessage.goaway(Goaway(graceMilliseconds: UInt32(clamping: graceMilliseconds))).bytes)
    }
}
