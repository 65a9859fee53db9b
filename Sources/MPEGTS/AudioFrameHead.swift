import Media

/// What the head of one audio frame says, for the codecs whose frames follow one another in a byte stream: ADTS, LOAS
/// (LATM), MPEG audio layer III, AC-3 and E-AC-3. Data plane: parsing allocates nothing.
struct AudioFrameHead: Equatable {
    /// Bytes before the frame's payload that a message body does not have.
    var headerSize = 0
    /// Bytes of the frame with its header; more than `headerSize`.
    var size: Int
    var samples: Int
    var rate: Int
    var channels = 2
    /// It belongs to the frame before it: a dependent substream of E-AC-3.
    var isContinuation = false
    /// No message body can hold it.
    var isUnsupported = false

    enum Format: Sendable {
        case adts, loas, mp3, dolby

        /// Bytes that a head needs to be read.
        var headSize: Int {
            switch self {
            case .adts: 7
            case .loas: 3
            case .mp3: 4
            case .dolby: 8
            }
        }
    }

    /// nil when there is no frame of this format at the start of `bytes`, which has at least `format.headSize` of them.
    init?(_ format: Format, _ bytes: Span<UInt8>) {
        switch format {
        case .adts: self.init(adts: bytes)
        case .loas: self.init(loas: bytes)
        case .mp3: self.init(mp3: bytes)
        case .dolby: self.init(dolby: bytes)
        }
        guard size > headerSize else { return nil }
    }

    static let rates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    /// ISO/IEC 13818-7 §6.2.
    private init?(adts bytes: Span<UInt8>) {
        let rateIndex = Int(bytes[2] >> 2 & 0xf)
        guard bytes.u16(at: 0) & 0xfff6 == 0xfff0, rateIndex < Self.rates.count else { return nil }
        headerSize = bytes[1] & 1 == 1 ? 7 : 9
        size = Int(bytes.u24(at: 3) >> 5 & 0x1fff)
        let blocks = Int(bytes[6] & 3) + 1
        samples = 1_024 * blocks
        rate = Self.rates[rateIndex]
        isUnsupported = blocks > 1
    }

    /// ISO/IEC 14496-3 §1.7.2. How long the frame lasts is in the configuration.
    private init?(loas bytes: Span<UInt8>) {
        guard bytes.u16(at: 0) & 0xffe0 == 0x56e0 else { return nil }
        headerSize = 3
        size = 3 + Int(bytes.u16(at: 1) & 0x1fff)
        samples = 1_024
        rate = 48_000
    }

    private static let mp3Rates = [44_100, 48_000, 32_000]
    private static let mp3BitRates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    private static let mp3HalfBitRates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    private static let layer2BitRates = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]

    /// ISO/IEC 11172-3 §2.4.1.3 and 13818-3. Layer II is measured so that it can be passed over.
    private init?(mp3 bytes: Span<UInt8>) {
        let version = bytes[1] >> 3 & 3
        let layer = 4 - Int(bytes[1] >> 1 & 3)
        let bitRateIndex = Int(bytes[2] >> 4)
        let rateIndex = Int(bytes[2] >> 2 & 3)
        guard bytes.u16(at: 0) & 0xffe0 == 0xffe0, version != 1, layer == 2 || layer == 3, rateIndex < 3,
            bitRateIndex > 0, bitRateIndex < 15
        else { return nil }
        let isFull = version == 3
        rate = Self.mp3Rates[rateIndex] >> (isFull ? 0 : version == 2 ? 1 : 2)
        samples = layer == 3 && !isFull ? 576 : 1_152
        let table = !isFull ? Self.mp3HalfBitRates : layer == 3 ? Self.mp3BitRates : Self.layer2BitRates
        size = samples / 8 * table[bitRateIndex] * 1_000 / rate + Int(bytes[2] >> 1 & 1)
        channels = bytes[3] >> 6 == 3 ? 1 : 2
        isUnsupported = layer == 2
    }

    private static let dolbyRates = [48_000, 44_100, 32_000]
    private static let dolbyBitRates = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
    ]

    /// ETSI TS 102 366 §4.3 and annex E §1.2; bsid above 10 is E-AC-3.
    private init?(dolby bytes: Span<UInt8>) {
        guard bytes.u16(at: 0) == 0x0b77, bytes[5] >> 3 <= 16 else { return nil }
        let code = Int(bytes[4] >> 6)
        if bytes[5] >> 3 > 10 {
            let halfCode = Int(bytes[4] >> 4 & 3)
            guard code < 3 || halfCode < 3 else { return nil }
            size = (Int(bytes.u16(at: 2) & 0x7ff) + 1) * 2
            rate = code < 3 ? Self.dolbyRates[code] : Self.dolbyRates[halfCode] / 2
            samples = 256 * (code < 3 ? [1, 2, 3, 6][halfCode] : 6)
            isContinuation = bytes[2] >> 6 == 1 || bytes[2] >> 3 & 7 > 0
        } else {
            let sizeCode = Int(bytes[4] & 0x3f)
            guard code < 3, sizeCode / 2 < Self.dolbyBitRates.count else { return nil }
            let bitRate = Self.dolbyBitRates[sizeCode / 2]
            rate = Self.dolbyRates[code]
            samples = 1_536
            // Words of 16 bits; at 44.1 kHz they do not come out even, and the odd codes have one more.
            size = 2 * (code == 1 ? bitRate * 320 / 147 + sizeCode % 2 : bitRate * (code == 0 ? 2 : 3))
        }
    }
}
