import Media

/// Makes message bodies of the PES packets of an Opus stream, whose access units have a control header each
/// ("Opus in MPEG-2 TS", §5.1).
struct OpusUnits: Sendable {
    let pid: UInt16
    private let header: BodyHeader
    private let channels: UInt8
    private var isConfigured = false
    private var base: Int64 = 0
    private var samples = 0

    /// Samples of a frame at 48 kHz by the configuration number of its first byte (RFC 6716 §3.1).
    private static let durations = [
        480, 960, 1_920, 2_880, 480, 960, 1_920, 2_880, 480, 960, 1_920, 2_880, 480, 960, 480, 960,
        120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960,
    ]

    /// `channels` is the channel configuration code of the stream's descriptor.
    init(pid: UInt16, track: UInt8, channels: UInt8) {
        self.pid = pid
        self.channels = channels
        header = BodyHeader(track: track)
    }

    private var now: Int64 { base + Int64(samples) * 90 / 48 }

    mutating func take(
        _ payload: Span<UInt8>, _ timing: UnitTiming, _ counters: inout TSCounters, _ events: inout [TSEvent]
    ) {
        if let pts = timing.pts { (base, samples) = (pts, 0) }
        configure(&events)
        var position = 0
        while position < payload.count {
            guard let unit = Self.unit(payload, &position) else {
                counters.damagedUnits += 1
                return
            }
            var body: [UInt8] = []
            body.reserveCapacity(BodyHeader.maximumSize + unit.count)
            header.frame(.opus, rate: 48_000, channels: Int(channels), into: &body)
            payload.extracting(unit).withUnsafeBufferPointer { body.append(contentsOf: $0) }
            events.append(.frame(TSFrame(kind: .audio, pid: pid, pts: now, dts: now, body: body)))
            samples += Self.duration(payload.extracting(unit))
        }
    }

    /// opus_control_header(), and the bytes of the access unit behind it.
    private static func unit(_ bytes: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        guard position + 3 <= bytes.count, bytes.u16(at: position) & 0xffe0 == 0x7fe0 else { return nil }
        let flags = bytes[position + 1]
        position += 2
        var size = 0
        while true {
            guard position < bytes.count else { return nil }
            let part = Int(bytes[position])
            position += 1
            size += part
            if part < 255 { break }
        }
        if flags & 0x10 != 0 { position += 2 }  // start_trim
        if flags & 0x08 != 0 { position += 2 }  // end_trim
        if flags & 0x04 != 0 {  // control_extension
            guard position < bytes.count else { return nil }
            position += 1 + Int(bytes[position])
        }
        guard size > 0, size <= bytes.count - position else { return nil }
        defer { position += size }
        return position..<position + size
    }

    private static func duration(_ packet: Span<UInt8>) -> Int {
        let frame = durations[Int(packet[0] >> 3)]
        switch packet[0] & 3 {
        case 0: return frame
        case 1, 2: return frame * 2
        default: return packet.count > 1 ? frame * Int(packet[1] & 0x3f) : frame
        }
    }

    private mutating func configure(_ events: inout [TSEvent]) {
        guard !isConfigured else { return }
        isConfigured = true
        var body: [UInt8] = []
        header.sequence(.opus, into: &body)
        body += Self.identification(channels)
        events.append(.frame(TSFrame(kind: .audio, pid: pid, pts: now, dts: now, isConfiguration: true, body: body)))
    }

    /// Streams and coupled streams by channel count, and the channels' order, of mapping family 1 (RFC 7845 §5.1.1.2).
    private static let families: [(streams: UInt8, coupled: UInt8, order: [UInt8])] = [
        (1, 0, [0]), (1, 1, [0, 1]), (2, 1, [0, 2, 1]), (2, 2, [0, 1, 2, 3]), (3, 2, [0, 4, 1, 2, 3]),
        (4, 2, [0, 4, 1, 2, 3, 5]), (4, 3, [0, 4, 1, 2, 3, 5, 6]), (5, 3, [0, 6, 1, 2, 3, 4, 5, 7]),
    ]

    /// The identification header of RFC 7845 §5.1. Codes that name no mapping of their own are taken for stereo.
    private static func identification(_ code: UInt8) -> [UInt8] {
        let count = (1...8).contains(code) ? code : 2
        var head = [UInt8]("OpusHead".utf8)
        head += [1, count, 0, 0, 0x80, 0xbb, 0, 0, 0, 0]
        head.append(count > 2 ? 1 : 0)
        guard count > 2 else { return head }
        let family = families[Int(count) - 1]
        return head + [family.streams, family.coupled] + family.order
    }
}
