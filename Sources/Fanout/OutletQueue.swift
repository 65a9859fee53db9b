/// Data plane. The outlets of one trunk that have something to write, in the order of their service classes, highest
/// first, and within a class in the order of their coming.
///
/// It runs through the outlets themselves: coming and going allocates, counts and moves nothing, which an array does for
/// each frame. Invariant: an outlet is on one queue at most, and once (`isQueued`); its trunk takes it off before it goes
/// (`RelayTrunk.forget`), which makes the unowned references sound.
struct OutletQueue {
    private unowned(unsafe) var first: RelayOutlet?
    private unowned(unsafe) var last: RelayOutlet?
    private(set) var count = 0

    /// Behind the others of its class.
    mutating func append(_ outlet: RelayOutlet) {
        guard let last, last.serviceClass < outlet.serviceClass else { return insert(outlet, behind: last) }
        insert(outlet) { $0.serviceClass < outlet.serviceClass }
    }

    /// Before the others of its class: its turn had come.
    mutating func putBack(_ outlet: RelayOutlet) { insert(outlet) { $0.serviceClass <= outlet.serviceClass } }

    mutating func popFirst() -> RelayOutlet? {
        guard let first else { return nil }
        remove(first, behind: nil)
        return first
    }

    mutating func remove(_ outlet: RelayOutlet) {
        guard outlet.isQueued else { return }
        var before: RelayOutlet?
        while let next = before == nil ? first : before?.queuedNext, next !== outlet { before = next }
        remove(outlet, behind: before)
    }

    /// Before the first outlet of which that is true.
    private mutating func insert(_ outlet: RelayOutlet, before isLater: (RelayOutlet) -> Bool) {
        var before: RelayOutlet?
        while let next = before == nil ? first : before?.queuedNext, !isLater(next) { before = next }
        insert(outlet, behind: before)
    }

    private mutating func insert(_ outlet: RelayOutlet, behind before: RelayOutlet?) {
        outlet.isQueued = true
        outlet.queuedNext = before == nil ? first : before?.queuedNext
        if let before { before.queuedNext = outlet } else { first = outlet }
        if outlet.queuedNext == nil { last = outlet }
        count += 1
    }

    private mutating func remove(_ outlet: RelayOutlet, behind before: RelayOutlet?) {
        if let before { before.queuedNext = outlet.queuedNext } else { first = outlet.queuedNext }
        if outlet.queuedNext == nil { last = before }
        outlet.queuedNext = nil
        outlet.isQueued = false
        count -= 1
    }
}
