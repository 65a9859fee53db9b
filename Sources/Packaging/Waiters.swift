/// Who waits on a shelf, by what for: what has come wakes those who wait for it, and looks at nobody else.
///
/// Invariant: the waiters of a place stand in the order of their tickets; a place without any is not kept.
import EventLoop
import HLS

struct Waiters: Sendable {
    struct Waiter: Sendable {
        let ticket: UInt64
        let mailbox: Mailbox
        let wake: @Sendable (Loop) -> Void
    }

    /// What is waited for.
    struct Place: Hashable, Sendable {
        let rendition: Rendition
        let wait: Wait
    }

    enum Wait: Hashable, Sendable {
        case playlist(BlockingReload.Wait)
        case part(LivePosition)
    }

    private var queues: [Place: [Waiter]] = [:]
    private var places: [UInt64: Place] = [:]
    private var nextTicket: UInt64 = 1

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }

    mutating func add(to place: Place, _ mailbox: Mailbox, _ wake: @escaping @Sendable (Loop) -> Void) -> UInt64 {
        let ticket = nextTicket
        nextTicket += 1
        queues[place, default: []].append(Waiter(ticket: ticket, mailbox: mailbox, wake: wake))
        places[ticket] = place
        return ticket
    }

    mutating func remove(_ ticket: UInt64) {
        guard let place = places.removeValue(forKey: ticket), var queue = queues.removeValue(forKey: place) else {
            return
        }
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if queue[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        queue.remove(at: low)
        if !queue.isEmpty { queues[place] = queue }
    }

    /// Those whose wait is over: they wait no longer.
    mutating func take(where isOver: (Place) -> Bool) -> [Waiter] {
        var taken: [Waiter] = []
        for place in queues.keys.filter(isOver) {
            guard let queue = queues.removeValue(forKey: place) else { continue }
            for waiter in queue { places[waiter.ticket] = nil }
            taken = taken.isEmpty ? queue : taken + queue
        }
        return taken
    }

    /// Each loop is called once.
    static func wake(_ due: [Waiter]) {
        var byLoop: [ObjectIdentifier: [Waiter]] = [:]
        for waiter in due { byLoop[ObjectIdentifier(waiter.mailbox), default: []].append(waiter) }
        for waiters in byLoop.values {
            waiters[0].mailbox.post { loop in for waiter in waiters { waiter.wake(loop) } }
        }
    }
}
