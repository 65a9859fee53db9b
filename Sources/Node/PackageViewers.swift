/// The places that HLS viewers take of the node's room. They come and go by single requests, so a place is held for each
/// that is known to be alive, and given back when it has been silent for long enough.
import Admission
import EventLoop
import Fanout
import HLS
import Packaging

/// Those who are told apart by their requests for one stream.
protocol Audience: AnyObject, Sendable {
    func meet(_ token: ViewerToken) -> ViewerSessions.Answer
    func showOut(_ token: ViewerToken)
    /// Who is alive.
    var viewers: Int { get }
}

extension Shelf: Audience {}

final class PackageViewers: Sendable {
    private struct Held {
        let audience: any Audience
        var claims: [Claim] = []
    }

    private let held = Lock<[ObjectIdentifier: Held]>([:])
    /// When the next round is due: every loop would make one, and one is enough.
    private let nextTidy = Lock<UInt64>(0)

    /// Milliseconds between two rounds.
    private static let interval: UInt64 = 900

    /// A viewer asks for something of a stream: nil if it may, else why not.
    func meet(
        _ token: ViewerToken, _ name: StreamName, _ audience: any Audience, _ gate: Gate, on loop: Loop
    ) -> Turned? {
        switch audience.meet(token) {
        case .known: return nil
        case .full:
            return Turned(
                short: .streamViewers(limit: PackageSettings.mostViewers), retrySeconds: PackageViewers.retrySeconds)
        case .new: break
        }
        switch gate.enter(.viewer, name, on: loop) {
        case .success(let claim):
            held.with { $0[ObjectIdentifier(audience), default: Held(audience: audience)].claims.append(claim) }
            return nil
        case .failure(let turned):
            audience.showOut(token)
            return turned
        }
    }

    private static let retrySeconds = 10

    /// Gives back what silent viewers held. To be called about once a second, by any loop; `now` is in milliseconds.
    func tidy(_ gate: Gate, now: UInt64) {
        let isDue = nextTidy.with { next in
            guard now >= next else { return false }
            next = now + PackageViewers.interval
            return true
        }
        guard isDue else { return }
        let surplus = held.with { held -> [Claim] in
            guard !held.isEmpty else { return [] }
            var surplus: [Claim] = []
            for (id, entry) in held {
                let alive = entry.audience.viewers
                guard alive < entry.claims.count else { continue }
                surplus += entry.claims[alive...]
                held[id]?.claims.removeSubrange(alive...)
                if alive == 0 { held[id] = nil }
            }
            return surplus
        }
        for claim in surplus { gate.leave(claim) }
    }
}
