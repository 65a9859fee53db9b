/// How much one address may ask of the node: sessions at once, and publish attempts in a second.
///
/// Off by default (0). Memory is bounded by the sessions there are and by the addresses of the present second.
import EventLoop

final class AddressLimits: Sendable {
    private let maxSessions: Int
    private let maxPublishes: Int
    private let table = Lock(Table())

    private struct Table {
        var sessions: [String: Int] = [:]
        var publishes: [String: Int] = [:]
        var second: UInt64 = 0
    }

    init(sessions: Int, publishes: Int) {
        maxSessions = sessions
        maxPublishes = publishes
    }

    func enter(_ host: String) -> Bool {
        guard maxSessions > 0 else { return true }
        return table.with { table in
            guard table.sessions[host, default: 0] < maxSessions else { return false }
            table.sessions[host, default: 0] += 1
            return true
        }
    }

    func leave(_ host: String) {
        guard maxSessions > 0 else { return }
        table.with { table in
            table.sessions[host, default: 1] -= 1
            if table.sessions[host] == 0 { table.sessions[host] = nil }
        }
    }

    /// Whether `host` may try to publish in this second.
    func mayPublish(_ host: String, nowMilliseconds now: UInt64) -> Bool {
        guard maxPublishes > 0 else { return true }
        return table.with { table in
            if table.second != now / 1000 {
                table.second = now / 1000
                table.publishes = [:]
            }
            table.publishes[host, default: 0] += 1
            return table.publishes[host]! <= maxPublishes
        }
    }
}
