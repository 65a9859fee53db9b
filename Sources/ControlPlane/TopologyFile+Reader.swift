/// Walks a topology file from its top: the lists, and each item of them as `Fields`. What an item means stands
/// in `TopologyFile+Items.swift`; here also is how `Topology`'s own judgement finds its line.
///
/// An item with a mistake goes on with a stand-in for the wrong value, so that `Topology` still finds what else is
/// wrong with it and nothing that only follows from the mistake; the file is refused in any case.
import Configuration
import Dispatch

extension TopologyFile {
    struct Reader {
        var problems: Problems
        var idcs: [Topology.IDC] = []
        var nodes: [Topology.Node] = []
        var links: [Topology.Link] = []
        var classes: [Topology.LinkClass] = []
        var quotas: [QuotaScope: Quota] = [:]
        /// Whether all ids of IDCs, and all regions, are known; while one is not, who names it cannot be corrected.
        var knowsAllIDCs = true
        var knowsAllRegions = true
        /// While one is not, a pair of IDCs may only seem to need a class.
        var knowsAllLinks = true
        /// Where ids, links and addresses were given first.
        var idcLines: [String: Int] = [:]
        var nodeLines: [String: Int] = [:]
        var linkLines: [LinkEnds: Int] = [:]
        var classLines: [String: Int] = [:]
        var quotaLines: [QuotaScope: Int] = [:]
        var addressOwners: [Remote: (key: String, line: Int)] = [:]
        /// The items by the words with which `TopologyError` names them.
        var items: [String: Fields] = [:]
        /// Whether the lists are such that a topology can be tried.
        private var isWhole = false

        init(file: String) { problems = Problems(file: file) }

        mutating func read(yaml: [UInt8]) {
            guard yaml.count <= TopologyFile.sizeLimit else {
                return problems.refuse(
                    line: nil, nil, "longer than \(TopologyFile.sizeLimit >> 20) MiB",
                    "give a topology file, such as \(TopologyFile.example)")
            }
            let document: Document?
            do {
                document = try Document.read(
                    yaml, valueLimit: TopologyFile.valueLimit, example: TopologyFile.example)
            } catch {
                return problems.refuse(line: error.line, nil, error.fault, error.advice)
            }
            switch document {
            case .map(let entries, let line): read(entries, line: line)
            case nil, .scalar("", _):
                problems.refuse(line: nil, nil, "empty", "list idcs and nodes in it, as \(TopologyFile.example) does")
            case .scalar(_, let line), .list(_, let line):
                problems.refuse(
                    line: line, nil, "not a map of keys", "list idcs and nodes in it, as \(TopologyFile.example) does")
            }
        }

        private mutating func read(_ entries: [Document.Entry], line: Int) {
            let top = Fields(
                entries, path: "", line: line, known: ["idcs", "nodes", "links", "classes", "quotas"], &problems)
            // What others refer to comes first, wherever it stands in the file.
            let idcs = list("idcs", of: top, limit: Topology.idcLimit, isNeeded: true)
            let nodes = list("nodes", of: top, limit: Topology.nodeLimit, isNeeded: true)
            let links = list("links", of: top)
            let classes = list("classes", of: top, limit: TopologyFile.classLimit)
            let quotas = list("quotas", of: top, limit: Dispatcher.quotaLimit)
            guard let idcs, let nodes, let links, let classes, let quotas else { return }
            isWhole = true
            for (index, item) in idcs.enumerated() { readIDC(item, "idcs[\(index)]") }
            for (index, item) in nodes.enumerated() { readNode(item, "nodes[\(index)]") }
            for (index, item) in links.enumerated() { readLink(item, "links[\(index)]") }
            for (index, item) in classes.enumerated() { readClass(item, "classes[\(index)]") }
            for (index, item) in quotas.enumerated() { readQuota(item, "quotas[\(index)]") }
        }

