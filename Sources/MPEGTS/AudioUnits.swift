import Media

/// Makes message bodies of the PES packets of an audio stream whose frames follow one another (see `AudioFrameHead`).
///
/// A frame may begin in one packet and end in the next. A packet's time is that of the first frame that begins in it;
/// the others follow by their samples.
struct AudioUnits: Sendable {
    let codec: AudioCodec
    let pid: UInt16
    private let header: BodyHeader
    private let format: AudioFrameHead.Format
    private var latm = LATM()
    private var configuration: [UInt8] = []
    /// A frame that has not come whole, or, while a packet is looked through, it and the packet.
    private var carry: [UInt8] = []
    /// The time of the newest packet's first frame, and the samples since.
    private var base: Int64 = 0
    private var samples = 0
    private var rate = 48_000

    init(_ codec: AudioCodec, isLATM: Bool, pid: UInt16, track: UInt8) {
        self.codec = codec
        self.pid = pid
        header = BodyHeader(track: track)
        format = isLATM ? .loas : codec == .aac ? .adts : codec == .mp3 ? .mp3 : .dolby
    }

    private var now: Int64 { base + Int64(samples) * 90_000 / Int64(rate) }

    /// The stream lost something: what is held cannot be completed.
    mutating func lose() { carry.removeAll(keepingCapacity: true) }

    mutating func take(
        _ payload: Span<UInt8>, _ timing: UnitTiming, _ counters: inout TSCounters, _ events: inout [TSEvent]
    ) {
        let carried = carry.count
        payload.withUnsafeBufferPointer { carry.append(contentsOf: $0) }
        var bytes: [UInt8] = []
        swap(&bytes, &carry)
        let used = walk(bytes.span, carried: carried, timing, &counters, &events)
        if timing.isCut {
            counters.damagedUnits += 1
            bytes.removeAll(keepingCapacity: true)
        } else {
            bytes.removeSubrange(0..<used)
        }
        swap(&bytes, &carry)
    }

    /// Returns how many bytes are done with.
    private mutating func walk(
        _ bytes: Span<UInt8>, carried: Int, _ timing: UnitTiming, _ counters: inout TSCounters,
        _ events: inout [TSEvent]
    ) -> Int {
        var position = 0
        var isTimed = false
        var isLost = false
        while bytes.count - position >= format.headSize {
            guard let head = AudioFrameHead(format, bytes.extracting(position..<bytes.count)) else {
                if !isLost { counters.damagedUnits += 1 }
                isLost = true
                position += 1
                continue
            }
            guard let end = wholeFrame(head, bytes, position) else { break }
            isLost = false
            if !isTimed && position >= carried {
                isTimed = true
                if let pts = timing.pts { (base, samples) = (pts, 0) }
            }
            emit(bytes.extracting(position..<end), head, &counters, &events)
            position = end
        }
        // The frame that has begun here is the one that the packet's time is of.
        if !isTimed && position >= carried, let pts = timing.pts { (base, samples) = (pts, 0) }
        return bytes.count - position > TSLimits.audioFrame ? bytes.count : position
    }

    /// Where the frame at `position` ends, with what belongs to it; nil when it is not whole.
    private func wholeFrame(_ head: AudioFrameHead, _ bytes: Span<UInt8>, _ position: Int) -> Int? {
        var end = position + head.size
        guard end <= bytes.count else { return nil }
        while format == .dolby, bytes.count - end >= format.headSize,
            let next = AudioFrameHead(format, bytes.extracting(end..<bytes.count)), next.isContinuation,
            end + next.size <= bytes.count
        { end += next.size }
        return end
    }

    private mutating func emit(
        _ frame: Span<UInt8>, _ head: AudioFrameHead, _ counters: inout TSCounters, _ events: inout [TSEvent]
    ) {
        guard !head.isUnsupported else {
            counters.unsupportedFrames += 1
            return advance(head.samples, head.rate)
        }
        switch format {
        case .adts:
            configure(Self.configuration(adts: frame), &events)
            deliver(frame.extracting(head.headerSize..<frame.count), head, &events)
            advance(head.samples, head.rate)
        case .loas:
            guard let unit = latm.parse(frame.extracting(head.headerSize..<frame.count)) else {
                if latm.isConfigured { counters.damagedUnits += 1 } else { counters.unconfiguredFrames += 1 }
                return advance(latm.samples, latm.rate)
            }
            configure(latm.configuration, &events)
            for payload in unit {
                deliver(payload.span, head, &events)
                advance(latm.samples, latm.rate)
            }
        case .mp3, .dolby:
            deliver(frame, head, &events)
            advance(head.samples, head.rate)
        }
    }

    private mutating func advance(_ count: Int, _ rate: Int) {
        if rate != self.rate {
            base = now
            samples = 0
            self.rate = rate
        }
        samples += count
    }

    private func deliver(_ payload: Span<UInt8>, _ head: AudioFrameHead, _ events: inout [TSEvent]) {
        var body: [UInt8] = []
        body.reserveCapacity(BodyHeader.maximumSize + payload.count)
        header.frame(codec, rate: head.rate, channels: head.channels, into: &body)
        payload.withUnsafeBufferPointer { body.append(contentsOf: $0) }
        events.append(.frame(TSFrame(kind: .audio, pid: pid, pts: now, dts: now, body: body)))
    }

    private mutating func configure(_ new: [UInt8], _ events: inout [TSEvent]) {
        guard new != configuration else { return }
        configuration = new
        var body: [UInt8] = []
        header.sequence(codec, into: &body)
        body += new
        events.append(.frame(TSFrame(kind: .audio, pid: pid, pts: now, dts: now, isConfiguration: true, body: body)))
    }

    /// The AudioSpecificConfig that an ADTS header implies (ISO/IEC 14496-3 §1.6.2.1): object type, rate and channels.
    private static func configuration(adts frame: Span<UInt8>) -> [UInt8] {
        let objectType = UInt16(frame[2] >> 6) + 1
        let rateIndex = UInt16(frame[2] >> 2 & 0xf)
        let channels = UInt16(frame[2] & 1) << 2 | UInt16(frame[3] >> 6)
        let packed = objectType << 11 | rateIndex << 7 | channels << 3
        return [UInt8(packed >> 8), UInt8(packed & 0xff)]
    }
}
