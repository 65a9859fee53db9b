/// One stream at its home loop: takes frames in, keeps the logs, and decides when readers are told.
///
/// Invariants: only the home loop touches it; `channels[0]` is the frame log; a frame is encoded into another log only
/// while somebody reads that one. The stream moves to the loop of whoever publishes it (`StreamHandle`).
import EventLoop
import FLV
import Media
import StreamLog

public final class Stream {
    public let name: StreamName
    public unowned let handle: StreamHandle
    public internal(set) var publisher: Publisher?
    public internal(set) var epoch: UInt64 = 0
    public private(set) var description = StreamDescription()
    public private(set) var counters = Counters()
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

    private let settings: FanoutSettings
    private(set) var loop: Loop
    private var channels: [Channel]
    private var configurations = Configurations()
    private var timeline = Timeline()
    private var sequence: UInt64 = 0
    private var hasVideo = false
    private var awaitsKeyframe = true
    private var lastJoin: Int64 = .min
    private var lastKeyframe: Int64?
    /// Milliseconds between the two newest keyframes of one publish session.
    public private(set) var keyframeInterval: Int64 = 0
    private var flush: FlushClock
    private var timer: Timer?
    private var lingerTimer: Timer?

    /// How often a stream without video offers a new place to join, in milliseconds.
    private static let audioJoinInterval: Int64 = 500

    init(_ name: StreamName, handle: StreamHandle, settings: FanoutSettings, on loop: Loop) {
        self.name = name
        self.handle = handle
        self.settings = settings
        self.loop = loop
        created = Clock.unixMilliseconds
        flush = FlushClock(interval: settings.flushInterval)
        channels = [Channel(.frames, retention: settings.retention)]
    }

    // MARK: Frames

    /// Takes one message body of the publisher. Readers are told when `flushIfDue` is called.
    public func append(_ kind: MediaKind, timestamp: UInt32, body: [UInt8]) throws(FLVError) {
        counters.bytesIn += UInt64(body.count)
        counters.lastFrame = Clock.unixMilliseconds
        let (flags, key) = try classify(kind, body)
        if flags.contains(.configuration) || kind == .script {
            guard configurations.note(key, body) else { return }
            // A configuration that only the encoder's own decoders understand is carried all the same.
            try? description.observe(kind: kind, body: body.span)
        }
        switch kind {
        case .video where !flags.contains(.configuration):
            counters.video += 1
            if flags.contains(.keyframe) { awaitsKeyframe = false }
            guard !awaitsKeyframe else {
                counters.undecodable += 1
                return
            }
        case .audio:
            counters.audio += 1
            if description.audio == nil { try? description.observe(kind: kind, body: body.span) }
        default: break
        }
        let now = Int64(counters.lastFrame)
        store(kind, flags, timestamp: timeline.map(kind: kind, timestamp: timestamp, nowMilliseconds: now), body)
    }

    private func classify(
        _ kind: MediaKind, _ body: [UInt8]
    ) throws(FLVError) -> (FrameMark.Flags, Configurations.Key) {
        guard !body.isEmpty else { return ([], .init(kind: kind, slot: 0)) }
        switch kind {
        case .script:
            return (.script, .init(kind: kind, slot: 0))
        case .video:
            let packet = try VideoPacket.parse(body.span)
            if packet.isSequenceHeader { hasVideo = true }
            if packet.isSequenceHeader || packet.packetType == .metadata {
                let slot = UInt16(packet.trackID) | (packet.isSequenceHeader ? 0 : 0x100)
                return ([.video, .configuration], .init(kind: kind, slot: slot))
            }
            if packet.isCoded { hasVideo = true }
            return (packet.isKeyframe && packet.isCoded ? [.video, .keyframe] : .video, .init(kind: kind, slot: 0))
        case .audio:
            let packet = try AudioPacket.parse(body.span)
            guard packet.isSequenceHeader else { return (.audio, .init(kind: kind, slot: 0)) }
            return ([.audio, .configuration], .init(kind: kind, slot: UInt16(packet.trackID)))
        }
    }