        /// The items of one of the lists; nil where the list is no use at all, which is then reported.
        private mutating func list(
            _ name: String, of top: Fields, limit: Int = .max, isNeeded: Bool = false
        ) -> [Document]? {
            let entry = top[name]
            switch entry?.value {
            case .list(let items, _) where items.count > limit:
                problems.refuse(
                    line: entry?.line, name, "lists \(items.count), more than the \(limit) that one dispatcher handles",
                    ["classes", "quotas"].contains(name) ? "join some of them" : "split the network")
                return nil
            case .list(let items, _) where !items.isEmpty || !isNeeded: return items
            case .map(_, let line):
                problems.refuse(line: line, name, "is a list, not a map", "begin each of its items with \"- \"")
                return nil
            case .scalar(let text, let line) where !text.isEmpty:
                problems.refuse(line: line, name, "is a list, not a value", "begin each of its items with \"- \"")
                return nil
            case nil, .list, .scalar:
                // A list whose items are all commented out is an empty one.
                guard isNeeded else { return [] }
                problems.refuse(
                    line: entry?.line, name, entry == nil ? "is missing" : "lists nothing",
                    "list at least one, as \(TopologyFile.example) does")
                return nil
            }
        }

        /// The map that an item is; nil when it is none.
        mutating func fields(_ item: Document, _ path: String, known: [String]) -> Fields? {
            guard case .map(let entries, let line) = item else {
                problems.refuse(
                    line: item.line, path, "is not a map of keys",
                    "write {\(known[0]): …, \(known[1]): …}")
                return nil
            }
            return Fields(entries, path: path, line: line, known: known, &problems)
        }

        // MARK: The whole

        /// The topology of what was read, when `Topology` accepts it.
        mutating func topology() -> Topology? {
            // Where all items of a list were dropped for their mistakes, `Topology` could say nothing but that.
            guard isWhole, !idcs.isEmpty, !nodes.isEmpty else { return nil }
            do {
                return try Topology(idcs: idcs, nodes: nodes, links: links, classes: classes, quotas: quotas)
            } catch {
                for problem in error.problems { refuse(problem) }
                return nil
            }
        }

        /// Gives `Topology`'s problem the place of the value that it means.
        private mutating func refuse(_ problem: TopologyError.Problem) {
            switch problem {
            case .outOfRange(let item, let field, let value, let allowed):
                guard let place = place(item, field) else { break }
                let shown = place.text.map(quoted) ?? "\(value)"
                return problems.refuse(
                    line: place.line, place.key, "\(shown) is out of range", "it must be \(allowed)")
            case .softAboveHard(let item, let field, _, _):
                guard let place = place(item, field) else { break }
                return problems.refuse(
                    line: place.line, place.key, "the soft mark is above the hard one", "lower the soft mark")
            case .noCoordinates where !knowsAllLinks: return
            case .noCoordinates(let idc, let linkClass):
                guard let fields = items["IDC \"\(idc)\""] else { break }
                return problems.refuse(
                    line: fields.line, fields.path,
                    "has no coordinates, and class \(linkClass) derives round trips from them",
                    "add its latitude and longitude, or list its links")
            default: break
            }
            let words = problem.description
            let end = words.lastIndex(of: ";")
            problems.refuse(
                line: nil, nil, String(words[..<(end ?? words.endIndex)]),
                end.map { String(words[words.index(after: $0)...].drop { $0 == " " }) } ?? "correct it")
        }

        /// Names of `TopologyError` for values that the file has under another.
        private static let keys = [
            "price per Mbit/s": "price_per_mbit", "price per GB": "price_per_gb", "factor": "rtt", "base": "rtt",
        ]

        private func place(_ item: String, _ field: String) -> (key: String, line: Int, text: String?)? {
            guard let fields = items[item] else { return nil }
            let names = (Reader.keys[field] ?? field).split(separator: ".").map(String.init)
            let place = fields.place(of: names[...])
            // What a node may receive is, where it is left out, what it may send.
            if field == "capacity.in", place.key != fields.key(field) { return fields.place(of: ["capacity", "out"]) }
            return place
        }
    }

    struct LinkEnds: Hashable {
        let from: String
        let to: String
    }
}
