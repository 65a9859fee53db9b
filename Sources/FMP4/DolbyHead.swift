import Media

/// What the sync frames of AC-3 (ETSI TS 102 366 §4.3) or E-AC-3 (annex E) in one message body say: how long they last,
/// and what the sample entry has to repeat. Data plane: nothing is allocated.
///
/// Two heads are equal when they need the same sample entry; a rate of bits that varies changes none.
struct DolbyHead: Sendable, Equatable {
    private(set) var isEnhanced = false
    private(set) var sampleRate = 0
    private(set) var samples = 0
    private(set) var bitRateCode = 0
    private var rateCode = 0
    private var identification = 0
    private var mode = 0
    private var channelMode = 0
    private var hasLowFrequency = false
    /// Substreams that depend on the first one, and the speakers that they add (annex F.6.2.13).
    private(set) var dependents = 0
    private var locations = 0
    private var size = 0

    private static let longestUnit = 8

    /// By acmod (table 4.3), without the low-frequency channel.
    private static func channels(_ mode: Int) -> Int {
        mode == 0 ? 2 : mode < 3 ? mode : mode < 5 ? 3 : mode < 7 ? 4 : 5
    }

    private static func rate(_ code: Int) -> Int { code == 0 ? 48_000 : code == 1 ? 44_100 : 32_000 }

    var channels: Int { Self.channels(channelMode) + (hasLowFrequency ? 1 : 0) }

    static func == (one: DolbyHead, two: DolbyHead) -> Bool {
        one.isEnhanced == two.isEnhanced && one.sampleRate == two.sampleRate && one.channelMode == two.channelMode
            && one.hasLowFrequency == two.hasLowFrequency && one.mode == two.mode && one.dependents == two.dependents
            && one.locations == two.locations && one.identification == two.identification
            && one.bitRateCode == two.bitRateCode
    }

    /// nil when the body holds no whole sync frames of the codec asked for.
    init?(_ body: Span<UInt8>, isEnhanced: Bool) {
        guard body.count >= 8, body.u16(at: 0) == 0x0b77, body[5] >> 3 <= 16, (body[5] >> 3 > 10) == isEnhanced else {
            return nil
        }
        self.isEnhanced = isEnhanced
        if isEnhanced {
            guard readEnhanced(body) else { return nil }
        } else {
            guard readPlain(body) else { return nil }
        }
    }

    private mutating func readPlain(_ frame: Span<UInt8>) -> Bool {
        var bits = BitWindow(frame)
        bits.skip(32)
        rateCode = bits.bits(2)
        let sizeCode = bits.bits(6)
        guard rateCode < 3, sizeCode < 38 else { return false }
        bitRateCode = sizeCode >> 1
        identification = bits.bits(5)
        mode = bits.bits(3)
        channelMode = bits.bits(3)
        if channelMode & 1 == 1 && channelMode != 1 { bits.skip(2) }  // centre mix level
        if channelMode & 4 == 4 { bits.skip(2) }  // surround mix level
        if channelMode == 2 { bits.skip(2) }  // Dolby Surround mode
        hasLowFrequency = bits.flag()
        // bsid 9 and 10 are half and quarter rates.
        sampleRate = Self.rate(rateCode) >> max(0, identification - 8)
        samples = 1_536
        return true
    }

    /// The first frame is that of an independent substream; more follow when a frame has fewer than six blocks, or
    /// when dependent substreams add channels.
    private mutating func readEnhanced(_ body: Span<UInt8>) -> Bool {
        var position = 0
        var frames = 0
        while body.count - position >= 8, frames < Self.longestUnit {
            let frame = body.extracting(position..<body.count)
            guard frame.u16(at: 0) == 0x0b77 else { break }
            var bits = BitWindow(frame)
            bits.skip(16)
            let type = bits.bits(2)
            let number = bits.bits(3)
            let count = (bits.bits(11) + 1) * 2
            guard count <= frame.count, frames > 0 || type == 0 || type == 2 else { return false }
            if type == 1 {
                readDependent(&bits)
            } else if number == 0 {
                guard readIndependent(&bits, isFirst: frames == 0) else { return false }
            }
            size += count
            position += count
            frames += 1
        }
        return frames > 0
    }

    private mutating func readIndependent(_ bits: inout BitWindow, isFirst: Bool) -> Bool {
        let code = bits.bits(2)
        let blocks = bits.bits(2)
        guard code < 3 || blocks < 3 else { return false }
        samples += 256 * (code == 3 || blocks == 3 ? 6 : blocks + 1)
        guard isFirst else { return true }
        rateCode = code
        sampleRate = code < 3 ? Self.rate(code) : Self.rate(blocks) / 2
        channelMode = bits.bits(3)
        hasLowFrequency = bits.flag()
        identification = bits.bits(5)
        return true
    }

    /// Annex E §1.2.2 as far as the channel map, whose bits 5 to 12 and 14 are the locations of annex F.
    private mutating func readDependent(_ bits: inout BitWindow) {
        dependents = min(dependents + 1, 15)
        bits.skip(4)
        let mode = bits.bits(3)
        bits.skip(1 + 5 + 5)
        if bits.flag() { bits.skip(8) }
        if mode == 0 {
            bits.skip(5)
            if bits.flag() { bits.skip(8) }
        }
        guard bits.flag() else { return }
        let map = bits.bits(16)
        for location in 0..<8 where map >> (10 - location) & 1 == 1 { locations |= 1 << location }
        if map >> 1 & 1 == 1 { locations |= 1 << 8 }
    }

    /// AC3SpecificBox (annex F.4) or EC3SpecificBox (annex F.6) with one independent substream.
    var configuration: [UInt8] {
        var builder = BoxBuilder()
        let low = hasLowFrequency ? 1 : 0
        if isEnhanced {
            builder.box("dec3") {
                $0.put16(UInt16(roundedRate << 3))
                let head = rateCode << 22 | identification << 17 | mode << 12 | channelMode << 9 | low << 8
                $0.put24(UInt32(head | dependents << 1 | locations >> 8))
                if dependents > 0 { $0.put8(UInt8(locations & 0xff)) }
            }
        } else {
            builder.box("dac3") {
                let head = rateCode << 22 | identification << 17 | mode << 14 | channelMode << 11
                $0.put24(UInt32(head | low << 10 | bitRateCode << 5))
            }
        }
        return builder.bytes
    }

    /// Kilobits a second, to the next multiple of 8: frames at 44.1 kHz do not come out even, and each must say the same.
    private var roundedRate: Int {
        guard samples > 0 else { return 0 }
        return min((size * 8 * sampleRate / samples + 4_000) / 8_000 * 8, 0x1ff8)
    }
}
