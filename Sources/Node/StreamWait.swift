/// Somebody's wait for a stream to appear: here, or by way of other nodes, which are asked for it.
///
/// Lives on one loop. Invariant: `then` is called at most once, and never after `stop`; it may be during `begin`.
import Configuration
import EventLoop
import Fanout

final class StreamWait {
    private let name: StreamName
    private unowned let worker: Worker
    private var then: ((StreamHandle?) -> Void)?
    private var ticket: UInt64?
    private var deadline: UInt64 = 0

    init(_ name: StreamName, _ worker: Worker, _ then: @escaping (StreamHandle?) -> Void) {
        self.name = name
        self.worker = worker
        self.then = then
    }

    private var patience: Milliseconds { worker.state.settings.of(app: name.app, stream: name.name).play.wait }

    /// Finds the stream, waits for it for at most `play.wait`, asks other nodes for it.
    func begin() {
        let loop = worker.loop
        let me = LoopBound(Weak(self), on: loop)
        let (found, ticket) = worker.state.hub.findOrWait(name, on: loop) { loop, handle in
            me.value(on: loop).object?.appeared(handle)
        }
        if let found { return settle(found) }
        self.ticket = ticket
        var patience = UInt64(self.patience)
        if worker.hasParents { patience = max(patience, UInt64(worker.state.settings.relay.timeout)) }
        guard patience > 0 else { return settle(nil) }
        deadline = loop.now + patience
        pull()
    }

    /// To be called about twice a second.
    func tick(now: UInt64) {
        guard then != nil else { return }
        if now >= deadline { settle(nil) } else { pull() }
    }

    func stop() {
        then = nil
        if let ticket { worker.state.hub.stopWaiting(name, ticket: ticket) }
        ticket = nil
    }

    /// Asks other nodes for the stream, if there are any to be asked.
    private func pull() {
        guard worker.hasParents else { return }
        let me = LoopBound(Weak(self), on: worker.loop)
        worker.want(name) { loop, _ in me.value(on: loop).object?.pullFailed() }
    }

    /// No other node has the stream either. It may still appear while the viewer waits.
    private func pullFailed() {
        if patience == 0 { settle(nil) }
    }

    private func appeared(_ handle: StreamHandle) {
        ticket = nil
        settle(handle)
    }

    private func settle(_ handle: StreamHandle?) {
        let then = then
        stop()
        then?(handle)
    }
}
