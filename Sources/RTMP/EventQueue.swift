/// Events in the order in which they happened. Elements are moved out, not copied, so that a payload keeps one owner.
struct EventQueue<Event> {
    private var events: [Event?] = []
    private var head = 0
    /// Slots that an empty queue keeps, so that a busy one does not allocate.
    private var kept = 64

    mutating func append(_ event: Event) { events.append(event) }

    mutating func next() -> Event? {
        guard head < events.count else { return nil }
        var event: Event?
        swap(&event, &events[head])
        head += 1
        if head == events.count {
            head = 0
            events.removeAll(keepingCapacity: events.capacity <= kept)
        }
        return event
    }

    /// From now on keeps no memory while empty.
    mutating func shrink() {
        kept = 0
        if events.isEmpty { events = [] }
    }
}
