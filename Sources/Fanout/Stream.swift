/// One stream at its home loop: takes frames in, keeps the logs, and decides when readers are told.
///
/// Invariants: only the home loop touches it; `channels[0]` is the frame log, which holds every body whole
/// (`WireKind.bodyMargins`); a frame is encoded into another log only while somebody reads that one. The stream moves to
/// the loop of whoever publishes it (`StreamHandle`).
import EventLoop
import FLV
import HLS
import Media
import Packaging
import RelayProtocol
import StreamLog

public final class Stream {
    public let name: StreamName
    public unowned let handle: StreamHandle
    public internal(set) var publisher: Publisher?
    public private(set) var description = StreamDescription()
    public let created: UInt64

    public struct Counters: Sendable {
        public var bytesIn: UInt64 = 0
        public var video: UInt64 = 0
        public var audio: UInt64 = 0
        /// Video that came before the first keyframe of a publish session: nobody could decode it.
        public var undecodable: UInt64 = 0
        /// Bytes to viewers on logs that have been let go of.
        public var retired: UInt64 = 0
        /// When the newest frame came, in milliseconds of Unix time.
        public var lastFrame: UInt64 = 0
    }

    let settings: FanoutSettings
    private(set) var configurations = Configurations()
    private var timeline = Timeline()
    /// Publish sessions of which frames may still be in the frame log.
    private var epochs: [(epoch: UInt64, session: UInt32, shift: Int64)] = []
    var keyframes = KeyframeSpacing()

    // What each frame needs, side by side in memory.
    /// This process's name for the stream on relay links; the same for every child.
    let number: UInt32
    /// Publish sessions so far.
    private var session: UInt32 = 0
    public internal(set) var epoch: UInt64 = 0
    private var sequence: UInt64 = 0
    /// What the newest of `epochs` has been moved by: each frame is told on with it.
    private var shift: Int64 = 0
    private(set) var loop: Loop
    var channels: [Channel]
    /// While somebody fetches it over HLS.
    var packaging: StreamPackaging?
    private(set) var hasVideo = false
    /// It has had data beside sound and pictures.
    var hasData = false
    private var awaitsKeyframe = true
    /// The newest frame came from another node.
    private var wasRelayed = false
    public private(set) var counters = Counters()
    private var relayedTimeline = RelayedTimeline()
    private var lastJoin: Int64 = .min
    private var flush: FlushClock
    private var numbering: SegmentNumbering

    private var timer: Timer?
    var lingerTimer: Timer?
    /// Codecs that a transport stream has no place for, and that operators have been told of.
    var toldLeftOut: Set<String> = []

    /// How often a stream without video offers a new place to join, in milliseconds.
    static let audioJoinInterval: Int64 = 500
    /// Publish sessions within one retention that are told apart.
    private static let maxEpochs = 64

    init(_ name: StreamName, handle: StreamHandle, settings: FanoutSettings, number: UInt32, on loop: Loop) {
        self.name = name
        self.handle = handle
        self.settings = settings
        self.number = number
        self.loop = loop
        created = Clock.unixMilliseconds
        flush = FlushClock(interval: settings.flushInterval)
        channels = [Channel(.frames, retention: settings.retention)]
        numbering = SegmentNumbering(target: settings.segment(name))
    }

    // MARK: Frames

    /// Takes one message body of the publisher, which came so many milliseconds ago. Readers are told when `flushIfDue`
    /// is called.
    public func append(
        _ kind: MediaKind, timestamp: UInt32, body: [UInt8], held milliseconds: Int64 = 0
    ) throws(FLVError) {
        let body = body.span
        count(body, at: Clock.unixMilliseconds)
        let frame = try FrameClass(kind, body)
        if frame.isNoted {
            switch configurations.note(frame.key, body) {
            case .nothing: return
            case .first: break
            case .change: if frame.isConfiguration { numbering.changeConfiguration() }
            }
        }
        guard observe(frame, body) else { return }
        sequence += 1
        let time = timeline.map(
            kind: kind, track: frame.track, timestamp: timestamp, nowMilliseconds: Int64(counters.lastFrame))
        let mark = FrameMark(
            size: 0, timestamp: time, sequence: sequence, origin: Clock.unixMicroseconds - milliseconds * 1_000,
            flags: frame.flags, session: session, segment: segment(of: frame, at: time))
        store(frame, mark, body)
    }

