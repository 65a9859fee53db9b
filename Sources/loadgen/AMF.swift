//! The little of AMF0 that a client's commands and their answers need.

/// Values that a command carries.
indirect enum AMFValue {
    case number(Double)
    case boolean(Bool)
    case string(String)
    case null
    case object([(String, AMFValue)])

    func append(to bytes: inout [UInt8]) {
        switch self {
        case .number(let value):
            bytes.append(0)
            withUnsafeBytes(of: value.bitPattern.bigEndian) { bytes.append(contentsOf: $0) }
        case .boolean(let value): bytes += [1, value ? 1 : 0]
        case .string(let text):
            bytes.append(2)
            AMFValue.append(name: text, to: &bytes)
        case .null: bytes.append(5)
        case .object(let members):
            bytes.append(3)
            for (name, value) in members {
                AMFValue.append(name: name, to: &bytes)
                value.append(to: &bytes)
            }
            bytes += [0, 0, 9]
        }
    }

    private static func append(name: String, to bytes: inout [UInt8]) {
        let text = Array(name.utf8.prefix(0xffff))
        bytes += [UInt8(text.count >> 8), UInt8(text.count & 0xff)]
        bytes += text
    }
}

/// The head of a received command: its name, its transaction, and the plain values among the first few.
struct Command {
    var name = ""
    var transaction = 0.0
    /// The first number behind the command object: the stream id in the answer to createStream.
    var number: Double?
    /// The first string behind the command object: the stream name of `play`.
    var text: String?
    /// Members of the information object, as far as they are strings and within the kept bytes.
    var info: [String: String] = [:]

    init(_ bytes: UnsafeRawBufferPointer) {
        var reader = AMFReader(bytes: bytes)
        guard case .string(let name)? = reader.value(), case .number(let transaction)? = reader.value() else { return }
        self.name = name
        self.transaction = transaction
        _ = reader.value()
        while let value = reader.value() {
            switch value {
            case .number(let value) where number == nil: number = value
            case .string(let value) where text == nil: text = value
            case .object(let members):
                for case (let key, .string(let value)) in members { info[key] = value }
            default: break
            }
        }
    }

    var code: String { info["code"] ?? "" }
    var isError: Bool { name == "_error" || info["level"] == "error" }
}

/// Reads values until the bytes end or hold what this program does not need.
private struct AMFReader {
    let bytes: UnsafeRawBufferPointer
    var at = 0
    private static let depthLimit = 8

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func value(depth: Int = 0) -> AMFValue? {
        guard at < bytes.count, depth < AMFReader.depthLimit else { return nil }
        let marker = bytes[at]
        at += 1
        switch marker {
        case 0:
            guard at + 8 <= bytes.count else { return nil }
            defer { at += 8 }
            return .number(Double(bitPattern: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self).bigEndian))
        case 1:
            guard at < bytes.count else { return nil }
            defer { at += 1 }
            return .boolean(bytes[at] != 0)
        case 2: return text().map { .string($0) }
        case 5, 6: return .null
        case 3: return members(depth: depth)
        case 8:
            at += 4
            return members(depth: depth)
        default: return nil
        }
    }

    /// Members until the end mark; those read so far when the bytes end first.
    private mutating func members(depth: Int) -> AMFValue {
        var found: [(String, AMFValue)] = []
        while let name = text() {
            if name.isEmpty {
                at += 1
                break
            }
            guard let value = value(depth: depth + 1) else { break }
            found.append((name, value))
        }
        return .object(found)
    }

    private mutating func text() -> String? {
        guard at + 2 <= bytes.count else { return nil }
        let length = Int(bytes[at]) << 8 | Int(bytes[at + 1])
        guard at + 2 + length <= bytes.count else { return nil }
        defer { at += 2 + length }
        return String(decoding: bytes[at + 2..<at + 2 + length], as: UTF8.self)
    }
}
