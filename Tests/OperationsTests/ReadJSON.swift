/// A strict reader of JSON (RFC 8259), so that what the server writes is judged by something that did not write it.
indirect enum ReadJSON: Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([ReadJSON])
    case object([String: ReadJSON])

    struct Malformed: Error {
        var at: Int
    }

    init(_ bytes: [UInt8]) throws {
        var reader = Reader(bytes: bytes)
        self = try reader.value()
        reader.space()
        guard reader.at == bytes.count else { throw Malformed(at: reader.at) }
    }

    subscript(key: String) -> ReadJSON? {
        if case .object(let members) = self { return members[key] }
        return nil
    }

    subscript(index: Int) -> ReadJSON? {
        if case .array(let elements) = self, elements.indices.contains(index) { return elements[index] }
        return nil
    }

    private struct Reader {
        var bytes: [UInt8]
        var at = 0

        var next: UInt8? { at < bytes.count ? bytes[at] : nil }

        mutating func space() {
            while let byte = next, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { at += 1 }
        }

        mutating func take(_ expected: Unicode.Scalar) throws {
            guard next == UInt8(ascii: expected) else { throw Malformed(at: at) }
            at += 1
        }

        mutating func value() throws -> ReadJSON {
            space()
            switch next.map({ Unicode.Scalar($0) }) {
            case "{": return try object()
            case "[": return try array()
            case "\"": return .string(try string())
            case "t": return try word("true", .bool(true))
            case "f": return try word("false", .bool(false))
            case "n": return try word("null", .null)
            default: return try number()
            }
        }

        mutating func word(_ word: String, _ value: ReadJSON) throws -> ReadJSON {
            for scalar in word.unicodeScalars { try take(scalar) }
            return value
        }

        mutating func number() throws -> ReadJSON {
            let start = at
            while let byte = next, "+-.eE0123456789".utf8.contains(byte) { at += 1 }
            guard let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)) else {
                throw Malformed(at: start)
            }
            return .number(value)
        }

        mutating func object() throws -> ReadJSON {
            var members: [String: ReadJSON] = [:]
            try take("{")
            space()
            if next != UInt8(ascii: "}") {
                repeat {
                    space()
                    let key = try string()
                    space()
                    try take(":")
                    guard members.updateValue(try value(), forKey: key) == nil else { throw Malformed(at: at) }
                    space()
                } while comma()
            }
            try take("}")
            return .object(members)
        }

        mutating func array() throws -> ReadJSON {
            var elements: [ReadJSON] = []
            try take("[")
            space()
            if next != UInt8(ascii: "]") {
                repeat {
                    elements.append(try value())
                    space()
                } while comma()
            }
            try take("]")
            return .array(elements)
        }

        mutating func comma() -> Bool {
            guard next == UInt8(ascii: ",") else { return false }
            at += 1
            return true
        }

        mutating func string() throws -> String {
            try take("\"")
            var units: [UInt16] = []
            var plain: [UInt8] = []
            func flush(_ plain: inout [UInt8], _ units: inout [UInt16]) {
                units += Array(String(decoding: plain, as: UTF8.self).utf16)
                plain = []
            }
            while let byte = next, byte != UInt8(ascii: "\"") {
                guard byte >= 0x20 else { throw Malformed(at: at) }
                at += 1
                guard byte == UInt8(ascii: "\\") else {
                    plain.append(byte)
                    continue
                }
                flush(&plain, &units)
                units.append(try escape())
            }
            flush(&plain, &units)
            try take("\"")
            return String(decoding: units, as: UTF16.self)
        }

        mutating func escape() throws -> UInt16 {
            guard let byte = next else { throw Malformed(at: at) }
            at += 1
            switch Unicode.Scalar(byte) {
            case "\"", "\\", "/": return UInt16(byte)
            case "n": return 10
            case "r": return 13
            case "t": return 9
            case "u":
                guard at + 4 <= bytes.count,
                    let unit = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
                else { throw Malformed(at: at) }
                at += 4
                return unit
            default: throw Malformed(at: at)
            }
        }
    }
}