    private func store(_ kind: MediaKind, _ flags: FrameMark.Flags, timestamp: Int64, _ body: [UInt8]) {
        sequence += 1
        let mark = FrameMark(size: 0, timestamp: timestamp, sequence: sequence, flags: flags)
        if flags.contains(.keyframe) {
            if let lastKeyframe { keyframeInterval = timestamp - lastKeyframe }
            lastKeyframe = timestamp
        }
        let isJoin = joinable(flags, timestamp)
        body.withUnsafeBytes { body in
            for index in channels.indices where index == 0 || channels[index].isRead {
                guard channels[index].kind.tracks.contains(kind) else { continue }
                let offset = channels[index].append(kind, mark, body: body)
                guard isJoin.contains(channels[index].kind.tracks) else { continue }
                channels[index].writer.setJoinPoint(joinPoint(channels[index].kind, offset, timestamp))
            }
        }
        flush.appended(video: kind == .video && !flags.contains(.configuration), now: loop.now)
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

    private func joinPoint(_ kind: WireKind, _ offset: UInt64, _ timestamp: Int64) -> JoinPoint {
        JoinPoint(
            offset: offset, prologue: configurations.prologue(kind, timestamp: timestamp),
            version: configurations.version, timestamp: timestamp)
    }

    // MARK: The flush

    /// To be called when the publisher's read is through: writes what is due, and sees to it that the rest will be.
    public func flushIfDue() {
        guard channels.contains(where: \.isRead) else { return flush.reset() }
        switch flush.due(now: loop.now, pressure: handle.hub.pressure(of: loop)) {
        case .now: flushAll()
        case .after(let milliseconds): arm(milliseconds)
        case .nothing: break
        }
    }

    private func flushAll() {
        flush.flushed(now: loop.now)
        for index in channels.indices where channels[index].isRead { channels[index].publish(from: loop) }
    }

    private func arm(_ milliseconds: UInt64) {
        if timer == nil { timer = Timer(on: loop) { [unowned self] in flushIfDue() } }
        if timer?.isArmed == false { timer?.arm(after: milliseconds) }
    }

    // MARK: Readers

    func subscribe(_ kind: WireKind, _ feed: LogFeed) {
        let index = channels.firstIndex { $0.kind == kind } ?? makeChannel(kind)
        channels[index].subscribe(feed, from: loop)
    }

    /// A log that nobody has read until now starts with what the frame log holds from its newest keyframe on.
    private func makeChannel(_ kind: WireKind) -> Int {
        var channel = Channel(kind, retention: settings.retention)
        let frames = channels[0].writer
        let start = frames.joinPoint?.offset ?? frames.head
        var lastAudioJoin = Int64.min
        frames.forEachFrame(from: start) { mark, bytes in
            let media: MediaKind =
                mark.flags.contains(.video) ? .video : mark.flags.contains(.audio) ? .audio : .script
            guard kind.tracks.contains(media) else { return }
            let body = UnsafeRawBufferPointer(
                rebasing: bytes[FLVTag.headerSize..<(bytes.count - FLVTag.trailerSize)])
            let offset = channel.append(media, mark, body: body)
            let audioOnly = kind.tracks == .audio || !hasVideo
            if mark.flags.contains(.keyframe)
                || (audioOnly && media == .audio && !mark.flags.contains(.configuration)
                    && (lastAudioJoin == .min || mark.timestamp - lastAudioJoin > Stream.audioJoinInterval))
            {
                lastAudioJoin = mark.timestamp
                channel.writer.setJoinPoint(joinPoint(kind, offset, mark.timestamp))
            }
        }
        channels.append(channel)
        return channels.count - 1
    }

    func unsubscribe(_ kind: WireKind, _ feed: LogFeed, bytesOut: UInt64) {
        counters.retired += bytesOut
        guard let index = channels.firstIndex(where: { $0.kind == kind }) else { return }
        channels[index].unsubscribe(feed)
        if index > 0 && !channels[index].isRead { channels.remove(at: index) }
    }

    // MARK: Publish sessions

    func begin(_ publisher: Publisher) {
        lingerTimer = nil
        self.publisher = publisher
        epoch = max(epoch + 1, Clock.unixMilliseconds)
        sequence = 0
        hasVideo = false
        awaitsKeyframe = true
        lastKeyframe = nil
        configurations.reset()
        description = StreamDescription()
        timeline.beginSession(nowMilliseconds: Int64(Clock.unixMilliseconds))
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
        for channel in channels { channel.end(reason) }
        channels.removeSubrange(1...)
    }

    // MARK: Stats

    public var isLingering: Bool { publisher == nil }
    public var corrections: Timeline.Corrections { timeline.corrections }
    public var logBytes: Int { channels.reduce(0) { $0 + $1.writer.retainedBytes } }

    /// Pictures a second, by their timestamps.
    public var frameRate: Double { channels[0].writer.rate(of: .video, without: .configuration) }

    public var logMilliseconds: Int64 {
        let frames = channels[0].writer
        guard let oldest = frames.oldestTimestamp, let newest = frames.newestTimestamp else { return 0 }
        return newest - oldest
    }
}
