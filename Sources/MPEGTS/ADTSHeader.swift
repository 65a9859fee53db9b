/// The header that each AAC frame of a transport stream has (ISO/IEC 13818-7 §6.2), made of an AudioSpecificConfig once
/// and completed with each frame's length.
///
/// SBR and PS that the configuration announces are left to be found in the frames: ADTS cannot say them.
struct ADTSHeader: Sendable, Equatable {
    static let size = 7
    /// Bytes of a frame with its header that the length field holds.
    static let longestFrame = 0x1fff

    private let profile: UInt8
    private let rateIndex: UInt8
    private let channels: UInt8

    /// nil for what ADTS cannot say: object types beyond LTP, rates and channel layouts of their own.
    init?(_ configuration: Span<UInt8>) {
        var bits = BitCursor(configuration.copy())
        var type = bits.bits(5)
        var rate = bits.bits(4)
        let channels = bits.bits(4)
        if type == 5 || type == 29 {
            guard rate != 15 else { return nil }
            let core = rate
            if bits.bits(4) == 15 { bits.skip(24) }
            type = bits.bits(5)
            rate = core
        }
        guard (1...4).contains(type), rate < AudioFrameHead.rates.count, (1...7).contains(channels),
            !bits.isExhausted
        else { return nil }
        profile = UInt8(type - 1)
        rateIndex = UInt8(rate)
        self.channels = UInt8(channels)
    }

    func put(count: Int, into writer: inout PacketWriter) {
        let length = Self.size + count
        let bytes: [7 of UInt8] = [
            0xff, 0xf1, profile << 6 | rateIndex << 2 | channels >> 2,
            channels << 6 | UInt8(length >> 11), UInt8(length >> 3 & 0xff), UInt8(length & 7) << 5 | 0x1f, 0xfc,
        ]
        writer.put(bytes, Self.size)
    }
}
