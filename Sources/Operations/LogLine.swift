/// One event for the log: always exactly one line, whatever the peer put into a value.
///
/// Events and keys are ours (`publish.start`, `address`); values may be a peer's words, so they are escaped and cut to
/// `maxValueBytes`.
public struct LogLine: Sendable, Equatable {
    /// Longest value written, in bytes before escaping: long enough for any honest URL, short enough that a peer cannot
    /// fill a disk with one line.
    public static let maxValueBytes = 1024

    public var level: LogLevel
    public var event: String
    public var session: String?
    public var fields: [(String, String)]

    public init(level: LogLevel, event: String, session: String? = nil, fields: [(String, String)] = []) {
        self.level = level
        self.event = event
        self.session = session
        self.fields = fields
    }

    /// The line with its newline. `timestamp` is Unix time; the line shows UTC.
    public func encode(format: LogFormat, timestamp: (seconds: Int64, milliseconds: Int)) -> [UInt8] {
        let time = CivilTime.text(seconds: timestamp.seconds, milliseconds: timestamp.milliseconds)
        switch format {
        case .text: return encodeText(time)
        case .json: return encodeJSON(time)
        }
    }

    public static func == (a: LogLine, b: LogLine) -> Bool {
        a.level == b.level && a.event == b.event && a.session == b.session
            && a.fields.elementsEqual(b.fields) { $0 == $1 }
    }

    // MARK: Formats

    private func encodeText(_ time: String) -> [UInt8] {
        var line = Array("\(time) \(level.column) \(event)".utf8)
        if let session { Self.append("session", session, to: &line) }
        for (key, value) in fields { Self.append(key, value, to: &line) }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private func encodeJSON(_ time: String) -> [UInt8] {
        var writer = JSONWriter(pretty: false)
        writer.object {
            $0.member("time", time)
            $0.member("level", level.name)
            $0.member("event", event)
            if let session { $0.member("session", Self.cut(session)) }
            for (key, value) in fields { $0.member(key, Self.cut(value)) }
        }
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private static func append(_ key: String, _ value: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: " "))
        line.append(contentsOf: key.utf8)
        line.append(UInt8(ascii: "="))
        let value = cut(value)
        let quoted = value.isEmpty || value.unicodeScalars.contains { needsQuotes($0) }
        if quoted { line.append(UInt8(ascii: "\"")) }
        for scalar in value.unicodeScalars { appendEscaped(scalar, to: &line) }
        if quoted { line.append(UInt8(ascii: "\"")) }
    }

    private static func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\"", "\\", "=": return true
        default: return scalar.properties.isWhitespace || TextEscaping.isUnsafe(scalar)
        }
    }

    private static func appendEscaped(_ scalar: Unicode.Scalar, to line: inout [UInt8]) {
        switch scalar {
        case "\"": line.append(contentsOf: #"\""#.utf8)
        case "\\": line.append(contentsOf: #"\\"#.utf8)
        case "\n": line.append(contentsOf: #"\n"#.utf8)
        case "\r": line.append(contentsOf: #"\r"#.utf8)
        case "\t": line.append(contentsOf: #"\t"#.utf8)
        case _ where TextEscaping.isUnsafe(scalar):
            line.append(contentsOf: #"\u{"#.utf8)
            TextEscaping.appendHex(scalar.value, width: 2, to: &line)
            line.append(UInt8(ascii: "}"))
        default: line.append(contentsOf: String(scalar).utf8)
        }
    }

    /// At most `maxValueBytes` of `value`, cut between scalars, with an ellipsis where something is missing.
    private static func cut(_ value: String) -> String {
        guard value.utf8.count > maxValueBytes else { return value }
        var kept = String.UnicodeScalarView()
        var size = 0
        for scalar in value.unicodeScalars {
            size += UTF8.width(scalar)
            if size > maxValueBytes { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }
}
