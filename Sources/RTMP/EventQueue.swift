/// Events in the order in which they happened. Elements are moved out, not copied, so that a payload keeps one owner.
struct EventQueue<Event> {
    private var events: [Event?] = []
    private var head = 0

    var isEmpty: Bool { events.isEmpty }

    mutating func append(_ event: Event) { events.append(event) }

    mutating func next() -> Event? {
        guard head < events.count else { return nil }
        var event: Event?
        swap(&event, &events[head])
        head += 1
        if head == events.count {
            head = 0
            events.removeAll(keepingCapacity: events.capacity <= Self.keptCapacity)
        }
        return event
    }

    /// Gives the memory of an empty queue back.
    mutating func shrink() {
        if events.isEmpty { events = [] }
    }

    /// Slots that an empty queue keeps, so that a busy one does not allocate.
    private static var keptCapacity: Int { 64 }
}
