/// Bits of a header's first bytes, read from the most significant downwards: at most 16 bytes are taken, as no header
/// here reaches further. Past the end it reads zeros. Nothing is allocated.
struct BitWindow {
    private var high: UInt64 = 0
    private var low: UInt64 = 0

    init(_ bytes: Span<UInt8>) {
        for i in 0..<8 where i < bytes.count { high |= UInt64(bytes[i]) << UInt64(56 - 8 * i) }
        for i in 8..<16 where i < bytes.count { low |= UInt64(bytes[i]) << UInt64(56 - 8 * (i - 8)) }
    }

    /// `count` bits, 1 to 32.
    mutating func bits(_ count: Int) -> Int {
        let value = high >> UInt64(64 - count)
        skip(count)
        return Int(value)
    }

    mutating func flag() -> Bool { bits(1) == 1 }

    /// At most 32 bits.
    mutating func skip(_ count: Int) {
        guard count > 0 else { return }
        high = high << UInt64(count) | low >> UInt64(64 - count)
        low <<= UInt64(count)
    }
}
