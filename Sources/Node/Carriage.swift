/// What the node carries, for the dispatcher: who publishes here, and what comes from which node. Written to by all
/// loops when somebody comes or goes, read by the one that holds the connection to the dispatcher.
import EventLoop
import Fanout
import RTMP
import RelayProtocol

final class Carriage: Sendable {
    struct Entry: Sendable, Equatable {
        var epoch: UInt64
        var role: Carried.Role
        /// The publish session that made it: another's end is not this one's.
        var session: String
        /// Of a publisher here: what tells it from a stranger.
        var identity = ""
        /// Of a publisher here: the nodes that it says the stream has come through.
        var via = Via()
    }

    private let entries = Lock<[StreamName: Entry]>([:])
    /// Called, on any loop, after a change. Set once, before the loops run.
    private let changed = Lock<(@Sendable () -> Void)?>(nil)

    func onChange(_ action: @escaping @Sendable () -> Void) { changed.with { $0 = action } }

    func set(_ name: StreamName, _ entry: Entry) {
        entries.with { $0[name] = entry }
        changed.with { $0 }?()
    }

    func raise(_ name: StreamName, session: String, to epoch: UInt64) {
        let raised = entries.with { entries in
            guard entries[name]?.session == session else { return false }
            entries[name]?.epoch = epoch
            return true
        }
        if raised { changed.with { $0 }?() }
    }

    func remove(_ name: StreamName, session: String) {
        let removed = entries.with { entries in
            guard entries[name]?.session == session else { return false }
            entries[name] = nil
            return true
        }
        if removed { changed.with { $0 }?() }
    }

    /// Of the publisher here; 0 where there is none.
    func priority(of name: StreamName) -> UInt16 {
        if case .publisher(let priority) = entries.with({ $0[name]?.role }) { return priority }
        return 0
    }

    /// Whether somebody publishes the stream at this very node.
    func isPublished(_ name: StreamName) -> Bool {
        if case .publisher = entries.with({ $0[name]?.role }) { true } else { false }
    }

    /// Whose the stream is that is published here; nil where nobody publishes it.
    func publisher(of name: StreamName) -> String? {
        entries.with { entries in
            guard let entry = entries[name], case .publisher = entry.role else { return nil }
            return entry.identity
        }
    }

    /// The nodes that a stream has come through by being published from one to the next.
    func via(of name: StreamName) -> Via { entries.with { $0[name]?.via ?? Via() } }

    var all: [StreamName: Entry] { entries.with { $0 } }
}
