import Media

/// A splice_info_section() (ANSI/SCTE 35 §9.6) that is written into a stream whose clock is another than the one it was
/// made for. Its times are left as they are, for they may be encrypted; `pts_adjustment`, which is there for those who
/// move a program's clock and is added to every one of them, takes up the difference, and the checksum is made anew.
struct SpliceSection: Equatable {
    static let table: UInt8 = 0xfc

    /// Bytes: up to the command, the length of the descriptors and the checksum.
    private static let shortest = 20
    private static let checksumSize = 4
    /// Where encrypted_packet, encryption_algorithm and the 33 bits of pts_adjustment lie.
    private static let adjustment = 4..<9
    private static let commandType = 13
    private static let spliceInsert: UInt8 = 5
    private static let timeSignal: UInt8 = 6

    /// Ticks of 90 kHz to be added to the times of the section, which is `shift` but for what rounds the first of them to
    /// a millisecond by the source's clock, as frames are: a splice at a frame stays at it.
    let shift: Int64

    init(shift: Int64) { self.shift = shift }

    /// nil for what is no whole section. `clock` is a time by the source's clock near the section.
    init?(_ bytes: Span<UInt8>, shift: Int64, clock: Int64) {
        guard bytes.count >= Self.shortest, bytes.count <= TSLimits.section, bytes[0] == Self.table,
            Int(bytes.u16(at: 1) & 0xfff) == bytes.count - 3
        else { return nil }
        guard let time = Self.firstTime(bytes) else {
            self.shift = shift
            return
        }
        let source = ClockUnwrapper.nearest(time &+ Self.adjustment(bytes), to: clock)
        self.shift = shift + TSFrame.milliseconds(source) * 90 - source
    }

    private static func adjustment(_ bytes: Span<UInt8>) -> Int64 {
        Int64(bytes[4] & 1) << 32 | Int64(bytes.u32(at: 5))
    }

    /// The first splice time that the command says; nil where it says none, or is encrypted.
    private static func firstTime(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes[4] & 0x80 == 0 else { return nil }
        let end = bytes.count - checksumSize
        var at = commandType + 1
        switch bytes[commandType] {
        case timeSignal: break
        case spliceInsert:
            // splice_event_id, then the bit that takes the event back, then whether it is of the whole program and at once.
            guard at + 6 <= end, bytes[at + 4] & 0x80 == 0, bytes[at + 5] & 0x10 == 0 else { return nil }
            // The time of the program, or of the first of its components, behind their count and its tag.
            let isOfProgram = bytes[at + 5] & 0x40 != 0
            guard isOfProgram || bytes[at + 6] > 0 else { return nil }
            at += isOfProgram ? 6 : 8
        default: return nil
        }
        guard at + 5 <= end, bytes[at] & 0x80 != 0 else { return nil }
        return Int64(bytes[at] & 1) << 32 | Int64(bytes.u32(at: at + 1))
    }

    /// Writes the section, which is the one that this was made of.
    func put(_ bytes: Span<UInt8>, into writer: inout PacketWriter) {
        let adjustment = UInt64(truncatingIfNeeded: Self.adjustment(bytes) &+ shift) & 0x1_ffff_ffff
        var field: [5 of UInt8] = .init(repeating: 0)
        field[0] = bytes[4] & 0xfe | UInt8(adjustment >> 32)
        for i in 1..<5 { field[i] = UInt8(truncatingIfNeeded: adjustment >> UInt64(32 - 8 * i)) }
        let head = bytes.extracting(0..<Self.adjustment.lowerBound)
        let rest = bytes.extracting(Self.adjustment.upperBound..<bytes.count - Self.checksumSize)
        let sum = CRC32.of(rest, after: CRC32.of(field.span, after: CRC32.of(head)))
        head.withUnsafeBytes { writer.put($0) }
        writer.put(field, 5)
        rest.withUnsafeBytes { writer.put($0) }
        var checksum: [4 of UInt8] = .init(repeating: 0)
        for i in 0..<4 { checksum[i] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * i)) }
        writer.put(checksum, Self.checksumSize)
    }
}
