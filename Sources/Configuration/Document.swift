/// A YAML document as the configuration needs it: scalars, lists and maps, each with the line it began on.
/// Read with libyaml; this is the only file that knows it.
///
/// Aliases are refused, so that a document cannot grow when it is read; nesting and the number of values are limited.
import CYAML

package indirect enum Document: Equatable {
    case scalar(String, line: Int)
    case list([Document], line: Int)
    case map([Entry], line: Int)

    package struct Entry: Equatable {
        package let name: String
        package let line: Int
        package let value: Document
    }

    package struct Fault: Error {
        package let line: Int
        package let fault: String
        package let advice: String
    }

    /// Maps and lists inside one another. The settings need 3, a topology 5.
    static let depthLimit = 16
    /// Values and names in a document, where the caller expects no more. The settings have fewer than 100.
    package static let valueLimit = 4_096

    package var line: Int {
        switch self {
        case .scalar(_, let line), .list(_, let line), .map(_, let line): line
        }
    }

    /// The one document of `yaml`; nil when there is none, as in a file of comments. `example` is the file whose form
    /// a document that passes the limits is told to keep to.
    package static func read(
        _ yaml: [UInt8], valueLimit: Int = Document.valueLimit, example: String = "conf/sluice.yaml"
    ) throws(Fault) -> Document? {
        var reader = Reader(yaml, valueLimit: valueLimit, example: example)
        return try reader.document()
    }
}

/// Walks libyaml's events.
///
/// Safety: the parser lives at a fixed address from `init` to `deinit` and reads `input`, which the reader keeps at a
/// fixed address for as long. An event is copied out and deleted before the next one is asked for.
private struct Reader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    private let valueLimit: Int
    private let example: String
    private var values = 0

    init(_ yaml: [UInt8], valueLimit: Int, example: String) {
        self.valueLimit = valueLimit
        self.example = example
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: max(yaml.count, 1))
        _ = input.initialize(fromContentsOf: yaml)
        precondition(yaml_parser_initialize(parser) == 1, "out of memory")
        yaml_parser_set_input_string(parser, input.baseAddress, yaml.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    private enum Event {
        case streamStart, documentStart, documentEnd, end
        case scalar(String)
        case listStart, listEnd, mapStart, mapEnd
        case alias
    }

    mutating func document() throws(Document.Fault) -> Document? {
        var found: Document?
        while true {
            let (event, line) = try next()
            switch event {
            case .end: return found
            case .documentStart where found != nil:
                throw Document.Fault(line: line, fault: "a second document begins", advice: "delete the \"---\" line")
            case .streamStart, .documentStart, .documentEnd: continue
            default: found = try value(event, line, depth: 0)
            }
        }
    }

    private mutating func value(_ event: Event, _ line: Int, depth: Int) throws(Document.Fault) -> Document {
        values += 1
        guard values <= valueLimit, depth < Document.depthLimit else {
            throw Document.Fault(
                line: line, fault: "too many values, or too deep", advice: "keep to the form of \(example)")
        }
        switch event {
        case .scalar(let text): return .scalar(text, line: line)
        case .listStart: return .list(try list(depth: depth + 1), line: line)
        case .mapStart: return .map(try map(depth: depth + 1), line: line)
        case .alias:
            throw Document.Fault(line: line, fault: "an alias (*name)", advice: "write the value itself")
        case .streamStart, .documentStart, .documentEnd, .end, .listEnd, .mapEnd:
            preconditionFailure("libyaml promises a value here")
        }
    }

    private mutating func list(depth: Int) throws(Document.Fault) -> [Document] {
        var items: [Document] = []
        while true {
            let (event, line) = try next()
            if case .listEnd = event { return items }
            items.append(try value(event, line, depth: depth))
        }
    }

    private mutating func map(depth: Int) throws(Document.Fault) -> [Document.Entry] {
        var entries: [Document.Entry] = []
        while true {
            let (event, line) = try next()
            if case .mapEnd = event { return entries }
            guard case .scalar(let name, _) = try value(event, line, depth: depth) else {
                throw Document.Fault(line: line, fault: "a key that is no plain word", advice: "write \"key: value\"")
            }
            let (valueEvent, valueLine) = try next()
            let value = try value(valueEvent, valueLine, depth: depth)
            entries.append(Document.Entry(name: name, line: line, value: value))
        }
    }

    private mutating func next() throws(Document.Fault) -> (Event, line: Int) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
        defer { yaml_event_delete(&event) }
        let line = Int(event.start_mark.line) + 1
        switch event.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, line)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, line)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, line)
        case YAML_SEQUENCE_START_EVENT: return (.listStart, line)
        case YAML_SEQUENCE_END_EVENT: return (.listEnd, line)
        case YAML_MAPPING_START_EVENT: return (.mapStart, line)
        case YAML_MAPPING_END_EVENT: return (.mapEnd, line)
        case YAML_ALIAS_EVENT: return (.alias, line)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return (.scalar(String(decoding: bytes, as: UTF8.self)), line)
        default: return (.end, line)
        }
    }

    /// The parser's complaint, in the operator's terms.
    private func fault() -> Document.Fault {
        let state = parser.pointee
        let words = state.problem.map { String(cString: $0) } ?? "not readable"
        if state.error == YAML_READER_ERROR {
            let before = input.prefix(max(0, min(state.problem_offset, input.count)))
            return Document.Fault(
                line: before.count { $0 == UInt8(ascii: "\n") } + 1, fault: "not UTF-8 text (\(words))",
                advice: "save the file as UTF-8")
        }
        let tab = words.contains("cannot start any token")
        return Document.Fault(
            line: Int(state.problem_mark.line) + 1, fault: "not YAML (\(words))",
            advice: tab
                ? "indent with spaces, not tabs, and put quotes around values with special characters"
                : "check the indentation and quotes of this line and the one above")
    }
}
