/// The pushes of a loop: those that the settings ask for when a stream is published, and those that the API orders.
import Configuration
import EventLoop
import Fanout
import Operations
import TLS

extension Worker {
    /// A stream is published here: it is sent to whoever is to have it.
    func startPushes(of name: StreamName) {
        let settings = state.settings.of(app: name.app, stream: name.name)
        for address in settings.push + settings.srt.push.map(PushAddress.init) {
            if case .failure(.tooMany(let limit)) = push(name, address, isConfigured: true) {
                state.log.write(
                    .warning, "push.refused",
                    [("stream", "\(name)"), ("to", address.masked), ("reason", "there are too many of \(limit)")])
            }
        }
    }

    /// Starts a push on this loop.
    func push(
        _ name: StreamName, _ address: PushAddress, isConfigured: Bool
    ) -> Result<Push, PushBoard.Refusal> {
        state.pushes.add(name, address, isConfigured: isConfigured, loop: loop.index).map { entry in
            let push = Push(name, entry, worker: self)
            pushes.start(push)
            return push
        }
    }

    /// Ends a push, on whatever loop it is. False if there is none.
    func stopPush(_ name: StreamName, id: String) -> Bool {
        guard let entry = state.pushes.find(name, id: id) else { return false }
        let peer = peers[entry.loop]
        peerMailboxes[entry.loop].post { loop in peer.value(on: loop).pushes.stop(id) }
        return true
    }

    /// Asks other nodes for a stream that is to be pushed and is not here.
    func fetch(_ name: StreamName) {
        if hasParents { want(name) { _, _ in } }
    }

    /// Takes in a connection that a push has made.
    func adopt(
        _ connection: Connection, _ order: PushSession.Order, _ tls: TLSSession?, accepted: @escaping () -> Void,
        onEnd: @escaping (PushSession, PushCourse.Failure) -> Void
    ) -> PushSession? {
        guard admit() else {
            connection.close()
            return nil
        }
        // Counted like one that came in, so that `forget` is the same for both.
        _ = state.addresses.enter(connection.peer.host)
        let session = PushSession(
            connection, order, worker: self, number: takeNumber(), accepted: accepted, onEnd: onEnd)
        keep(session as Session)
        connection.start(session)
        if let tls { connection.secure(tls) }
        return session
    }
}

/// The pushes that live on one loop.
final class Pushes {
    private var all: [Push] = []
    /// Of those that are over.
    private var past = PushTotals()

    func start(_ push: Push) {
        all.append(push)
        push.start()
    }

    func stop(_ id: String) { all.first { $0.entry.id == id }?.stop() }

    func forget(_ push: Push) {
        guard let index = all.firstIndex(where: { $0 === push }) else { return }
        past.addPast(all.remove(at: index).report)
    }

    var reports: [PushReport] { all.map(\.report) }

    /// `reports` are those of now: taken together, so that none is counted twice while it goes.
    func totals(with reports: [PushReport]) -> PushTotals {
        reports.reduce(into: past) { $0.add($1) }
    }
}
