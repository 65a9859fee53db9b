/// Writes one JSON text (RFC 8259) into a byte array, in the order of the calls.
///
/// The caller nests `object` and `array` with closures, so brackets always match and commas are never missing. Strings
/// are escaped whatever they hold; a number that JSON cannot say (NaN, infinity) is written as `null`.
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []
    private let pretty: Bool
    private var depth = 0
    private var first = true

    public init(pretty: Bool = false) { self.pretty = pretty }

    // MARK: Values

    public mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }

    public mutating func array<Element>(_ elements: [Element], _ each: (inout JSONWriter, Element) -> Void) {
        nest("[", "]") { writer in
            for element in elements {
                writer.separate()
                each(&writer, element)
            }
        }
    }

    public mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars { append(scalar) }
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func number(_ value: UInt64) { bytes.append(contentsOf: String(value).utf8) }

    public mutating func null() { bytes.append(contentsOf: "null".utf8) }

    public mutating func number(_ value: Int64) { bytes.append(contentsOf: String(value).utf8) }

    // MARK: Members of an object

    public mutating func member(_ key: String, _ value: String) { member(key) { $0.string(value) } }
    public mutating func member(_ key: String, _ value: Bool) { raw(key, value ? "true" : "false") }
    public mutating func member(_ key: String, _ value: Int) { raw(key, String(value)) }
    public mutating func member(_ key: String, _ value: UInt64) { raw(key, String(value)) }
    public mutating func member(_ key: String, _ value: Double) { raw(key, Decimal3.text(value) ?? "null") }

    public mutating func member(_ key: String, _ body: (inout JSONWriter) -> Void) {
        separate()
        string(key)
        bytes.append(UInt8(ascii: ":"))
        if pretty { bytes.append(UInt8(ascii: " ")) }
        body(&self)
    }

    /// An object of counts, in the order of what was counted.
    public mutating func member(_ key: String, _ counts: [String: UInt64]) {
        member(key) { out in
            out.object { out in
                for (word, count) in counts.sorted(by: { $0.key < $1.key }) { out.member(word, count) }
            }
        }
    }

    // MARK: Mechanics

    private mutating func raw(_ key: String, _ text: String) {
        member(key) { $0.bytes.append(contentsOf: text.utf8) }
    }

    private mutating func nest(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void) {
        bytes.append(UInt8(ascii: open))
        let outer = first
        first = true
        depth += 1
        body(&self)
        depth -= 1
        if !first { newline() }
        first = outer
        bytes.append(UInt8(ascii: close))
    }

    private mutating func separate() {
        if !first { bytes.append(UInt8(ascii: ",")) }
        first = false
        newline()
    }

    private mutating func newline() {
        guard pretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        for _ in 0..<depth * 2 { bytes.append(UInt8(ascii: " ")) }
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": bytes.append(contentsOf: #"\""#.utf8)
        case "\\": bytes.append(contentsOf: #"\\"#.utf8)
        case "\n": bytes.append(contentsOf: #"\n"#.utf8)
        case "\r": bytes.append(contentsOf: #"\r"#.utf8)
        case "\t": bytes.append(contentsOf: #"\t"#.utf8)
        // Text that lands inside a script element must not be able to end it.
        case "<": appendUnicodeEscape(scalar)
        case _ where TextEscaping.isUnsafe(scalar): appendUnicodeEscape(scalar)
        default: bytes.append(contentsOf: String(scalar).utf8)
        }
    }

    /// RFC 8259 §7: beyond the basic plane an escape is a surrogate pair.
    private mutating func appendUnicodeEscape(_ scalar: Unicode.Scalar) {
        for unit in String(scalar).utf16 {
            bytes.append(contentsOf: #"\u"#.utf8)
            TextEscaping.appendHex(UInt32(unit), width: 4, to: &bytes)
        }
    }
}
