import Media

/// What the head of an MPEG audio layer III frame says (ISO/IEC 11172-3 §2.4.1.3 and 13818-3). Data plane.
struct MP3Head: Sendable, Equatable {
    let sampleRate: Int
    let channels: Int
    let samples: Int
    /// MPEG-1, not one of the half and quarter rates of MPEG-2.
    let isFull: Bool

    /// nil when there is no such head.
    init?(_ frame: Span<UInt8>) {
        guard frame.count >= 4, frame.u16(at: 0) & 0xffe6 == 0xffe2 else { return nil }
        let version = frame[1] >> 3 & 3
        let rate = Int(frame[2] >> 2 & 3)
        guard version != 1, rate < 3 else { return nil }
        isFull = version == 3
        let full = rate == 0 ? 44_100 : rate == 1 ? 48_000 : 32_000
        sampleRate = full >> (isFull ? 0 : version == 2 ? 1 : 2)
        channels = frame[3] >> 6 == 3 ? 1 : 2
        samples = isFull ? 1_152 : 576
    }
}