    /// Takes one frame from another node, with the number that its ingest node gave it. What a relay may pass on, and
    /// in which order, has been decided before. The body may lie where it was read: it is copied once, into the log.
    /// `arrived`: microseconds of Unix time.
    public func append(
        relayed header: RelayFrame.Header, body: Span<UInt8>, arrived: Int64 = Clock.unixMicroseconds
    ) throws(FLVError) {
        let frame = try FrameClass(header.kind, body)
        wasRelayed = true
        // Before its arrival is noted: the gap to the last frame counts.
        if header.number.epoch > epoch { beginEpoch(header.number.epoch) }
        count(body, at: UInt64(arrived) / 1_000)
        let isRepeated = header.flags.contains(.prologue)
        if frame.isNoted {
            let news = configurations.note(frame.key, body)
            // A numbered frame is kept even when it says nothing new: who relays it on must not find a gap.
            guard news != .nothing || !isRepeated else { return }
        }
        guard observe(frame, body) else { return }
        if !isRepeated { sequence = header.number.sequence }
        // What is repeated has no time of its own, and must not decide where a new session is put.
        let time =
            isRepeated
            ? channels[0].writer.newestTimestamp ?? Int64(header.timestamp)
            : relayedTimeline.map(header.timestamp, now: counters.lastFrame)
        if !isRepeated, shift != relayedTimeline.offset { shiftEpoch(to: relayedTimeline.offset) }
        var mark = FrameMark(
            size: 0, timestamp: time, sequence: header.number.sequence, origin: header.wallClock, flags: frame.flags,
            session: session)
        if isRepeated {
            mark.flags.insert(.repeated)
        } else if header.segment.number > 0 {
            numbering.follow(header.segment)
            mark.segment = header.segment
        } else {
            // From a node that does not cut streams.
            mark.segment = segment(of: frame, at: time)
        }
        store(frame, mark, body)
    }

    /// The same, of a body that somebody holds.
    public func append(relayed header: RelayFrame.Header, body: [UInt8]) throws(FLVError) {
        try append(relayed: header, body: body.span)
    }

    private func segment(of frame: FrameClass, at time: Int64) -> SegmentNumber {
        let kind: SegmentNumbering.Frame =
            switch frame.kind {
            case _ where frame.isConfiguration: .other
            case .video: frame.isKeyframe ? .keyframe : .video
            case .audio: .audio
            case .script: .other
            }
        return numbering.number(kind, at: time, now: Int64(counters.lastFrame))
    }

    private func count(_ body: Span<UInt8>, at milliseconds: UInt64) {
        counters.bytesIn += UInt64(body.count)
        counters.lastFrame = milliseconds
    }

    /// Learns of the stream what the frame tells. False for video that nobody could decode.
    private func observe(_ frame: FrameClass, _ body: Span<UInt8>) -> Bool {
        if frame.announcesVideo { hasVideo = true }
        // A configuration that only the encoder's own decoders understand is carried all the same.
        if frame.isConfiguration || frame.isMetadata {
            try? description.observe(kind: frame.kind, body: body)
            handle.describe(description)
            packaging?.describe(description)
        }
        switch frame.kind {
        case .video where !frame.isConfiguration:
            counters.video += 1
            if frame.isKeyframe { awaitsKeyframe = false }
            if awaitsKeyframe { counters.undecodable += 1 }
            return !awaitsKeyframe
        case .audio:
            counters.audio += 1
            if description.audio == nil {
                try? description.observe(kind: frame.kind, body: body)
                if description.audio != nil { handle.describe(description) }
            }
        default: break
        }
        return true
    }

