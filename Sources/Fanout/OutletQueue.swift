/// Data plane. The outlets of one trunk that have something to write, in the order of their service classes, highest
/// first, and within a class in the order of their coming.
///
/// It runs through the outlets themselves: coming and going allocates, counts and moves nothing, which an array does for
/// each frame. Invariant: an outlet is on one queue at most, and once (`isQueued`); its trunk takes it off before it goes
/// (`RelayTrunk.forget`), which makes the uncounted references sound.
struct OutletQueue {
    typealias Place = Unmanaged<RelayOutlet>

    private var first: Place?
    private var last: Place?
    private(set) var count = 0

    var isEmpty: Bool { first == nil }

    /// Behind the others of its class.
    mutating func append(_ outlet: RelayOutlet) {
        guard let last, last._withUnsafeGuaranteedRef({ $0.serviceClass < outlet.serviceClass }) else {
            return insert(outlet, behind: last)
        }
        insert(outlet) { $0.serviceClass < outlet.serviceClass }
    }

    /// Before the others of its class: its turn had come.
    mutating func putBack(_ outlet: RelayOutlet) { insert(outlet) { $0.serviceClass <= outlet.serviceClass } }

    mutating func popFirst() -> Place? {
        guard let first else { return nil }
        first._withUnsafeGuaranteedRef { remove($0, behind: nil) }
        return first
    }

    mutating func remove(_ outlet: RelayOutlet) {
        guard outlet.isQueued else { return }
        remove(outlet, behind: place(before: { $0 === outlet }))
    }

    /// Before the first outlet of which that is true.
    private mutating func insert(_ outlet: RelayOutlet, before isLater: (RelayOutlet) -> Bool) {
        insert(outlet, behind: place(before: isLater))
    }

    /// The last of those in front of the first of which that is true; nil where that is the first of all.
    private func place(before isWanted: (RelayOutlet) -> Bool) -> Place? {
        var before: Place?
        while let next = next(behind: before), !next._withUnsafeGuaranteedRef(isWanted) { before = next }
        return before
    }

    private func next(behind before: Place?) -> Place? {
        guard let before else { return first }
        return before._withUnsafeGuaranteedRef { $0.queuedNext }
    }

    private mutating func insert(_ outlet: RelayOutlet, behind before: Place?) {
        let next = next(behind: before)
        outlet.isQueued = true
        outlet.queuedNext = next
        link(before, to: Unmanaged.passUnretained(outlet))
        if next == nil { last = Unmanaged.passUnretained(outlet) }
        count += 1
    }

    private mutating func remove(_ outlet: RelayOutlet, behind before: Place?) {
        link(before, to: outlet.queuedNext)
        if outlet.queuedNext == nil { last = before }
        outlet.queuedNext = nil
        outlet.isQueued = false
        count -= 1
    }

    private mutating func link(_ before: Place?, to next: Place?) {
        if let before { before._withUnsafeGuaranteedRef { $0.queuedNext = next } } else { first = next }
    }
}
