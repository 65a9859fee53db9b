import Media

/// Makes message bodies of the PES packets of an H.264 or H.265 stream: NAL units with lengths instead of start codes,
/// without access unit delimiters and parameter sets. Those go into a sequence header, which comes whenever they change.
///
/// A packet as a rule holds one access unit; several, told apart by their delimiters, follow one another at the stream's
/// own interval.
struct VideoUnits: Sendable {
    let codec: VideoCodec
    let pid: UInt16
    private let header: BodyHeader
    private var sets: ParameterSets
    private var configuration: [UInt8] = []
    /// Reused from packet to packet.
    private var units: [Range<Int>] = []
    private var lastDTS: Int64?
    private var interval: Int64 = 3_000

    /// Two pictures at most this far apart say how long one lasts, in 90 kHz.
    private static let longestInterval: Int64 = 90_000

    init(_ codec: VideoCodec, pid: UInt16, track: UInt8) {
        self.codec = codec
        self.pid = pid
        header = BodyHeader(track: track)
        sets = ParameterSets(codec)
    }

    /// What is known of an access unit while its NAL units are looked through.
    private struct Picture {
        var isCoded = false
        var isKeyframe = false
        var hasParameterSets = false
        var hasRecoveryPoint = false
        var first: Int
    }

    mutating func take(
        _ payload: Span<UInt8>, _ timing: UnitTiming, _ counters: inout TSCounters, _ events: inout [TSEvent]
    ) {
        guard !timing.isCut, AnnexB.split(payload, into: &units) else {
            counters.damagedUnits += 1
            return
        }
        var picture = Picture(first: 0)
        var time = start(timing)
        for index in units.indices {
            if isDelimiter(payload[units[index].lowerBound]) && picture.isCoded {
                emit(payload, picture, index, time, timing, &counters, &events)
                time = (time.pts + interval, time.dts + interval)
                picture = Picture(first: index)
            }
            look(payload.extracting(units[index]), &picture)
        }
        guard picture.isCoded else { return }
        emit(payload, picture, units.count, time, timing, &counters, &events)
    }

    private func start(_ timing: UnitTiming) -> (pts: Int64, dts: Int64) {
        let expected = lastDTS.map { $0 + interval } ?? 0
        let pts = timing.pts ?? expected
        return (pts, timing.dts ?? pts)
    }

    private func isDelimiter(_ header: UInt8) -> Bool {
        codec == .h264 ? header & 0x1f == 9 : header >> 1 & 0x3f == 35
    }

    private mutating func look(_ unit: Span<UInt8>, _ picture: inout Picture) {
        let first = unit[0]
        if ParameterSets.isParameterSet(codec, first) {
            picture.hasParameterSets = true
            return sets.note(unit)
        }
        if codec == .h264 {
            switch first & 0x1f {
            case 1...4: picture.isCoded = true
            case 5: (picture.isCoded, picture.isKeyframe) = (true, true)
            case 6: if Self.hasRecoveryPoint(unit) { picture.hasRecoveryPoint = true }
            default: break
            }
        } else {
            let type = first >> 1 & 0x3f
            if type < 32 { picture.isCoded = true }
            if (16...23).contains(type) { picture.isKeyframe = true }
        }
    }

    /// Walks the messages of an SEI unit (H.264 §7.3.2.3) for a recovery point: where streams without IDR pictures can be
    /// joined. Emulation prevention is not undone; it does not occur in the small messages that come before.
    private static func hasRecoveryPoint(_ unit: Span<UInt8>) -> Bool {
        var position = 1
        while position + 2 < unit.count {
            let type = unit[position]
            guard type != 6 else { return true }
            position += 1
            guard type != 0xff, unit[position] != 0xff else { return false }
            position += 1 + Int(unit[position])
        }
        return false
    }

    private mutating func emit(
        _ payload: Span<UInt8>, _ picture: Picture, _ end: Int, _ time: (pts: Int64, dts: Int64), _ timing: UnitTiming,
        _ counters: inout TSCounters, _ events: inout [TSEvent]
    ) {
        if let lastDTS, time.dts > lastDTS, time.dts - lastDTS <= Self.longestInterval { interval = time.dts - lastDTS }
        lastDTS = time.dts
        configure(time.dts, &events)
        guard !configuration.isEmpty else {
            counters.unconfiguredFrames += 1
            return
        }
        let isJoinable = picture.hasRecoveryPoint || (timing.isRandomAccess && picture.hasParameterSets)
        let isKeyframe = picture.isKeyframe || (codec == .h264 && isJoinable)
        let shown = TSFrame.milliseconds(time.pts) - TSFrame.milliseconds(time.dts)
        let compositionTime = min(max(shown, -0x80_0000), 0x7f_ffff)
        var body: [UInt8] = []
        body.reserveCapacity(size(picture.first..<end))
        header.frame(codec, isKeyframe: isKeyframe, compositionTime: compositionTime, into: &body)
        for index in picture.first..<end where isKept(payload[units[index].lowerBound]) {
            body.append(u32: UInt32(units[index].count))
            payload.extracting(units[index]).withUnsafeBufferPointer { body.append(contentsOf: $0) }
        }
        events.append(
            .frame(
                TSFrame(
                    kind: .video, pid: pid, pts: time.pts, dts: time.dts, isKeyframe: isKeyframe, body: body)))
    }

    private func isKept(_ header: UInt8) -> Bool {
        !isDelimiter(header) && !ParameterSets.isParameterSet(codec, header)
    }

    private func size(_ range: Range<Int>) -> Int {
        var size = BodyHeader.maximumSize
        for index in range { size += 4 + units[index].count }
        return size
    }

    /// Tells of a new configuration before the first picture that needs it.
    private mutating func configure(_ dts: Int64, _ events: inout [TSEvent]) {
        guard sets.hasChanged, let record = sets.record(), record != configuration else { return }
        configuration = record
        var body: [UInt8] = []
        body.reserveCapacity(BodyHeader.maximumSize + record.count)
        header.sequence(codec, into: &body)
        body += record
        events.append(
            .frame(TSFrame(kind: .video, pid: pid, pts: dts, dts: dts, isConfiguration: true, body: body)))
    }
}