    private func store(_ frame: FrameClass, _ mark: FrameMark, _ body: Span<UInt8>) {
        if frame.kind == .video, !frame.isConfiguration {
            keyframes.picture(at: mark.timestamp, isKeyframe: frame.isKeyframe)
        }
        if frame.isData { keepData() }
        let source = WireEncoder.Source(stream: number, epoch: epoch, shift: shift)
        let isJoin = joinable(mark.flags, mark.timestamp)
        var isWatched = false
        body.withUnsafeBytes { body in
            // By number: walking through an array counts its references, of the array and of what is in it.
            for index in channels.indices {
                let channel = channels[index]
                guard index == 0 || channel.isRead else { continue }
                if channel.isWatched { isWatched = true }
                guard channel.kind.tracks.contains(frame.kind), !frame.isData || channel.kind.holdsData else {
                    continue
                }
                let startsHere = isJoin.contains(channel.joinTracks)
                let offset = channel.append(frame.kind, mark, of: source, body: body, startsHere: startsHere)
                guard startsHere, let offset else { continue }
                channel.writer.setJoinPoint(joinPoint(channel, offset, mark, source))
            }
        }
        if let packaging { package(mark, packaging) }
        if isJoin.all { settleFrameLog() }
        // Whoever comes to watch between this and the flush is told of everything as it comes.
        if isWatched { flush.appended(video: frame.kind == .video && !frame.isConfiguration, now: loop.now) }
    }

    /// For which selections of tracks a viewer can start at this frame.
    private func joinable(_ flags: FrameMark.Flags, _ timestamp: Int64) -> Joinable {
        if flags.contains(.keyframe) { return Joinable(all: true, video: true) }
        guard flags.contains(.audio), !flags.contains(.configuration) else { return Joinable() }
        guard lastJoin == .min || timestamp - lastJoin >= Stream.audioJoinInterval else { return Joinable() }
        lastJoin = timestamp
        return Joinable(all: !hasVideo, audio: true)
    }

    private struct Joinable {
        var all = false
        var audio = false
        var video = false

        func contains(_ tracks: WireKind.Tracks) -> Bool {
            switch tracks {
            case .all: all
            case .audio: audio
            case .video: video
            }
        }
    }

    func joinPoint(
        _ channel: Channel, _ offset: UInt64, _ mark: FrameMark, _ source: WireEncoder.Source
    ) -> JoinPoint {
        let muxer = channel.muxer
        return JoinPoint(
            offset: offset,
            prologue: muxer?.prologue ?? configurations.prologue(channel.kind, before: mark, of: source),
            version: muxer?.version ?? configurations.version, timestamp: mark.timestamp,
            epoch: source.epoch)
    }

    // MARK: Epochs

    /// Another publish session: its frames are numbered anew, and what the last one said no longer holds.
    private func beginEpoch(_ newer: UInt64) {
        hasVideo = false
        awaitsKeyframe = true
        keyframes.beginSession()
        configurations.reset()
        for channel in channels { channel.muxer?.beginSession() }
        packaging?.beginSession(at: channels[0].writer.head)
        description = StreamDescription()
        let reached = channels[0].writer.newestTimestamp
        relayedTimeline.beginEpoch(reached: reached, at: counters.lastFrame)
        if let reached { timeline.follow(reached, arrived: Int64(counters.lastFrame)) }
        number(in: newer)
    }

    /// The session that publishes here numbers on in a higher epoch. What it has said of its tracks is said again: who
    /// takes frames by their numbers takes a new epoch for a new session. False where that cannot be.
    public func raise(to newer: UInt64) -> Bool {
        guard newer > epoch, let publisher, !publisher.isUpstream else { return false }
        number(in: newer)
        numbering.beginSession(mayBeBehind: true, now: Int64(Clock.unixMilliseconds))
        // As at nodes that follow.
        packaging?.beginSession(at: channels[0].writer.head)
        let time = channels[0].writer.newestTimestamp ?? 0
        for (kind, body) in configurations.bodies {
            guard let frame = try? FrameClass(kind, body.span) else { continue }
            sequence += 1
            let mark = FrameMark(
                size: 0, timestamp: time, sequence: sequence, origin: Clock.unixMicroseconds, flags: frame.flags,
                session: session, segment: segment(of: frame, at: time))
            store(frame, mark, body.span)
        }
        return true
    }

