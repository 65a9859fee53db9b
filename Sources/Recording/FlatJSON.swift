/// JSON of one line and one level: strings, whole numbers and lists of strings. What an index is made of.
///
/// Reading is strict, bounded by the line that it is given, and never recursive: an index may have been edited, torn by
/// a crash, or put there by somebody else. Keys that are not known are skipped, if their values are of these kinds.
enum FlatJSON {
    enum Value: Equatable {
        case string(String)
        case number(Int64)
        case list([String])
    }

    /// An object's members, in order.
    static func line(_ members: [(key: String, value: Value)]) -> String {
        var text = "{"
        for (index, member) in members.enumerated() {
            if index > 0 { text += "," }
            append(member.key, to: &text)
            text += ":"
            switch member.value {
            case .string(let string): append(string, to: &text)
            case .number(let number): text += String(number)
            case .list(let items):
                text += "["
                for (index, item) in items.enumerated() {
                    if index > 0 { text += "," }
                    append(item, to: &text)
                }
                text += "]"
            }
        }
        return text + "}"
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// The members of the object that the line is, or nil.
    static func members(_ line: some Collection<UInt8>) -> [String: Value]? {
        var reader = Reader(bytes: Array(line))
        return reader.object()
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        mutating func object() -> [String: Value]? {
            var members: [String: Value] = [:]
            guard take("{") else { return nil }
            if take("}") { return isAtEnd ? members : nil }
            repeat {
                guard let key = string(), take(":"), let value = value() else { return nil }
                members[key] = value
            } while take(",")
            return take("}") && isAtEnd ? members : nil
        }

        private mutating func value() -> Value? {
            skipSpaces()
            guard at < bytes.count else { return nil }
            switch bytes[at] {
            case UInt8(ascii: "\""): return string().map { .string($0) }
            case UInt8(ascii: "["): return list().map { .list($0) }
            default: return number().map { .number($0) }
            }
        }

        private mutating func list() -> [String]? {
            var items: [String] = []
            guard take("[") else { return nil }
            if take("]") { return items }
            repeat {
                guard let item = string() else { return nil }
                items.append(item)
            } while take(",")
            return take("]") ? items : nil
        }

        private mutating func number() -> Int64? {
            let start = at
            while at < bytes.count, bytes[at] == UInt8(ascii: "-") || (0x30...0x39).contains(bytes[at]) { at += 1 }
            return Int64(String(decoding: bytes[start..<at], as: UTF8.self))
        }

        private mutating func string() -> String? {
            guard take("\"") else { return nil }
            var text: [UInt8] = []
            while at < bytes.count {
                let byte = bytes[at]
                at += 1
                switch byte {
                case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
                case ..<0x20: return nil
                case UInt8(ascii: "\\"):
                    guard let escaped = escape() else { return nil }
                    text += escaped
                default: text.append(byte)
                }
            }
            return nil
        }

        private mutating func escape() -> [UInt8]? {
            guard at < bytes.count else { return nil }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
            case UInt8(ascii: "n"): return [0x0A]
            case UInt8(ascii: "t"): return [0x09]
            case UInt8(ascii: "r"): return [0x0D]
            case UInt8(ascii: "b"): return [0x08]
            case UInt8(ascii: "f"): return [0x0C]
            case UInt8(ascii: "u"):
                // Pairs of surrogates are not written here: such characters stand for themselves.
                guard at + 4 <= bytes.count,
                    let code = UInt32(String(decoding: bytes[at..<(at + 4)], as: UTF8.self), radix: 16),
                    let scalar = Unicode.Scalar(code)
                else { return nil }
                at += 4
                return Array(String(scalar).utf8)
            default: return nil
            }
        }

        private var isAtEnd: Bool {
            mutating get {
                skipSpaces()
                return at == bytes.count
            }
        }

        private mutating func skipSpaces() {
            while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 || bytes[at] == 0x0D { at += 1 }
        }

        private mutating func take(_ byte: Unicode.Scalar) -> Bool {
            skipSpaces()
            guard at < bytes.count, bytes[at] == UInt8(ascii: byte) else { return false }
            at += 1
            return true
        }
    }
}
