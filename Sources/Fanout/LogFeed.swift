/// The pipe from a stream's home loop to one loop that reads one of its logs: coalesced news of the head.
///
/// However many frames the home loop publishes while the reading loop is busy, that loop is woken once and catches up
/// in one step. The lock is taken once per flush and loop, never per viewer.
import EventLoop
import StreamLog

final class LogFeed: Sendable {
    private let reader: Mailbox
    private let view: LoopBound<LogView>
    private let pending = Lock<LogUpdate?>(nil)

    init(_ view: LogView, on loop: Loop) {
        reader = loop.mailbox
        self.view = LoopBound(view, on: loop)
    }

    func publish(_ update: LogUpdate, from loop: Loop) {
        guard loop.mailbox !== reader else {
            // The view is held by this feed for good.
            Unmanaged.passUnretained(view.value(on: loop))._withUnsafeGuaranteedRef { $0.take(update) }
            return
        }
        let first = pending.with { pending in
            guard pending != nil else {
                pending = update
                return true
            }
            pending!.merge(update)
            return false
        }
        if first { reader.post { [self] loop in deliver(on: loop) } }
    }

    private func deliver(on loop: Loop) {
        let update = pending.with { pending in
            defer { pending = nil }
            return pending
        }
        if let update { view.value(on: loop).take(update) }
    }

    func end(_ reason: ViewerEnd) {
        reader.post { [self] loop in
            deliver(on: loop)
            view.value(on: loop).end(reason)
        }
    }
}