    /// From the next frame on.
    private func number(in newer: UInt64) {
        epoch = newer
        sequence = 0
        let oldest = channels[0].writer.oldestMark?.session ?? session
        epochs.removeAll { $0.session < oldest }
        if epochs.count == Stream.maxEpochs { epochs.removeFirst() }
        session += 1
        epochs.append((newer, session, 0))
        shift = 0
    }

    private func shiftEpoch(to offset: Int64) {
        guard let last = epochs.indices.last else { return }
        epochs[last].shift = offset
        shift = offset
    }

    /// Of a frame in the frame log.
    func source(of mark: FrameMark) -> WireEncoder.Source {
        let found = epochs.last { $0.session == mark.session }
        return WireEncoder.Source(stream: number, epoch: found?.epoch ?? epoch, shift: found?.shift ?? 0)
    }

    /// Who publishes from now on. Its frames make a newer epoch than any that was here; an upstream's bring theirs.
    func begin(_ publisher: Publisher) {
        lingerTimer = nil
        self.publisher = publisher
        guard !publisher.isUpstream else { return }
        beginEpoch(max(epoch + 1, Clock.unixMilliseconds))
        // Another node may have given numbers that this one has not seen, unless all were its own.
        numbering.beginSession(mayBeBehind: wasRelayed, now: Int64(Clock.unixMilliseconds))
        wasRelayed = false
        timeline.beginSession(nowMilliseconds: Int64(Clock.unixMilliseconds))
    }

    // MARK: The flush

    /// To be called when the publisher's read is through: writes what is due, and sees to it that the rest will be.
    public func flushIfDue() {
        var isWatched = false
        var index = 0
        // Readers that are told may make others leave.
        while index < channels.count {
            let channel = channels[index]
            // Other nodes do not wait for the sake of this one's system calls: each hop would add its own delay.
            if channel.isWatched { isWatched = true } else if channel.isRead { channel.publish(from: loop) }
            index += 1
        }
        guard isWatched else { return flush.reset() }
        switch flush.due(now: loop.now, pressure: handle.hub.pressure(of: loop)) {
        case .now: flushAll()
        case .after(let milliseconds): arm(milliseconds)
        case .nothing: break
        }
    }

    private func flushAll() {
        flush.flushed(now: loop.now)
        for channel in channels where channel.isRead { channel.publish(from: loop) }
    }

    private func arm(_ milliseconds: UInt64) {
        if timer == nil { timer = Timer(on: loop) { [unowned self] in flushIfDue() } }
        if timer?.isArmed == false { timer?.arm(after: milliseconds) }
    }

    // MARK: Publish sessions

    /// The stream comes from another parent now.
    public func follow(_ upstream: Publisher) {
        guard publisher?.isUpstream ?? true else { return }
        begin(upstream)
    }

    /// The publisher has gone. Its viewers stay for `linger`, in case it comes back.
    public func endPublish(session: String) {
        guard publisher?.session == session else { return }
        publisher = nil
        flushAll()
        guard settings.linger > 0 else { return handle.close(.streamEnded) }
        lingerTimer = Timer(on: loop) { [unowned self] in handle.close(.streamEnded) }
        lingerTimer?.arm(after: settings.linger)
    }

    /// Lets go of everything that belongs to the loop, so that another can take the stream over.
    func leaveLoop() {
        flushAll()
        timer = nil
        lingerTimer = nil
    }

    func enterLoop(_ loop: Loop) { self.loop = loop }

    func end(_ reason: ViewerEnd) {
        leaveLoop()
        packaging?.end()
        packaging = nil
        for channel in channels { channel.end(reason) }
        channels.removeSubrange(1...)
    }

    // MARK: Stats

    /// Counts what was sent from a log that has been let go of.
    func retire(_ bytesOut: UInt64) { counters.retired += bytesOut }

    public var isLingering: Bool { publisher == nil }
    public var corrections: Timeline.Corrections { timeline.corrections }
}
