/// Rates of the streams of one loop, from counters read once a second: nothing is measured on the media path.
import EventLoop
import Fanout
import Operations
import Packaging

struct StreamMeters {
    private struct Watch {
        let handle: StreamHandle
        var rateIn = RateMeter()
        var bytesIn: UInt64 = 0

        init(handle: StreamHandle) { self.handle = handle }

        /// False where the stream has ended, or gone to another loop.
        mutating func measure(on loop: Loop, now: UInt64) -> Bool {
            guard !handle.isClosed, let stream = handle.streamIfHome(on: loop) else { return false }
            let total = stream.counters.bytesIn
            // The first look only takes the mark: the stream may have a past on another loop.
            rateIn.add(bytes: bytesIn > 0 ? Int(total - bytesIn) : 0, at: now)
            bytesIn = total
            handle.kilobitsIn = Int(rateIn.bitsPerSecond(at: now) / 1000)
            return true
        }
    }

    private struct Outgoing {
        let handle: StreamHandle
        var meter = RateMeter()
        var bytes: UInt64?
        /// Of this round; nil where nothing of the stream is sent any more.
        var total: UInt64?

        init(handle: StreamHandle) { self.handle = handle }

        mutating func add(_ bytes: UInt64) { total = (total ?? 0) + bytes }

        mutating func measure(now: UInt64) -> Bool {
            guard let total else { return false }
            // A log that was let go of takes its count along.
            meter.add(bytes: bytes.map { total > $0 ? Int(total - $0) : 0 } ?? 0, at: now)
            (bytes, self.total) = (total, nil)
            return true
        }
    }

    private var watches: [ObjectIdentifier: Watch] = [:]
    private var outgoing: [ObjectIdentifier: Outgoing] = [:]
    private var measuredAt: UInt64 = 0
    /// Of all streams together.
    private(set) var kilobitsIn = 0
    private(set) var kilobitsOut = 0

    var isEmpty: Bool { watches.isEmpty }

    mutating func watch(_ handle: StreamHandle) {
        watches[ObjectIdentifier(handle)] = watches[ObjectIdentifier(handle)] ?? Watch(handle: handle)
    }

    mutating func measure(_ fanout: LoopFanout, now: UInt64) {
        measuredAt = now
        kilobitsIn = 0
        watches.sweep { watch in
            guard watch.measure(on: fanout.loop, now: now) else { return false }
            kilobitsIn += watch.handle.kilobitsIn
            return true
        }
        fanout.forEachTotal { handle, bytes in
            outgoing[ObjectIdentifier(handle), default: Outgoing(handle: handle)].add(bytes)
        }
        var bitsOut = 0.0
        outgoing.sweep { stream in
            guard stream.measure(now: now) else { return false }
            bitsOut += stream.meter.bitsPerSecond(at: now)
            return true
        }
        kilobitsOut = Int(bitsOut / 1000)
    }

    /// Streams whose home the loop is.
    func forEachStream(on loop: Loop, _ visit: (Stream) -> Void) {
        for watch in watches.values where !watch.handle.isClosed { watch.handle.streamIfHome(on: loop).map(visit) }
    }

    var ratesIn: [StreamName: Double] {
        var rates: [StreamName: Double] = [:]
        for watch in watches.values { rates[watch.handle.name] = watch.rateIn.bitsPerSecond(at: measuredAt) }
        return rates
    }

    var ratesOut: [StreamName: Double] {
        var rates: [StreamName: Double] = [:]
        for stream in outgoing.values {
            rates[stream.handle.name, default: 0] += stream.meter.bitsPerSecond(at: measuredAt)
        }
        return rates
    }

    func reports(on loop: Loop) -> [StreamReport] {
        watches.values.compactMap { watch in
            guard !watch.handle.isClosed, let stream = watch.handle.streamIfHome(on: loop) else { return nil }
            return StreamReport(
                stream, bitrateIn: watch.rateIn.bitsPerSecond(at: measuredAt), unixNow: Clock.unixMilliseconds)
        }
    }
}

extension Dictionary {
    /// Looks at every value, which may change, and lets go of those that `keeps` has no more use for. Nothing is moved
    /// where all stay.
    fileprivate mutating func sweep(_ keeps: (inout Value) -> Bool) {
        var gone: [Key] = []
        for index in values.indices where !keeps(&values[index]) { gone.append(keys[index]) }
        for key in gone { self[key] = nil }
    }
}

extension StreamReport {
    init(_ stream: Stream, bitrateIn: Double, unixNow now: UInt64) {
        func seconds(since time: UInt64) -> Double { Double(now - min(now, time)) / 1000 }
        self.init(app: stream.name.app, name: stream.name.name, state: stream.isLingering ? "lingering" : "live")
        publisher = stream.publisher.map {
            PublisherReport(
                session: $0.session, protocol: $0.label, address: $0.address, agent: $0.agent,
                since: seconds(since: $0.since))
        }
        epoch = stream.epoch
        video = stream.description.video.map {
            VideoReport(
                codec: $0.codec.name, profile: $0.profile, level: $0.level, width: $0.width, height: $0.height,
                frameRate: stream.frameRate, keyframeInterval: Double(stream.keyframeInterval) / 1000,
                codecString: $0.codecString)
        }
        audio = stream.description.audio.map {
            AudioReport(
                codec: $0.codec.name, profile: $0.profile, sampleRate: $0.sampleRate, channels: $0.channels,
                codecString: $0.codecString)
        }
        self.bitrateIn = bitrateIn
        let counters = stream.counters
        bytesIn = counters.bytesIn
        bytesOut = counters.retired
        framesVideo = counters.video
        framesAudio = counters.audio
        let fixes = stream.corrections
        corrections = CorrectionReport(jumps: fixes.jumps, backwards: fixes.backwards, rollovers: fixes.rollovers)
        logSeconds = Double(stream.logMilliseconds) / 1000
        logBytes = UInt64(stream.logBytes)
        sinceLastFrame = counters.lastFrame == 0 ? nil : seconds(since: counters.lastFrame)
        uptime = seconds(since: stream.created)
        unwritableFrames = stream.unwritableFrames
        if let shelf = stream.handle.shelfIfAny { add(shelf.stats) }
    }

    private mutating func add(_ packaged: Shelf.Stats) {
        viewers["hls", default: 0] += packaged.viewers
        bytesOut += packaged.bytesOut
        self.packaged = PackageReport(
            bytes: packaged.bytes, renditions: packaged.renditions, viewers: packaged.viewers,
            waiting: packaged.waiting)
    }
}
