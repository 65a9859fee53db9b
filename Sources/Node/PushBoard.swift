/// Which streams are pushed where, for all loops of the node: one push for each stream and destination, and where it
/// lives. Asked when somebody publishes or orders, never per frame.
import Configuration
import EventLoop
import Fanout

final class PushBoard: Sendable {
    struct Entry: Sendable {
        let id: String
        let address: PushAddress
        /// From the settings; else from the API.
        let isConfigured: Bool
        /// Index of the loop that it lives on.
        let loop: Int
    }

    enum Refusal: Error, CustomStringConvertible {
        case there(id: String)
        case tooMany(String)

        var description: String {
            switch self {
            case .there(let id): "the stream is pushed there already, by \(id)"
            case .tooMany(let limit): "there are as many pushes as \(limit) may have; delete one first"
            }
        }
    }

    private struct Table {
        var entries: [StreamName: [Entry]] = [:]
        var count = 0
        var next = 1
    }

    private let table = Lock(Table())

    /// Destinations of one stream, and of all streams of a node.
    private static let maxPerStream = 32
    private static let maxInAll = 10_000

    func add(
        _ name: StreamName, _ address: PushAddress, isConfigured: Bool, loop: Int
    ) -> Result<Entry, Refusal> {
        table.with { table in
            let present = table.entries[name] ?? []
            if let other = present.first(where: { $0.address.place == address.place }) {
                return .failure(.there(id: other.id))
            }
            guard present.count < PushBoard.maxPerStream else { return .failure(.tooMany("a stream")) }
            guard table.count < PushBoard.maxInAll else { return .failure(.tooMany("a node")) }
            let entry = Entry(id: "p\(table.next)", address: address, isConfigured: isConfigured, loop: loop)
            table.next += 1
            table.count += 1
            table.entries[name, default: []].append(entry)
            return .success(entry)
        }
    }

    func find(_ name: StreamName, id: String) -> Entry? {
        table.with { $0.entries[name]?.first { $0.id == id } }
    }

    func remove(_ name: StreamName, id: String) {
        table.with { table in
            guard let index = table.entries[name]?.firstIndex(where: { $0.id == id }) else { return }
            table.entries[name]!.remove(at: index)
            if table.entries[name]!.isEmpty { table.entries[name] = nil }
            table.count -= 1
        }
    }
}
