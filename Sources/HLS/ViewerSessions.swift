/// The viewers of a stream that are alive: those whose last request is not long ago. Bounded in number; a request costs
/// the same however many there are.
///
/// Viewers are chained from the longest silent to the newest heard, so those that expire are at the front. Every slot
/// is in the chain or free. Times are milliseconds of a clock that only rises; one that goes back counts as standing
/// still.
public struct ViewerSessions: Sendable {
    public enum Answer: Hashable, Sendable {
        case known
        /// Counted from now on.
        case new
        /// As many viewers as there may be: answer with 503.
        case full
    }

    /// How long a silent viewer counts, in milliseconds, before the target duration says more.
    public static let shortestExpiry: Int64 = 10_000

    /// Milliseconds after its last request that a viewer counts; see ``expiry(target:)``.
    public var expiry: Int64 = shortestExpiry
    /// Viewers at most.
    public let limit: Int

    private struct Slot {
        var token: ViewerToken
        var heard: Int64
        var before: Int32
        var after: Int32
    }

    private var slots: [Slot] = []
    private var free: [Int32] = []
    private var places: [ViewerToken: Int32] = [:]
    private var oldest: Int32 = none
    private var newest: Int32 = none
    private static let none: Int32 = -1

    public init(limit: Int) { self.limit = min(max(0, limit), Int(Int32.max)) }

    /// Three target durations, in seconds, but never less than ``shortestExpiry``: a player that waits for one segment
    /// is silent for as long.
    public static func expiry(target: Int) -> Int64 { max(shortestExpiry, Int64(max(0, target)) * 3_000) }

    /// A viewer asks for something. A token that is not known is a viewer that comes from another node, or comes back.
    public mutating func request(_ token: ViewerToken, now: Int64) -> Answer {
        expire(now: now)
        if let place = places[token] {
            unlink(place)
            append(place, now: now)
            return .known
        }
        guard places.count < limit else { return .full }
        let slot = Slot(token: token, heard: now, before: Self.none, after: Self.none)
        let place: Int32
        if let reused = free.popLast() {
            place = reused
            slots[Int(place)] = slot
        } else {
            place = Int32(slots.count)
            slots.append(slot)
        }
        places[token] = place
        append(place, now: now)
        return .new
    }

    /// Viewers that are alive.
    public mutating func count(now: Int64) -> Int {
        expire(now: now)
        return places.count
    }

    /// A viewer that is shown out.
    public mutating func remove(_ token: ViewerToken) {
        if let place = places[token] { release(place) }
    }

    private mutating func expire(now: Int64) {
        while oldest != Self.none {
            let heard = slots[Int(oldest)].heard
            let (silent, isOverflow) = now.subtractingReportingOverflow(heard)
            guard isOverflow ? now > heard : silent >= expiry else { return }
            release(oldest)
        }
    }

    private mutating func release(_ place: Int32) {
        places[slots[Int(place)].token] = nil
        unlink(place)
        free.append(place)
    }

    private mutating func unlink(_ place: Int32) {
        let (before, after) = (slots[Int(place)].before, slots[Int(place)].after)
        if before == Self.none { oldest = after } else { slots[Int(before)].after = after }
        if after == Self.none { newest = before } else { slots[Int(after)].before = before }
    }

    private mutating func append(_ place: Int32, now: Int64) {
        let heard = newest == Self.none ? now : max(now, slots[Int(newest)].heard)
        slots[Int(place)].heard = heard
        slots[Int(place)].before = newest
        slots[Int(place)].after = Self.none
        if newest == Self.none { oldest = place } else { slots[Int(newest)].after = place }
        newest = place
    }
}
