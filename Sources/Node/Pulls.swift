/// Which streams the node pulls or has just failed to find, for all loops: a stream is asked for once, however many
/// want it, and polling for one that does not exist costs nothing.
import EventLoop
import Fanout
import RelayProtocol

final class Pulls: Sendable {
    /// Told on its own loop that the stream could not be had, and why.
    struct Waiter: Sendable {
        let mailbox: Mailbox
        let absent: @Sendable (Loop, String) -> Void
    }

    enum Answer {
        /// The caller is to pull it.
        case start
        /// Somebody does already.
        case shared
        case absent(String)
    }

    /// The upstream that pulls a stream, for those who have something to tell it.
    struct Pull: Sendable {
        let mailbox: Mailbox
        let steer: @Sendable (Loop, [String]) -> Void
    }

    private struct Table {
        var pulls: [StreamName: Pull] = [:]
        /// Nodes that this one has asked for a stream that it does not have.
        var asked: [StreamName: Set<NodeID>] = [:]
        var active: [StreamName: [Waiter]] = [:]
        var absent: [StreamName: (reason: String, until: UInt64)] = [:]
    }

    private let table = Lock(Table())

    /// An unknown stream is not asked for again for so long, in milliseconds.
    private static let absence: UInt64 = 1_000
    /// Unknown streams remembered at once; the memory is short, and this bounds it.
    private static let maxAbsent = 10_000

    func want(_ name: StreamName, _ waiter: Waiter, now: UInt64) -> Answer {
        table.with { table in
            if table.active[name] != nil {
                table.active[name]!.append(waiter)
                return .shared
            }
            if let known = table.absent[name], now < known.until { return .absent(known.reason) }
            table.absent[name] = nil
            table.active[name] = [waiter]
            return .start
        }
    }

    /// The stream is here: nobody has to be told of its absence any more.
    func found(_ name: StreamName) {
        table.with { table in
            if table.active[name] != nil { table.active[name] = [] }
            table.asked[name] = nil
        }
    }

    func asks(_ name: StreamName, _ node: NodeID) {
        table.with { table in
            if table.active[name] != nil { table.asked[name, default: []].insert(node) }
        }
    }

    /// Whether this node waits for that one's answer: two that ask one another would wait for ever.
    func isAsking(_ name: StreamName, _ node: NodeID) -> Bool { table.with { $0.asked[name]?.contains(node) ?? false } }

    func pulling(_ name: StreamName, _ pull: Pull) { table.with { $0.pulls[name] = pull } }

    /// Tells who pulls the stream of better parents; false if nobody does.
    func steer(_ name: StreamName, _ parents: [String]) -> Bool {
        guard let pull = table.with({ $0.pulls[name] }) else { return false }
        pull.mailbox.post { loop in pull.steer(loop, parents) }
        return true
    }

    /// What was known of its absence no longer holds.
    func mayBeThere(_ name: StreamName) { table.with { $0.absent[name] = nil } }

    /// The pull has ended. Who still waits is told.
    func finished(_ name: StreamName, wasFound: Bool, _ reason: String, now: UInt64) {
        let waiters = table.with { table -> [Waiter] in
            table.pulls[name] = nil
            table.asked[name] = nil
            let waiters = table.active.removeValue(forKey: name) ?? []
            if !wasFound {
                if table.absent.count >= Pulls.maxAbsent { table.absent = table.absent.filter { now < $0.value.until } }
                if table.absent.count < Pulls.maxAbsent { table.absent[name] = (reason, now + Pulls.absence) }
            }
            return waiters
        }
        for waiter in waiters { waiter.mailbox.post { loop in waiter.absent(loop, reason) } }
    }
}
