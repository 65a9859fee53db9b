import Media

/// How many samples one audio frame of a message body lasts, read from the frame where its codec does not fix it.
/// Data plane: nothing is allocated.
enum AudioFrame {
    /// Samples of an Opus frame at 48 kHz by the configuration of its first byte (RFC 6716 §3.1).
    private static func opusFrame(_ configuration: Int) -> Int {
        switch configuration {
        case 0..<12: configuration & 3 == 3 ? 2_880 : 480 << (configuration & 3)
        case 12..<16: 480 << (configuration & 1)
        default: 120 << (configuration & 3)
        }
    }

    /// The longest Opus packet: 120 ms.
    private static let longestOpus = 5_760

    /// 0 if the packet makes no sense.
    static func opus(_ packet: Span<UInt8>) -> Int {
        guard packet.count > 0 else { return 0 }
        let frame = opusFrame(Int(packet[0] >> 3))
        var count = packet[0] & 3 == 0 ? 1 : 2
        if packet[0] & 3 == 3 { count = packet.count > 1 ? Int(packet[1] & 0x3f) : 0 }
        return frame * count <= longestOpus ? frame * count : 0
    }

    /// The block size of a FLAC frame's header (RFC 9639 §9.1); 0 if there is no such header.
    static func flac(_ frame: Span<UInt8>) -> Int {
        guard frame.count >= 6, frame.u16(at: 0) & 0xfffe == 0xfff8 else { return 0 }
        let code = Int(frame[2] >> 4)
        switch code {
        case 0: return 0
        case 1: return 192
        case 2...5: return 144 << code
        case 6, 7: break
        default: return 1 << code
        }
        // The size follows the frame's number, which is coded as UTF-8 codes characters, up to 7 bytes.
        let length = max(1, (~frame[4]).leadingZeroBitCount)
        let position = 4 + length
        guard length <= 7, position + 2 <= frame.count else { return 0 }
        return code == 6 ? Int(frame[position]) + 1 : Int(frame.u16(at: position)) + 1
    }

    /// Samples of an AAC frame, as the AudioSpecificConfig says (ISO/IEC 14496-3 §1.6.2.1 and §4.4.1), at the core's rate.
    static func aac(_ configuration: Span<UInt8>, objectType: Int) -> Int {
        var bits = BitWindow(configuration)
        func skipType() { if bits.bits(5) == 31 { bits.skip(6) } }
        func skipRate() { if bits.bits(4) == 15 { bits.skip(24) } }
        let first = configuration.count > 0 ? configuration[0] >> 3 : 0
        skipType()
        skipRate()
        bits.skip(4)
        if first == 5 || first == 29 {
            skipRate()
            skipType()
        }
        switch objectType {
        case 23, 39: return bits.flag() ? 480 : 512
        case 42:
            // UsacConfig (ISO/IEC 23003-3 §5.2): the index of the frame length follows the rate.
            if bits.bits(5) == 31 { bits.skip(24) }
            return [768, 1_024, 2_048, 2_048, 4_096][min(bits.bits(3), 4)]
        default: return bits.flag() ? 960 : 1_024
        }
    }
}
