/// Bits read from the most significant downwards, with the variable-length codes of H.264, H.265 and AV1.
///
/// Reading past the end throws; nothing here traps on any input. It owns its bytes: configurations are small and rare.
struct BitReader {
    private let bytes: [UInt8]
    private let what: CodecError.StaticName
    private(set) var position = 0

    init(_ bytes: [UInt8], in what: CodecError.StaticName) {
        self.bytes = bytes
        self.what = what
    }

    /// The payload of a NAL unit after `headerSize` bytes.
    init(nalUnit: Span<UInt8>, headerSize: Int, in what: CodecError.StaticName) {
        self.init(nalUnit.unescaped(after: headerSize), in: what)
    }

    var remaining: Int { bytes.count * 8 - position }

    /// `count` bits, at most 32.
    mutating func bits(_ count: Int) throws(CodecError) -> UInt32 {
        guard count <= remaining else { throw .truncated(what) }
        var value: UInt32 = 0
        for _ in 0..<count {
            value = value << 1 | UInt32(bytes[position >> 3] >> UInt8(7 - position & 7) & 1)
            position += 1
        }
        return value
    }

    mutating func byte() throws(CodecError) -> UInt8 { UInt8(truncatingIfNeeded: try bits(8)) }

    mutating func flag() throws(CodecError) -> Bool { try bits(1) == 1 }

    mutating func skip(_ count: Int) throws(CodecError) {
        guard count <= remaining else { throw .truncated(what) }
        position += count
    }

    /// ue(v) of H.264 §9.1, and uvlc() of AV1 §4.10.3, which agree up to 31 leading zeros.
    mutating func unsigned() throws(CodecError) -> UInt32 {
        var zeros = 0
        while try !flag() {
            zeros += 1
            guard zeros < 32 else { throw .invalid(what, field: "variable-length number") }
        }
        return (1 << UInt32(zeros)) - 1 + (try bits(zeros))
    }

    /// se(v) of H.264 §9.1.1.
    mutating func signed() throws(CodecError) -> Int {
        let code = Int(try unsigned())
        return code & 1 == 1 ? code / 2 + 1 : -(code / 2)
    }

    /// ue(v) that may be at most `limit`.
    mutating func unsigned(atMost limit: Int, _ field: CodecError.StaticName) throws(CodecError) -> Int {
        let value = Int(try unsigned())
        guard value <= limit else { throw .invalid(what, field: field) }
        return value
    }
}
