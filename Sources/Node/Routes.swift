/// Routes that a dispatcher has given, kept for the time when none answers: in memory, and in a file for the next start.
///
/// One line a stream in the file: name and parents, separated by tabs, which no name can hold.
import EventLoop
import Fanout

final class Routes: Sendable {
    private struct Table {
        var parents: [StreamName: [String]] = [:]
        /// Parents of any stream, the one named last at the end.
        var recent: [String] = []
        var isDirty = false
    }

    private let table = Lock(Table())
    private let file: String?

    private static let maxStreams = 20_000
    private static let maxRecent = 16
    private static let fileLimit = 16 << 20

    init(file: String?) {
        self.file = file
        guard let file, let bytes = EventLoop.Process.read(file, atMost: Routes.fileLimit) else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "\t").map(String.init)
            guard parts.count > 2, let name = StreamName(app: parts[0], name: parts[1]) else { continue }
            keep(name, Array(parts[2...]))
        }
        table.with { $0.isDirty = false }
    }

    func keep(_ name: StreamName, _ parents: [String]) {
        table.with { table in
            for parent in parents.reversed() {
                table.recent.removeAll { $0 == parent }
                table.recent.append(parent)
            }
            if table.recent.count > Routes.maxRecent { table.recent.removeFirst(table.recent.count - Routes.maxRecent) }
            guard table.parents[name] != parents else { return }
            guard table.parents[name] != nil || table.parents.count < Routes.maxStreams else { return }
            table.parents[name] = parents
            table.isDirty = true
        }
    }

    func forget(_ name: StreamName) {
        table.with { table in
            if table.parents.removeValue(forKey: name) != nil { table.isDirty = true }
        }
    }

    /// Whom to ask without a dispatcher: the stream's own parents, then those that others came from.
    func parents(of name: StreamName) -> [String] {
        table.with { table in
            let own = table.parents[name] ?? []
            return own + table.recent.reversed().filter { !own.contains($0) }
        }
    }

    /// Writes the file if there is something new. A torn file cannot come about: it is written beside, and renamed.
    func save() {
        guard let file else { return }
        let lines = table.with { table -> [String]? in
            guard table.isDirty else { return nil }
            table.isDirty = false
            return table.parents.map { ([$0.key.app, $0.key.name] + $0.value).joined(separator: "\t") }.sorted()
        }
        guard let lines else { return }
        EventLoop.Process.replace(file, with: Array((lines.joined(separator: "\n") + "\n").utf8))
    }
}
