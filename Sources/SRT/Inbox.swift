/// What libsrt reports of the sockets of one loop, on its way to them.
///
/// However much is reported between two turns of the loop, one job is posted, and each socket is told once.
/// `@unchecked Sendable` is sound: what waits is behind a lock, and `watches` is touched on the loop's thread only.
import CSRT
import EventLoop

final class Inbox: @unchecked Sendable {
    private struct Waiting {
        var events: [SRTSOCKET: Int32] = [:]
        var posted = false
    }

    let mailbox: Mailbox
    private let waiting = Lock(Waiting())
    private nonisolated(unsafe) var watches: [SRTSOCKET: Unmanaged<Watch>] = [:]
    /// Swapped with what waits, so that neither allocates once it has grown.
    private nonisolated(unsafe) var delivering: [SRTSOCKET: Int32] = [:]
    private nonisolated(unsafe) var job: Mailbox.Job = { _ in }

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
        job = { [weak self] _ in self?.deliver() }
    }

    /// From any thread.
    func add(_ socket: SRTSOCKET, _ events: Int32) {
        let post = waiting.with { waiting -> Bool in
            waiting.events[socket, default: 0] |= events
            defer { waiting.posted = true }
            return !waiting.posted
        }
        if post { mailbox.post(job) }
    }

    /// On the loop. A watch takes itself out before it goes.
    func enter(_ watch: Watch) { watches[watch.handle.id] = .passUnretained(watch) }

    func leave(_ watch: Watch) { watches[watch.handle.id] = nil }

    var isEmpty: Bool { watches.isEmpty }

    private func deliver() {
        waiting.with { waiting in
            swap(&waiting.events, &delivering)
            waiting.posted = false
        }
        // A socket that is told may close others, and itself: each is looked up at its turn.
        for (socket, events) in delivering { watches[socket]?.takeUnretainedValue().report(events) }
        delivering.removeAll(keepingCapacity: true)
    }
}
