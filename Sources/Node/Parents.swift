/// The connections of one loop to other nodes: one to each, shared by all streams of the loop, made when first needed.
import Configuration
import EventLoop

final class Parents {
    private unowned let worker: Worker
    private var links: [String: Link] = [:]

    private enum Link {
        case dialling(LinkDialer, [(RelaySession?, String) -> Void])
        case made(RelaySession)
    }

    init(_ worker: Worker) { self.worker = worker }

    /// Hands `then` the session once the node behind `remote` is known for who it is, or nil and the reason why not.
    func link(to remote: String, _ then: @escaping (RelaySession?, String) -> Void) {
        switch links[remote] {
        case .made(let session): session.whenOpen { then($0, "the connection to \(remote) ended") }
        case .dialling(let dialer, let waiting): links[remote] = .dialling(dialer, waiting + [then])
        case nil: dial(remote, then)
        }
    }

    private func dial(_ remote: String, _ then: @escaping (RelaySession?, String) -> Void) {
        guard let place = Remote(remote) else { return then(nil, "\(remote) is no address") }
        let timeout = UInt64(worker.state.settings.relay.deadAfter)
        let dialer = LinkDialer(place, timeout: timeout, worker.state, on: worker.loop) { [unowned self] result in
            guard case .dialling(_, let waiting) = links.removeValue(forKey: remote) else { return }
            switch result {
            case .failure(let error):
                worker.state.count(error: "relay_dial_failed")
                for then in waiting { then(nil, error.description) }
            case .success(let line):
                guard let session = worker.adopt(line, to: remote) else {
                    for then in waiting { then(nil, "the node has as many sessions as limits.sessions allows") }
                    return
                }
                links[remote] = .made(session)
                session.begin()
                for then in waiting { session.whenOpen { then($0, "the connection to \(remote) ended") } }
            }
        }
        links[remote] = .dialling(dialer, [then])
    }

    func forget(_ session: RelaySession) {
        guard let remote = session.remote, case .made(let known) = links[remote], known === session else { return }
        links[remote] = nil
    }
}
