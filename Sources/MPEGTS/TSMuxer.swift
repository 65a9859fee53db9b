import FLV
import Media

/// Writes a transport stream of message bodies: for each frame whole packets, so that frames can be appended to a log that
/// many read and joined at any one that starts with the tables. Data plane: a frame allocates nothing.
///
/// A frame is planned, which tells its exact size, and then written. What says how to decode (sequence headers) is learnt
/// when it is planned, and takes no bytes: parameter sets go before keyframes, the rest into the PMT and into each frame.
public struct TSMuxer: Sendable {
    public struct Settings: Sendable, Equatable {
        /// Milliseconds from the program clock to the decoding time of a frame: what a receiver has for taking it in.
        public var decodeDelay: Int64 = 200
        /// What is made begins a file that follows on another, whose counters it does not know: the first packet of each
        /// PID says so.
        public var marksStart = false

        public init() {}
    }

    /// What one frame becomes.
    public struct Plan: Sendable {
        /// Bytes; a multiple of 188, and 0 for what takes none.
        public fileprivate(set) var size = 0
        var units: [8 of MuxUnit] = .init(repeating: MuxUnit())
        var count = 0
        /// What the only unit is made of, where that is data.
        var data: DataMessage?
        fileprivate var clock = MuxClock.Plan(target: 0)
        fileprivate var startsHere = false
    }

    /// Frames that a transport stream cannot hold, or that make no sense.
    public internal(set) var unwritableFrames: UInt64 = 0

    let settings: Settings
    private(set) var tracks: [MuxTrack] = []
    /// Tracks that have gone: one that comes back keeps its PID, whose counter goes on. One of each kind and id at most.
    private var gone: [MuxTrack] = []
    private var tables = MuxTables()
    /// The program has changed since the tables were last sent.
    private var owesTables = false
    private var clock = MuxClock()
    private var clockTrack = 0

    /// Elementary streams of one program that are written; further tracks are left out.
    public static let maximumTracks = 16
    private static let firstPID: UInt16 = 0x100
    /// Of data, whose tracks come and go without moving the others.
    private static let firstDataPID: UInt16 = 0x180
    /// Tracks of one multitrack message that are written.
    private static let maximumUnits = 8

    public init(settings: Settings = Settings()) {
        self.settings = settings
        tables.marksStart = settings.marksStart
    }

    /// Whether the program has pictures.
    public private(set) var hasVideo = false

    public static func holds(_ codec: VideoCodec) -> Bool { Self.codec(codec) != nil }

    public static func holds(_ codec: AudioCodec) -> Bool {
        codec == .aac || codec == .opus || selfDescribing(codec) != nil
    }

    /// Another publish session follows: what the last one said of its tracks no longer holds. PIDs, counters and the
    /// clock go on.
    public mutating func beginSession() {
        gone += tracks
        tracks = []
        programChanged()
    }

    // MARK: Planning

    /// What the message becomes. `timestamp` is in milliseconds of stream time and continuous; `startsHere` puts the tables
    /// before a frame that is no keyframe, so that readers can start there.
    public mutating func plan(
        _ kind: MediaKind, timestamp: Int64, body: Span<UInt8>, startsHere: Bool = false
    ) -> Plan {
        var plan = Plan()
        plan.startsHere = startsHere
        switch kind {
        case .video: planVideo(timestamp, body, &plan)
        case .audio: planAudio(timestamp, body, &plan)
        case .script: planData(timestamp, body, &plan)
        }
        guard plan.count > 0 else { return plan }
        plan.clock = clock.plan(target: target(plan), startsHere: plan.startsHere || owesTables)
        countPackets(&plan)
        return plan
    }

    private mutating func planVideo(_ timestamp: Int64, _ body: Span<UInt8>, _ plan: inout Plan) {
        guard var packet = try? VideoPacket.parse(body) else {
            unwritableFrames += 1
            return
        }
        while true {
            let payload = packet.payloadOffset..<packet.payloadEnd
            if packet.isSequenceHeader {
                configure(.video, packet.trackID, Self.codec(packet.codec), body.extracting(payload))
            } else if packet.isCoded {
                let shown = timestamp + Int64(packet.compositionTime)
                let unit = MuxUnit(
                    payload: payload, pts: shown * 90, dts: min(timestamp, shown) * 90, isKeyframe: packet.isKeyframe)
                add(unit, .video, packet.trackID, codec: nil, body, &plan)
            }
            guard let next = (try? packet.next(in: body)) ?? nil else { return }
            packet = next
        }
    }

