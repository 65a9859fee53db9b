import Media

/// Takes AudioMuxElements (ISO/IEC 14496-3 §1.7.3) apart: one program, one layer, frames of the length that they say,
/// which is what broadcast uses. The configuration comes in some of them and holds for those that follow.
struct LATM: Sendable {
    /// The AudioSpecificConfig, aligned to bytes.
    private(set) var configuration: [UInt8] = []
    private(set) var samples = 1_024
    private(set) var rate = 48_000
    private var subFrames = 1
    private var otherDataBits = 0

    var isConfigured: Bool { !configuration.isEmpty }

    /// The payloads of one element; nil when it cannot be read or nothing has been configured.
    mutating func parse(_ element: Span<UInt8>) -> [[UInt8]]? {
        var bits = BitCursor(element.copy())
        if !bits.flag() {
            guard configure(&bits) else {
                configuration = []
                return nil
            }
        }
        guard isConfigured else { return nil }
        var payloads: [[UInt8]] = []
        for _ in 0..<subFrames {
            var length = 0
            while true {
                let part = Int(bits.bits(8))
                length += part
                guard part == 255 else { break }
            }
            guard length > 0, let payload = bits.take(bytes: length) else { return nil }
            payloads.append(payload)
        }
        return payloads
    }

    /// StreamMuxConfig (table 1.42).
    private mutating func configure(_ bits: inout BitCursor) -> Bool {
        let version = bits.flag()
        if version {
            guard !bits.flag() else { return false }  // audioMuxVersionA: reserved
            _ = Self.value(&bits)
        }
        guard bits.flag() else { return false }  // allStreamsSameTimeFraming
        subFrames = Int(bits.bits(6)) + 1
        guard bits.bits(4) == 0, bits.bits(3) == 0 else { return false }  // one program, one layer
        guard version ? takeSized(&bits) : takeUnsized(&bits) else { return false }
        guard bits.bits(3) == 0 else { return false }  // frameLengthType
        bits.skip(8)
        if bits.flag() {
            if version {
                otherDataBits = Self.value(&bits)
            } else {
                while bits.flag() { bits.skip(8) }
                bits.skip(8)
            }
        }
        if bits.flag() { bits.skip(8) }
        return !bits.isExhausted
    }

    /// LatmGetValue (table 1.43).
    private static func value(_ bits: inout BitCursor) -> Int {
        let count = Int(bits.bits(2)) + 1
        return Int(bits.bits(count * 8))
    }

    private mutating func takeSized(_ bits: inout BitCursor) -> Bool {
        let length = Self.value(&bits)
        guard length > 0, length <= bits.remaining else { return false }
        var inner = bits
        guard readSpecificConfig(&inner), inner.position - bits.position <= length else { return false }
        return keep(&bits, length)
    }

    private mutating func takeUnsized(_ bits: inout BitCursor) -> Bool {
        var inner = bits
        guard readSpecificConfig(&inner) else { return false }
        return keep(&bits, inner.position - bits.position)
    }

    /// Copies `count` bits into whole bytes, with zeros after them.
    private mutating func keep(_ bits: inout BitCursor, _ count: Int) -> Bool {
        guard var bytes = bits.take(bytes: count / 8) else { return false }
        let rest = count % 8
        if rest > 0 { bytes.append(UInt8(bits.bits(rest)) << UInt8(8 - rest)) }
        configuration = bytes
        return !bits.isExhausted
    }

    /// AudioSpecificConfig (§1.6.2.1) of the object types with a GASpecificConfig, to learn where it ends.
    private mutating func readSpecificConfig(_ bits: inout BitCursor) -> Bool {
        var type = bits.bits(5)
        guard let core = Self.rate(&bits) else { return false }
        let channels = bits.bits(4)
        if type == 5 || type == 29 {
            guard Self.rate(&bits) != nil else { return false }
            type = bits.bits(5)
        }
        // A channel configuration of 0 needs a program config element, whose end only a decoder can tell.
        guard [1, 2, 3, 4].contains(type), channels > 0 else { return false }
        samples = bits.flag() ? 960 : 1_024
        rate = core
        if bits.flag() { bits.skip(14) }
        bits.skip(1)
        return !bits.isExhausted
    }

    private static func rate(_ bits: inout BitCursor) -> Int? {
        let index = Int(bits.bits(4))
        if index == 15 {
            let rate = Int(bits.bits(24))
            return rate > 0 ? rate : nil
        }
        return index < AudioFrameHead.rates.count ? AudioFrameHead.rates[index] : nil
    }
}
