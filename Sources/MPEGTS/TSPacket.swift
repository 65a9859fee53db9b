import Media

/// The header and adaptation field of one transport packet (ISO/IEC 13818-1 §2.4.3). Data plane: parsing allocates
/// nothing.
///
/// `4 <= payloadStart <= 188` holds; a packet without payload has 188.
public struct TSPacket: Sendable, Equatable {
    public static let size = 188
    public static let sync: UInt8 = 0x47
    public static let nullPID: UInt16 = 0x1fff

    public var pid: UInt16
    public var startsUnit: Bool
    public var hasError: Bool
    public var isScrambled: Bool
    public var counter: UInt8
    public var hasPayload: Bool
    public var payloadStart = TSPacket.size
    public var isDiscontinuous = false
    public var isRandomAccess = false
    /// Of the 27 MHz clock: base times 300 plus extension.
    public var clock: Int64?
    /// The adaptation field is longer than what it holds: the packet ends a unit, because nothing else needs stuffing.
    public var isStuffed = false

    /// nil when the adaptation field does not fit the packet. The caller has checked the sync byte and gives 188 bytes.
    public init?(_ bytes: Span<UInt8>) {
        precondition(bytes.count >= Self.size)
        pid = bytes.u16(at: 1) & 0x1fff
        hasError = bytes[1] & 0x80 != 0
        startsUnit = bytes[1] & 0x40 != 0
        isScrambled = bytes[3] & 0xc0 != 0
        counter = bytes[3] & 0x0f
        hasPayload = bytes[3] & 0x10 != 0
        guard bytes[3] & 0x20 != 0 else {
            if hasPayload { payloadStart = 4 }
            return
        }
        let length = Int(bytes[4])
        guard length <= Self.size - 5 else { return nil }
        if hasPayload { payloadStart = 5 + length }
        guard length > 0 else {
            isStuffed = true
            return
        }
        let flags = bytes[5]
        isDiscontinuous = flags & 0x80 != 0
        isRandomAccess = flags & 0x40 != 0
        var used = 1
        if flags & 0x10 != 0 {
            guard length >= 7 else { return nil }
            let base = Int64(bytes.u32(at: 6)) << 1 | Int64(bytes[10] >> 7)
            clock = base * 300 + Int64(bytes.u16(at: 10) & 0x1ff)
            used += 6
        }
        if flags & 0x08 != 0 { used += 6 }
        if flags & 0x04 != 0 { used += 1 }
        // Private data and extensions say their own lengths; a packet that has them is not taken for a stuffed one.
        isStuffed = flags & 0x03 == 0 && used < length
    }
}
