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
            return true
        }
    }

    private struct Outgoing {
        var meter = RateMeter()
        var bytes: UInt64

        init(bytes: UInt64) { self.bytes = bytes }

        mutating func measure(_ total: UInt64, now: UInt64) {
            // A log that was let go of takes its count along.
            meter.add(bytes: total > bytes ? Int(total - bytes) : 0, at: now)
            bytes = total
        }
    }

    private var watches: [ObjectIdentifier: Watch] = [:]
    private var outgoing: [StreamName: Outgoing] = [:]
    private var measuredAt: UInt64 = 0

    var isEmpty: Bool { watches.isEmpty }

    mutating func watch(_ handle: StreamHandle) {
        watches[ObjectIdentifier(handle)] = watches[ObjectIdentifier(handle)] ?? Watch(handle: handle)
    }

    mutating func measure(_ fanout: LoopFanout, now: UInt64) {
        measuredAt = now
        var gone: [ObjectIdentifier] = []
        for index in watches.values.indices where !watches.values[index].measure(on: fanout.loop, now: now) {
            gone.append(watches.keys[index])
        }
        for id in gone { watches[id] = nil }
        let totals = fanout.bytesOut
        outgoing = outgoing.filter { totals[$0.key] != nil }
        for (name, bytes) in totals { outgoing[name, default: Outgoing(bytes: bytes)].measure(bytes, now: now) }
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
        outgoing.mapValues { $0.meter.bitsPerSecond(at: measuredAt) }
    }

    func reports(on loop: Loop) -> [StreamReport] {
        watches.values.compactMap { watch in
            guard !watch.handle.isClosed, let stream = watch.handle.streamIfHome(on: loop) else { return nil }
            return StreamReport(
                stream, bitrateIn: watch.rateIn.bitsPerSecond(at: measuredAt), unixNow: Clock.unixMilliseconds)
        }
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
