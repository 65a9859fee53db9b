import Media

/// The head of a PES packet (ISO/IEC 13818-1 §2.4.3.6): its times, in 33 bits of 90 kHz, and where its payload begins.
struct PESHeader: Equatable {
    var streamID: UInt8
    var pts: Int64?
    var dts: Int64?
    var payloadStart: Int
    var isScrambled = false
    /// data_alignment_indicator.
    var isAligned = false

    /// Bytes in which the packet says how long it is.
    static let prefix = 6

    /// program_stream_map, padding, private_stream_2, ECM, EMM, DSM-CC, H.222.1 type E, and the directory.
    private static let bare: Set<UInt8> = [0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff]

    /// Packets with that id have a payload right behind their length.
    static func isBare(_ streamID: UInt8) -> Bool { bare.contains(streamID) }

    /// nil when the start code is wrong or the packet ends inside its header.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= Self.prefix, bytes.u24(at: 0) == 1 else { return nil }
        streamID = bytes[3]
        payloadStart = Self.prefix
        if Self.isBare(streamID) { return }
        guard bytes.count >= 9, bytes[6] & 0xc0 == 0x80 else { return nil }
        isScrambled = bytes[6] & 0x30 != 0
        isAligned = bytes[6] & 4 != 0
        payloadStart = 9 + Int(bytes[8])
        guard payloadStart <= bytes.count else { return nil }
        let flags = bytes[7] >> 6
        if flags & 2 != 0 {
            guard payloadStart >= 14 else { return nil }
            pts = Self.timestamp(bytes, at: 9)
        }
        if flags == 3 {
            guard payloadStart >= 19 else { return nil }
            dts = Self.timestamp(bytes, at: 14)
        }
    }

    /// The bytes of the whole packet, or 0 when it does not say; nil as long as too few are there.
    static func length(_ bytes: Span<UInt8>) -> Int? {
        guard bytes.count >= prefix else { return nil }
        let length = Int(bytes.u16(at: 4))
        return length == 0 ? 0 : prefix + length
    }

    private static func timestamp(_ bytes: Span<UInt8>, at i: Int) -> Int64 {
        Int64(bytes[i] >> 1 & 7) << 30 | Int64(bytes.u16(at: i + 1) >> 1) << 15 | Int64(bytes.u16(at: i + 3) >> 1)
    }
}
