/// The checksum at the end of every table: CRC-32 with the polynomial 0x04c11db7, from the most significant bit, without
/// a final inversion (ISO/IEC 13818-1 annex A). Over a section with its checksum it is 0.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index) << 24
        for _ in 0..<8 { value = value & 0x8000_0000 != 0 ? value << 1 ^ 0x04c1_1db7 : value << 1 }
        return value
    }

    /// `sum`: of the bytes before these, if there are any.
    static func of(_ bytes: Span<UInt8>, after sum: UInt32 = 0xffff_ffff) -> UInt32 {
        var value = sum
        for i in bytes.indices { value = value << 8 ^ table[Int(UInt8(value >> 24) ^ bytes[i])] }
        return value
    }
}