    private mutating func planAudio(_ timestamp: Int64, _ body: Span<UInt8>, _ plan: inout Plan) {
        guard var packet = try? AudioPacket.parse(body) else {
            unwritableFrames += 1
            return
        }
        while true {
            let payload = packet.payloadOffset..<packet.payloadEnd
            if packet.isSequenceHeader {
                configure(
                    .audio, packet.trackID, Self.codec(packet.codec, body.extracting(payload)),
                    body.extracting(payload))
            } else if packet.isCoded {
                let unit = MuxUnit(payload: payload, pts: timestamp * 90, dts: timestamp * 90)
                add(unit, .audio, packet.trackID, codec: Self.selfDescribing(packet.codec), body, &plan)
            }
            guard let next = (try? packet.next(in: body)) ?? nil else { return }
            packet = next
        }
    }

    private static func codec(_ codec: VideoCodec) -> MuxTrack.Codec? {
        codec == .h264 ? .h264 : codec == .h265 ? .h265 : nil
    }

    private static func codec(_ codec: AudioCodec, _ header: Span<UInt8>) -> MuxTrack.Codec? {
        switch codec {
        case .aac: .aac
        case .opus: .opus(channels: MuxTrack.opusChannels(header))
        default: selfDescribing(codec)
        }
    }

    /// Codecs that need no sequence header.
    private static func selfDescribing(_ codec: AudioCodec) -> MuxTrack.Codec? {
        switch codec {
        case .mp3: .mp3
        case .ac3: .ac3
        case .eac3: .eac3
        default: nil
        }
    }

    /// `codec` is known of frames that describe themselves; others need to have been configured.
    private mutating func add(
        _ unit: MuxUnit, _ kind: MediaKind, _ id: UInt8, codec: MuxTrack.Codec?, _ body: Span<UInt8>,
        _ plan: inout Plan
    ) {
        guard plan.count < Self.maximumUnits else {
            unwritableFrames += 1
            return
        }
        var index = tracks.firstIndex { $0.kind == kind && $0.id == id }
        if let codec, index == nil || tracks[index ?? 0].codec != codec { index = setTrack(kind, id, codec) }
        guard let index else {
            unwritableFrames += 1
            return
        }
        var unit = unit
        unit.track = index
        unit.count(tracks[index], body)
        guard unit.size > 0 else {
            unwritableFrames += 1
            return
        }
        let delay = settings.decodeDelay * 90
        unit.pts += delay
        unit.dts += delay
        if unit.isKeyframe && index == clockTrack { plan.startsHere = true }
        plan.units[plan.count] = unit
        plan.count += 1
    }

    /// The time that the clock reaches with the plan's frame. Data follows it and never moves it on.
    private func target(_ plan: Plan) -> Int64 {
        let dts = plan.data == nil ? plan.units[0].dts - settings.decodeDelay * 90 : newestFrame ?? 0
        var newest = dts
        var oldest = dts
        for index in tracks.indices where index != plan.units[0].track {
            guard tracks[index].kind != .script, let latest = tracks[index].latest else { continue }
            newest = max(newest, latest)
            oldest = min(oldest, latest)
        }
        return max(oldest, newest - MuxClock.longestLag)
    }

    /// The newest decoding time of sound and pictures.
    var newestFrame: Int64? { tracks.lazy.compactMap { $0.kind == .script ? nil : $0.latest }.max() }

    private func countPackets(_ plan: inout Plan) {
        let repetitions =
            plan.clock.tablesInFills + (plan.clock.leadsWithTables ? 1 : 0) + (plan.clock.hasTables ? 1 : 0)
        var packets = plan.clock.fills + tables.size / TSPacket.size * repetitions
        if clockIsAlone(plan) { packets += 1 }
        for index in 0..<plan.count {
            packets += PacketWriter.packets(size(plan, index), adaptation(plan, index))
        }
        plan.size = packets * TSPacket.size
    }

    /// Of a unit with its head.
    private func size(_ plan: Plan, _ index: Int) -> Int {
        let unit = plan.units[index]
        return plan.data == nil ? PESWriter.size(pts: unit.pts, dts: unit.dts) + unit.size : unit.size
    }

    /// A new time base has to be told at once, even with a frame of another PID.
    private func clockIsAlone(_ plan: Plan) -> Bool {
        plan.clock.isDiscontinuous && plan.units[0].track != clockTrack
    }

    private func adaptation(_ plan: Plan, _ index: Int) -> PacketWriter.Adaptation {
        let unit = plan.units[index]
        let isClock = index == 0 && unit.track == clockTrack && plan.clock.hasClock
        return PacketWriter.Adaptation(
            clock: isClock ? plan.clock.target : nil,
            isRandomAccess: unit.isKeyframe || (plan.startsHere && unit.track == clockTrack),
            isDiscontinuous: isClock && plan.clock.isDiscontinuous || isUnknown(unit.track))
    }

    /// Readers do not know the counter of the track's PID.
    func isUnknown(_ track: Int) -> Bool { settings.marksStart && tracks[track].latest == nil }

    // MARK: Writing

