/// Goes down in order: the first signal stops new sessions and gives viewers `drain.timeout`, the second ends at once.
import EventLoop
import Glibc

final class Shutdown {
    private let worker: Worker
    private var signals: [SignalWatch] = []
    private var deadline: UInt64?
    private lazy var timer = Timer(on: worker.loop) { [unowned self] in look() }

    /// How often to look whether everybody has left, in milliseconds.
    private static let lookInterval: UInt64 = 100

    init(_ worker: Worker) {
        self.worker = worker
        for signal in [SignalWatch.terminate, SignalWatch.interrupt] {
            signals.append(SignalWatch(signal, on: worker.loop) { [unowned self] in requested() })
        }
    }

    private func requested() {
        guard deadline == nil else { return finish("ended at once by a second signal") }
        let timeout = worker.state.settings.drain.timeout
        deadline = worker.loop.now + UInt64(timeout)
        worker.state.startDraining()
        worker.state.log.write(
            .info, "node.drain",
            [
                ("sessions", "\(worker.state.gate.connections)"), ("timeout_ms", "\(timeout)"),
            ])
        worker.state.dispatch.with { $0 }?.withDispatchers { $0.tellDraining() }
        worker.ask(
            { worker in
                worker.stopListening()
                worker.sendChildrenAway()
            }, then: { [unowned self] _ in look() })
    }

    private func look() {
        guard let deadline else { return }
        if worker.state.gate.connections == 0 { return finish("drained") }
        if worker.loop.now >= deadline { return finish("drain.timeout is over") }
        timer.arm(after: Shutdown.lookInterval)
    }

    private func finish(_ reason: String) {
        worker.state.log.write(.info, "node.end", [("reason", reason)])
        // This loop is among them, and stops when its own sessions have ended.
        worker.ask(
            { worker in
                worker.endAll("node is going down")
                worker.endRecordings()
                worker.looks.endAll()
                worker.loop.stop()
            }, then: { _ in })
    }
}
