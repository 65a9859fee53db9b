/// How recorded files are called: a path below the recording folder, with places for what differs.
///
/// Checked once, when the configuration is read; afterwards every set of values gives a path that stays below its
/// folder. Invariants: parts are relative, at least one, none empty, none `.` or `..`; the last ends with `.{ext}`.
public struct FilePattern: Sendable, Equatable {
    /// What stands in braces.
    public enum Field: String, CaseIterable, Sendable {
        case app, stream
        case year, month, day, hour, minute, second, millisecond
        /// Of the recording's file, counted from 1, with at least four digits.
        case number
        /// The publish session's number, in hexadecimal.
        case epoch
        /// Seconds of Unix time.
        case unix
        /// Of the format: `mp4`, `flv` or `ts`.
        case ext

        /// Whether it is the same for every file of a stream.
        var isOfStream: Bool { self == .app || self == .stream }
    }

    enum Part: Sendable, Equatable {
        case text(String)
        case field(Field)
    }

    public struct Values: Sendable {
        public var app: String
        public var stream: String
        /// When the file starts, in microseconds of Unix time.
        public var start: Int64
        public var number: Int
        public var epoch: UInt64
        public var format: RecordingFormat

        public init(app: String, stream: String, start: Int64, number: Int, epoch: UInt64, format: RecordingFormat) {
            self.app = app
            self.stream = stream
            self.start = start
            self.number = number
            self.epoch = epoch
            self.format = format
        }
    }

    public static let standard = FilePattern(
        trusted: "{app}/{stream}/{year}-{month}-{day}/{hour}{minute}{second}-{number}.{ext}")

    /// Bytes of a pattern: ten times what anybody writes.
    static let maxBytes = 512
    /// Folders and the file, one below the other.
    static let maxComponents = 16
    /// Bytes of a component: file systems take 255, and a suffix and the mark of an unfinished file need room.
    static let maxComponentBytes = 200

    /// As it was written.
    public let text: String
    let components: [[Part]]

    public init(_ text: String) throws(FilePatternError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= FilePattern.maxBytes else { throw .tooLong(bytes: text.utf8.count) }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else { throw .controlCharacter }
        guard !text.hasPrefix("/") else { throw .absolute(text) }
        var components: [[Part]] = []
        for component in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard !component.isEmpty else { throw .emptyComponent(text) }
            guard component != ".", component != ".." else { throw .traversal(text) }
            guard !component.hasPrefix(".") else { throw .hidden(String(component)) }
            components.append(try FilePattern.parts(of: component))
        }
        guard components.count <= FilePattern.maxComponents else { throw .tooDeep(components.count) }
        guard let file = components.last, file.count > 1, file[file.count - 1] == .field(.ext),
            case .text(let dot) = file[file.count - 2], dot.hasSuffix(".")
        else { throw FilePattern.withoutExtension(text) }
        guard components.contains(where: { $0.contains(.field(.stream)) }) else { throw .noStream(text) }
        self.text = text
        self.components = components
    }

    /// A name that ends like a format's files would be wrong for files of the others.
    private static func withoutExtension(_ text: String) -> FilePatternError {
        let format = RecordingFormat.allCases.first { text.hasSuffix(".\($0.fileExtension)") }
        return format.map { .fixedExtension(text, $0) } ?? .noExtension(text)
    }

    /// Whether the files of one publish session have names of their own. Those that have not get a number behind their
    /// name, and there are not many of these.
    public var tellsFilesApart: Bool {
        components.joined().contains { part in
            guard case .field(let field) = part else { return false }
            return !field.isOfStream && field != .epoch && field != .ext
        }
    }

    private init(trusted text: String) {
        guard let pattern = try? FilePattern(text) else { preconditionFailure("a pattern of our own is wrong") }
        self = pattern
    }

    private static func parts(of component: Substring) throws(FilePatternError) -> [Part] {
        var parts: [Part] = []
        var rest = component
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[brace] == "{" else { throw .strayBrace(String(component)) }
            if brace > rest.startIndex { parts.append(.text(String(rest[..<brace]))) }
            guard let close = rest[brace...].firstIndex(of: "}") else { throw .strayBrace(String(component)) }
            let name = String(rest[rest.index(after: brace)..<close])
            guard let field = Field(rawValue: name) else { throw .unknownField(name) }
            parts.append(.field(field))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        return parts
    }

    // MARK: Names

    /// The path below the recording folder: a stream's own folder, and the file's path below that. The first is the same
    /// for every file of the stream, and holds its index.
    public func path(_ values: Values) -> (home: String, file: String) {
        // No stream is older than Unix: a clock that says so is wrong, and must not make odd names.
        let time = CivilTime(unixMicroseconds: max(0, values.start))
        let names = components.indices.map { index in
            let isFile = index == components.count - 1
            let rendered = components[index].map { FilePattern.render($0, values, time) }.joined()
            return isFile ? fileName(rendered, values.format) : FilePattern.folderName(rendered)
        }
        let home = names.prefix(homeDepth)
        return (home.joined(separator: "/"), names.dropFirst(homeDepth).joined(separator: "/"))
    }

    /// Folders that do not depend on the time, from the first on.
    private var homeDepth: Int {
        let isOfStream = { (part: Part) in
            if case .field(let field) = part { field.isOfStream } else { true }
        }
        let depth = components.firstIndex { !$0.allSatisfy(isOfStream) } ?? components.count
        return min(depth, components.count - 1)
    }

    private static func folderName(_ rendered: String) -> String {
        SafeName.component(rendered, to: maxComponentBytes)
    }

    /// A stream may be called `x.recording`: its finished file must not look unfinished.
    private func fileName(_ rendered: String, _ format: RecordingFormat) -> String {
        let suffix = "." + format.fileExtension
        var stem = SafeName.component(String(rendered.dropLast(suffix.count)), to: FilePattern.maxComponentBytes)
        if stem.isEmpty { stem = "_" }
        if stem.hasSuffix(UnfinishedName.mark) { stem += "_" }
        return stem + suffix
    }

    private static func render(_ part: Part, _ values: Values, _ time: CivilTime) -> String {
        guard case .field(let field) = part else {
            guard case .text(let text) = part else { return "" }
            return text
        }
        return switch field {
        case .app: SafeName.value(values.app)
        case .stream: SafeName.value(values.stream)
        case .year: padded(time.year, 4)
        case .month: padded(time.month, 2)
        case .day: padded(time.day, 2)
        case .hour: padded(time.hour, 2)
        case .minute: padded(time.minute, 2)
        case .second: padded(time.second, 2)
        case .millisecond: padded(time.millisecond, 3)
        case .number: padded(values.number, 4)
        case .epoch: String(values.epoch, radix: 16)
        case .unix: String(max(0, values.start) / 1_000_000)
        case .ext: values.format.fileExtension
        }
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
