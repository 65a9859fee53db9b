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
    }

    private struct Outgoing {
        var meter = RateMeter()
        var bytes: UInt64
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
        for (id, watch) in watches {
            guard !watch.handle.isClosed, let stream = watch.handle.streamIfHome(on: fanout.loop) else {
                watches[id] = nil
                continue
            }
            let counters = stream.counters
            // The first look only takes the mark: the stream may have a past on another loop.
            let grown = watch.bytesIn > 0 ? counters.bytesIn - watch.bytesIn : 0
            watches[id]!.rateIn.add(bytes: Int(grown), at: now)
            watches[id]!.bytesIn = counters.bytesIn
        }
        let audiences = fanout.audiences
        outgoing = outgoing.filter { audiences[$0.key] != nil }
        for (name, audience) in audiences {
            let before = outgoing[name]?.bytes ?? audience.bytesOut
            // A log that was let go of takes its count along.
            let grown = audience.bytesOut > before ? audience.bytesOut - before : 0
            outgoing[name, default: Outgoing(bytes: 0)].meter.add(bytes: Int(grown), at: now)
            outgoing[name]!.bytes = audience.bytesOut
        }
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
        self.packaged = PackageReport(bytes: packaged.bytes, viewers: packaged.viewers, waiting: packaged.waiting)
    }
}
