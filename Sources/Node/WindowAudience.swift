/// Who rewinds in a stream that is not packaged here at present: its viewers are told apart like those of a shelf.
import EventLoop
import HLS
import Packaging

final class WindowAudience: Audience, Sendable {
    private let state = Lock((sessions: ViewerSessions(limit: PackageSettings.mostViewers), target: 0))

    private var now: Int64 { Int64(Clock.monotonicNanoseconds / 1_000_000) }

    func meet(_ token: ViewerToken) -> ViewerSessions.Answer {
        let now = now
        return state.with { state in
            state.sessions.expiry = ViewerSessions.expiry(target: state.target)
            return state.sessions.request(token, now: now)
        }
    }

    func showOut(_ token: ViewerToken) { state.with { $0.sessions.remove(token) } }

    var viewers: Int {
        let now = now
        return state.with { $0.sessions.count(now: now) }
    }

    /// How long its segments are, in seconds.
    func learn(target: Int) { state.with { $0.target = target } }
}
