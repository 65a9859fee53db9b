/// What a `Range` header asks for (RFC 9110 §14). One range of bytes is honoured; several, other units and what cannot
/// be read are answered with the whole, as the standard allows.
public enum ByteRange: Hashable, Sendable {
    case whole
    /// 206: these bytes of the body.
    case part(Range<Int>)
    /// 416, with `Content-Range: bytes */length`.
    case unsatisfiable

    /// Bytes of a header that are looked at; a longer one cannot be a single range.
    public static let longestHeader = 128

    /// `header`: the field's value, nil where there is none; `length`: of the body, in bytes.
    public init(header: (some StringProtocol)?, length: Int) {
        guard let header, let bounds = Self.bounds(Array(header.utf8.prefix(Self.longestHeader + 1))[...]) else {
            self = .whole
            return
        }
        self = Self.decide(bounds, length: UInt64(max(0, length)))
    }

    private enum Bounds {
        case from(UInt64, through: UInt64)
        case last(UInt64)
    }

    private static func decide(_ bounds: Bounds, length: UInt64) -> ByteRange {
        switch bounds {
        case .from(let first, _) where first >= length: .unsatisfiable
        case .from(let first, let last): .part(Int(first)..<Int(min(last, length - 1)) + 1)
        case .last(let count) where count == 0 || length == 0: .unsatisfiable
        case .last(let count): .part(Int(length - min(count, length))..<Int(length))
        }
    }

    private static func bounds(_ bytes: ArraySlice<UInt8>) -> Bounds? {
        guard bytes.count <= longestHeader, let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let unit = bytes[..<equals].map { $0 | 0x20 }
        let set = trimmed(bytes[(equals + 1)...])
        guard unit.elementsEqual("bytes".utf8), let dash = set.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let (first, last) = (set[..<dash], set[(dash + 1)...])
        if first.isEmpty { return number(last).map { .last($0) } }
        guard let from = number(first) else { return nil }
        if last.isEmpty { return .from(from, through: .max) }
        guard let through = number(last), through >= from else { return nil }
        return .from(from, through: through)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let rest = bytes.drop(while: isSpace)
        guard let end = rest.lastIndex(where: { !isSpace($0) }) else { return rest.prefix(0) }
        return rest[...end]
    }

    /// Numbers of more digits than 64 bits hold are behind the end of everything.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        if let value = Digits.decimal(digits) { return value }
        let isNumber = !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber else { return nil }
        let significant = digits.drop { $0 == UInt8(ascii: "0") }
        return significant.isEmpty ? 0 : Digits.decimal(significant) ?? .max
    }
}
