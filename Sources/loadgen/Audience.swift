//! All viewers of a run, connecting at a steady rate.

import CSystem

final class Audience {
    /// Bytes read at once; a viewer's share of a second of video at most.
    private static let readSize = 256 << 10

    let tally = Tally()
    private(set) var viewers: [any Viewer] = []
    private let options: Options
    private let sites: [Site]
    private let poller: Poller
    private let ports = SRTPorts()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Audience.readSize, alignment: 64)
    private var firstConnect: UInt64 = 0
    private var nextLook: UInt64 = 0

    /// How often it is looked who has to connect again.
    private static let look = 10 * nanosecondsPerMillisecond

    init(_ options: Options, poller: Poller) throws(Failure) {
        self.options = options
        self.poller = poller
        sites = try Site.all(options.urls)
        viewers.reserveCapacity(options.viewers)
    }

    deinit { buffer.deallocate() }

    var isComplete: Bool { viewers.count == options.viewers }
    var playing: Int { viewers.reduce(0) { $0 + ($1.isPlaying ? 1 : 0) } }
    var refusing: Int { viewers.reduce(0) { $0 + ($1.phase == .refusing ? 1 : 0) } }

    func handle(_ index: Int, _ events: UInt32) { viewers[index].handle(events, buffer) }

    /// Connects the viewers whose time has come and says when to come again.
    func connect(at time: UInt64) throws(Failure) -> UInt64 {
        if firstConnect == 0 { firstConnect = time }
        while !isComplete {
            let due = firstConnect + nanoseconds(Double(viewers.count) / options.connectRate)
            if due > time { return due }
            viewers.append(try join(viewers.count))
        }
        return UInt64.max
    }

    /// Every so-many-th viewer refuses to read, so that the share is the same on each stream.
    private func join(_ index: Int) throws(Failure) -> any Viewer {
        let refuses = Int(Double(index + 1) * options.stall) > Int(Double(index) * options.stall)
        return try newViewer(index, refuses: refuses)
    }

    /// `turn` says where the viewer sits.
    private func newViewer(_ index: Int, turn: Int? = nil, refuses: Bool, after gone: (any Viewer)? = nil)
        throws(Failure) -> any Viewer
    {
        let seat = Site.seat(turn ?? index, sites: sites.count, streams: options.streams)
        let site = sites[seat.site]
        if site.target.transport == .srt {
            return try SRTViewer(
                index: index, site: site, stream: seat.stream, of: options.streams, settings: options.srt,
                ports: ports, refuses: refuses, tally: tally, poller: poller, after: gone)
        }
        return try TCPViewer(
            index: index, site: site, stream: seat.stream, of: options.streams, refuses: refuses, tally: tally,
            poller: poller, after: gone)
    }

    /// Churn: seats a newcomer where another viewer has left.
    func seat(_ index: Int, turn: Int) throws(Failure) {
        let viewer = try newViewer(index, turn: turn, refuses: false)
        if index == viewers.count { viewers.append(viewer) } else { viewers[index] = viewer }
    }

    /// With `--reconnect`: connects those again who were disconnected long enough ago. Says when to come again.
    func reconnect(at time: UInt64) throws(Failure) -> UInt64 {
        guard let pause = options.reconnect else { return UInt64.max }
        guard time >= nextLook else { return nextLook }
        nextLook = time + Audience.look
        for (index, viewer) in viewers.enumerated() {
            guard let since = viewer.endedAt, time >= since + nanoseconds(pause) else { continue }
            viewers[index] = try newViewer(index, refuses: false, after: viewer)
        }
        return nextLook
    }

    func startMeasuring() {
        tally.isMeasuring = true
        for viewer in viewers { viewer.sight.startMeasuring() }
    }

    /// Over all viewers: the longest time that each saw no picture.
    func longestSilences(until time: UInt64) -> Histogram {
        var histogram = Histogram()
        for viewer in viewers where viewer.sight.hasFirstFrame {
            histogram.record(nanoseconds: viewer.longest(until: time))
        }
        return histogram
    }

    func finish(at time: UInt64) {
        for viewer in viewers {
            if viewer.isStalled(at: time) { tally.counts.stalls += 1 }
            if let counts = viewer.srtCounts { tally.srt += counts }
        }
    }
}
