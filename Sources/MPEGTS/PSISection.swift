import Media

/// The head that PAT and PMT sections share (ISO/IEC 13818-1 §2.4.4.3 and §2.4.4.8), and the bytes between it and the
/// checksum. It exists only for sections whose checksum is right and that are in force now.
struct PSISection {
    static let association: UInt8 = 0
    static let map: UInt8 = 2

    let table: UInt8
    /// The transport stream's id in a PAT, the program's number in a PMT.
    let number: UInt16
    let index: UInt8
    let lastIndex: UInt8
    let checksum: UInt32
    let content: Range<Int>

    enum Refusal: Error {
        case checksum, notNow
    }

    init(_ bytes: Span<UInt8>) throws(Refusal) {
        guard bytes.count >= 12, bytes[1] & 0x80 != 0 else { throw .notNow }
        guard CRC32.of(bytes) == 0 else { throw .checksum }
        guard bytes[5] & 1 == 1 else { throw .notNow }
        table = bytes[0]
        number = bytes.u16(at: 3)
        index = bytes[6]
        lastIndex = bytes[7]
        content = 8..<bytes.count - 4
        checksum = bytes.u32(at: bytes.count - 4)
    }
}
