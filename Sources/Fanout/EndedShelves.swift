/// Packaged media of streams that have ended: players still fetch the last segments.
import EventLoop
import Packaging

final class EndedShelves: Sendable {
    private let kept = Lock<[StreamName: Kept]>([:])
    /// In milliseconds.
    private let clock: @Sendable () -> UInt64

    private struct Kept {
        let shelf: Shelf
        let since: UInt64

        /// Who watches at the far end of the window comes to the stream's end that much later.
        func isWanted(at now: UInt64) -> Bool {
            let age = now - min(now, since)
            let (idle, window) = (UInt64(clamping: shelf.settings.idle), UInt64(clamping: shelf.settings.window))
            return age < idle || age < window && shelf.idle < idle
        }
    }

    init(clock: @escaping @Sendable () -> UInt64 = { Clock.monotonicNanoseconds / 1_000_000 }) { self.clock = clock }

    func keep(_ shelf: Shelf, of name: StreamName) {
        let now = clock()
        // What was there is given back outside the lock: it is much memory.
        _ = kept.with { $0.updateValue(Kept(shelf: shelf, since: now), forKey: name) }
    }

    var all: [Shelf] { kept.with { $0.values.map(\.shelf) } }

    func find(_ name: StreamName) -> Shelf? {
        let now = clock()
        return kept.with { $0[name] }.flatMap { $0.isWanted(at: now) ? $0.shelf : nil }
    }

    /// Lets go of what nobody wants any more; whether anything is left. To be called about once a second.
    func tidy() -> Bool {
        let now = clock()
        var unwanted: [Kept] = []
        return kept.with { kept in
            guard !kept.isEmpty else { return false }
            for (name, each) in kept where !each.isWanted(at: now) {
                unwanted.append(each)
                kept[name] = nil
            }
            return !kept.isEmpty
        }
    }
}
