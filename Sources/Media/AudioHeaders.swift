/// The short headers by which Opus, FLAC, AC-3, E-AC-3 and MP3 say their rate and channels: Opus and FLAC in the
/// sequence header, the others at the head of each frame.
public enum AudioHeaders {
    /// The identification header of RFC 7845 §5.1. Opus always decodes to 48 kHz (RFC 6716 §2).
    public static func opus(_ header: Span<UInt8>) throws(CodecError) -> AudioFormat {
        guard header.count >= 19 else { throw .truncated("Opus header") }
        guard header.u64(at: 0) == 0x4f70_7573_4865_6164 else { throw .invalid("Opus header", field: "signature") }
        guard header[8] < 16 else { throw .invalid("Opus header", field: "version") }
        guard header[9] > 0 else { throw .invalid("Opus header", field: "channel count") }
        return AudioFormat(codec: .opus, sampleRate: 48_000, channels: Int(header[9]))
    }

    /// STREAMINFO of RFC 9639 §8.2, behind `fLaC`, behind a block header alone, or bare.
    public static func flac(_ header: Span<UInt8>) throws(CodecError) -> AudioFormat {
        var start = 0
        if header.count >= 4 && header.u32(at: 0) == 0x664c_6143 { start = 4 }
        if header.count >= start + 38 && header.u24(at: start + 1) == 34 && header[start] & 0x7f == 0 { start += 4 }
        guard header.count >= start + 34 else { throw .truncated("FLAC STREAMINFO") }
        let packed = header.u32(at: start + 10)
        let rate = Int(packed >> 12)
        guard rate > 0 else { throw .invalid("FLAC STREAMINFO", field: "sample rate") }
        return AudioFormat(codec: .flac, sampleRate: rate, channels: Int(packed >> 9 & 7) + 1)
    }

    private static let dolbyRates = [48_000, 44_100, 32_000]
    /// By acmod (ETSI TS 102 366 table 4.3), without the low-frequency channel.
    private static let dolbyChannels = [2, 1, 2, 3, 3, 4, 4, 5]

    /// A sync frame of AC-3 (ETSI TS 102 366 §4.3) or E-AC-3 (annex E §1.2): bsid above 10 tells them apart.
    public static func dolby(_ frame: Span<UInt8>) throws(CodecError) -> AudioFormat {
        guard frame.count >= 8 else { throw .truncated("AC-3 frame") }
        guard frame.u16(at: 0) == 0x0b77 else { throw .invalid("AC-3 frame", field: "sync word") }
        return frame[5] >> 3 > 10 ? try enhancedDolby(frame) : try plainDolby(frame)
    }

    private static func plainDolby(_ frame: Span<UInt8>) throws(CodecError) -> AudioFormat {
        let rate = Int(frame[4] >> 6)
        guard rate < 3 else { throw .invalid("AC-3 frame", field: "sample rate") }
        var reader = BitReader([frame[6], frame[7]], in: "AC-3 frame")
        let mode = Int(try reader.bits(3))
        if mode & 1 == 1 && mode != 1 { try reader.skip(2) }  // centre mix level
        if mode & 4 == 4 { try reader.skip(2) }  // surround mix level
        if mode == 2 { try reader.skip(2) }  // Dolby Surround mode
        let low = try reader.flag() ? 1 : 0
        return AudioFormat(codec: .ac3, sampleRate: dolbyRates[rate], channels: dolbyChannels[mode] + low)
    }

    private static func enhancedDolby(_ frame: Span<UInt8>) throws(CodecError) -> AudioFormat {
        let code = Int(frame[4] >> 6)
        let halfCode = Int(frame[4] >> 4 & 3)
        guard code < 3 || halfCode < 3 else { throw .invalid("E-AC-3 frame", field: "sample rate") }
        let rate = code < 3 ? dolbyRates[code] : dolbyRates[halfCode] / 2
        let channels = dolbyChannels[Int(frame[4] >> 1 & 7)] + Int(frame[4] & 1)
        return AudioFormat(codec: .eac3, sampleRate: rate, channels: channels)
    }

    private static let mp3Rates = [44_100, 48_000, 32_000]

    /// A frame header of MPEG-1, MPEG-2 or MPEG-2.5 audio (ISO/IEC 11172-3 §2.4.1.3).
    public static func mp3(_ frame: Span<UInt8>) throws(CodecError) -> AudioFormat {
        guard frame.count >= 4 else { throw .truncated("MP3 frame") }
        let version = frame[1] >> 3 & 3
        let rate = Int(frame[2] >> 2 & 3)
        guard frame[0] == 0xff, frame[1] & 0xe0 == 0xe0, version != 1 else {
            throw .invalid("MP3 frame", field: "sync word")
        }
        guard rate < 3 else { throw .invalid("MP3 frame", field: "sample rate") }
        let divisor = version == 3 ? 1 : version == 2 ? 2 : 4
        return AudioFormat(
            codec: .mp3, sampleRate: mp3Rates[rate] / divisor, channels: frame[3] >> 6 == 3 ? 1 : 2)
    }
}
