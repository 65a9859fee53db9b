/// Who waits on a shelf, by what for: what has come wakes those who wait for it, and looks at nobody else.
///
/// Invariant: the waiters of a place stand in the order of their tickets; a place without any is not kept.
import EventLoop
import HLS

struct Waiters: Sendable {
    struct Waiter: Sendable {
        let number: UInt64
        let mailbox: Mailbox
        let wake: Shelf.Wake
    }

    /// What is waited for. Those who wait at one place get one answer.
    struct Place: Hashable, Sendable {
        let rendition: Rendition
        let wait: Wait
    }

    enum Wait: Hashable, Sendable {
        /// Until players can begin with the rendition, to ask for whatever it is once more.
        case beginning
        case playlist(BlockingReload.Wait, PlaylistRequest)
        case part(LivePosition)
    }

    /// A place in the queue, to be given up by.
    struct Ticket: Hashable, Sendable {
        let place: Place
        let number: UInt64
    }

    /// Those of a place whose wait is over, and what they are answered with; nil: each has to ask again.
    struct Due: Sendable {
        let place: Place
        let waiters: [Waiter]
        var answer: Offer?
    }

    private var queues: [Place: [Waiter]] = [:]
    private var nextNumber: UInt64 = 1
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func add(to place: Place, _ mailbox: Mailbox, _ wake: @escaping Shelf.Wake) -> Ticket {
        defer { nextNumber += 1 }
        queues[place, default: []].append(Waiter(number: nextNumber, mailbox: mailbox, wake: wake))
        count += 1
        return Ticket(place: place, number: nextNumber)
    }

    mutating func remove(_ ticket: Ticket) {
        guard var queue = queues.removeValue(forKey: ticket.place) else { return }
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if queue[middle].number < ticket.number { low = middle + 1 } else { high = middle }
        }
        if low < queue.count, queue[low].number == ticket.number {
            queue.remove(at: low)
            count -= 1
        }
        if !queue.isEmpty { queues[ticket.place] = queue }
    }

    /// Those whose wait is over: they wait no longer.
    mutating func take(where isOver: (Place) -> Bool) -> [Due] {
        var due: [Due] = []
        for place in queues.keys.filter(isOver) {
            guard let queue = queues.removeValue(forKey: place) else { continue }
            count -= queue.count
            due.append(Due(place: place, waiters: queue))
        }
        return due
    }

    /// Each loop is called once.
    static func wake(_ due: [Due]) {
        var byLoop: [ObjectIdentifier: [(waiters: [Waiter], answer: Offer?)]] = [:]
        for group in due {
            for (loop, waiters) in Dictionary(grouping: group.waiters, by: { ObjectIdentifier($0.mailbox) }) {
                byLoop[loop, default: []].append((waiters, group.answer))
            }
        }
        for groups in byLoop.values {
            groups[0].waiters[0].mailbox.post { loop in
                for group in groups { for waiter in group.waiters { waiter.wake(loop, group.answer) } }
            }
        }
    }
}