    /// Writes what was planned last. `body` is the plan's.
    ///
    /// Safety: `target` has at least `plan.size` bytes and does not overlap `body`; more are not written.
    public mutating func write(_ plan: Plan, body: Span<UInt8>, into target: UnsafeMutableRawBufferPointer) {
        guard plan.size > 0 else { return }
        precondition(target.count >= plan.size)
        var writer = PacketWriter(target)
        if plan.clock.leadsWithTables { putTables(plan, leading: true, &writer) }
        for _ in 0..<plan.clock.fills {
            let step = clock.fill()
            if step.hasTables { tables.put(into: &writer) }
            writer.putClock(
                step.clock, pid: tracks[clockTrack].pid, counter: tracks[clockTrack].counter,
                isDiscontinuous: isUnknown(clockTrack))
        }
        if plan.clock.hasTables { putTables(plan, leading: false, &writer) }
        if clockIsAlone(plan) {
            writer.putClock(
                plan.clock.target, pid: tracks[clockTrack].pid, counter: tracks[clockTrack].counter,
                isDiscontinuous: true)
            clock.sentClock(plan.clock)
        }
        for index in 0..<plan.count { write(plan, index, body, &writer) }
        precondition(writer.offset == plan.size, "a frame is written as it was planned")
    }

    private mutating func putTables(_ plan: Plan, leading: Bool, _ writer: inout PacketWriter) {
        tables.put(into: &writer)
        owesTables = false
        clock.sentTables(plan.clock, leading: leading)
    }

    private mutating func write(_ plan: Plan, _ index: Int, _ body: Span<UInt8>, _ writer: inout PacketWriter) {
        let unit = plan.units[index]
        let adaptation = adaptation(plan, index)
        if adaptation.clock != nil { clock.sentClock(plan.clock) }
        let track = unit.track
        writer.begin(size(plan, index), pid: tracks[track].pid, counter: &tracks[track].counter, adaptation)
        if let data = plan.data {
            putData(data, unit, body, &writer)
            tracks[track].latest = unit.dts
            return
        }
        PESWriter.put(tracks[track].streamID, pts: unit.pts, dts: unit.dts, count: unit.size, into: &writer)
        unit.put(tracks[track], body, into: &writer)
        if unit.hasParameterSets { tracks[track].owesParameterSets = false }
        tracks[track].latest = unit.dts - settings.decodeDelay * 90
    }

    // MARK: Tracks

    private mutating func configure(_ kind: MediaKind, _ id: UInt8, _ codec: MuxTrack.Codec?, _ payload: Span<UInt8>) {
        guard let codec else {
            removeTrack(kind, id)
            return
        }
        guard let index = setTrack(kind, id, codec) else { return }
        if !tracks[index].configure(payload) { removeTrack(kind, id) }
    }

    /// The index of the track, made or changed as needed; nil when there are too many.
    mutating func setTrack(_ kind: MediaKind, _ id: UInt8, _ codec: MuxTrack.Codec) -> Int? {
        if let index = tracks.firstIndex(where: { $0.kind == kind && $0.id == id }) {
            guard tracks[index].codec != codec else { return index }
            tracks[index].codec = codec
            tracks[index].streamID = MuxTrack.streamID(codec, Int(id))
            tracks[index].parameterSets = []
            tracks[index].adts = nil
        } else {
            guard tracks.count < Self.maximumTracks else { return nil }
            tracks.append(newTrack(kind, id, codec))
        }
        programChanged()
        return tracks.firstIndex { $0.kind == kind && $0.id == id }
    }

    private mutating func removeTrack(_ kind: MediaKind, _ id: UInt8) {
        guard let index = tracks.firstIndex(where: { $0.kind == kind && $0.id == id }) else { return }
        gone.append(tracks.remove(at: index))
        programChanged()
    }

    private mutating func newTrack(_ kind: MediaKind, _ id: UInt8, _ codec: MuxTrack.Codec) -> MuxTrack {
        guard let index = gone.firstIndex(where: { $0.kind == kind && $0.id == id }) else {
            return MuxTrack(kind, id: id, pid: freePID(kind), codec: codec, index: Int(id))
        }
        let before = gone.remove(at: index)
        var track = MuxTrack(kind, id: id, pid: before.pid, codec: codec, index: Int(id))
        track.counter = before.counter
        return track
    }

    private func freePID(_ kind: MediaKind) -> UInt16 {
        var pid = kind == .script ? Self.firstDataPID : Self.firstPID
        while tracks.contains(where: { $0.pid == pid }) || gone.contains(where: { $0.pid == pid }) { pid += 1 }
        return pid
    }

    private mutating func programChanged() {
        let video = tracks.firstIndex { $0.kind == .video }
        hasVideo = video != nil
        // Data alone makes no program: nothing would say what time it is.
        guard let clock = video ?? tracks.firstIndex(where: { $0.kind == .audio }) else { return }
        clockTrack = clock
        tables.make(tracks, clockPID: tracks[clockTrack].pid)
        owesTables = !tables.areKnown
    }
}
