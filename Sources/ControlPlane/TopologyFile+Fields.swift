/// One map of a topology file: its values by name, and where they stand.
///
/// Invariant: every name is among those that the map may have; any other was reported when the map was read.
import Configuration

extension TopologyFile {
    struct Fields {
        /// `nodes[3]`, `nodes[3].capacity`; empty for the file's own map.
        let path: String
        let line: Int
        private var entries: [String: Document.Entry] = [:]

        init(_ map: [Document.Entry], path: String, line: Int, known: [String], _ problems: inout Problems) {
            self.path = path
            self.line = line
            for entry in map {
                if let first = entries[entry.name] {
                    problems.refuse(
                        line: entry.line, key(entry.name), "given twice, first on line \(first.line)",
                        "delete one of them")
                } else if known.contains(entry.name) {
                    entries[entry.name] = entry
                } else {
                    problems.refuse(
                        line: entry.line, key(printable(entry.name)), "unknown key",
                        Spelling.nearest(to: entry.name, in: known).map { "did you mean \($0)?" }
                            ?? "the keys here are \(known.joined(separator: ", "))")
                }
            }
        }

        func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

        subscript(name: String) -> Document.Entry? { entries[name] }

        /// The value of a key; nil where it is left out, and where it is wrong, which is then reported.
        func value<Value>(_ name: String, _ kind: Kind<Value>, _ problems: inout Problems) -> Value? {
            guard let entry = entries[name] else { return nil }
            switch entry.value {
            case .scalar("", let line):
                problems.refuse(line: line, key(name), "has no value", "give it \(kind.expectation), or leave it out")
            case .scalar(let text, let line): return read(text, kind, key(name), line, &problems)
            case .list(_, let line):
                problems.refuse(line: line, key(name), "takes one value, not a list", "write \(kind.expectation)")
            case .map(_, let line):
                problems.refuse(
                    line: line, key(name), "takes a value, not keys of its own", "write \(kind.expectation)")
            }
            return nil
        }

        /// The value of a key that must be there.
        func needed<Value>(_ name: String, _ kind: Kind<Value>, _ problems: inout Problems) -> Value? {
            if entries[name] == nil { missing(name, kind.expectation, &problems) }
            return value(name, kind, &problems)
        }

        func missing(_ name: String, _ expectation: String, _ problems: inout Problems) {
            problems.refuse(line: line, key(name), "is missing", "give it \(expectation)")
        }

        /// The values of a key that takes one or a list of them, each with its line; nil where it is left out.
        func list<Value>(
            _ name: String, _ kind: Kind<Value>, _ problems: inout Problems
        ) -> [(value: Value, line: Int)]? {
            guard let entry = entries[name] else { return nil }
            guard case .list(let items, let line) = entry.value else {
                return value(name, kind, &problems).map { [($0, entry.line)] }
            }
            if items.isEmpty { problems.refuse(line: line, key(name), "lists nothing", "list \(kind.expectation)") }
            var found: [(Value, Int)] = []
            for (index, item) in items.enumerated() {
                let key = "\(key(name))[\(index)]"
                guard case .scalar(let text, let line) = item else {
                    problems.refuse(line: item.line, key, "is not a value", "write \(kind.expectation)")
                    continue
                }
                if let value = read(text, kind, key, line, &problems) { found.append((value, line)) }
            }
            return found
        }

        private func read<Value>(
            _ text: String, _ kind: Kind<Value>, _ key: String, _ line: Int, _ problems: inout Problems
        ) -> Value? {
            do {
                return try kind.read(text)
            } catch {
                problems.refuse(line: line, key, error.fault, error.advice)
                return nil
            }
        }

        /// Where the value of a key stands, which may be a key of a map inside this one, and its text when it has one.
        func place(of names: ArraySlice<String>) -> (key: String, line: Int, text: String?) {
            guard let first = names.first, let entry = entries[first] else { return (path, line, nil) }
            var found = (key: key(first), value: entry.value)
            for name in names.dropFirst() {
                guard case .map(let inner, _) = found.value, let next = inner.first(where: { $0.name == name })
                else { break }
                found = ("\(found.key).\(name)", next.value)
            }
            guard case .scalar(let text, let line) = found.value else { return (found.key, found.value.line, nil) }
            return (found.key, line, text)
        }
    }
}
