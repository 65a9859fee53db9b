//! A publisher over SRT: plays the file in a loop, in real time, as MPEG-TS in messages of up to seven packets. With
//! `reconnect` it goes on after a disconnection as an encoder would: at the next site, from the next keyframe.

import CSystem

final class SRTPublisher: Publisher {
    /// Bytes that may wait for a full socket, before the publisher gives up.
    private static let backlogLimit = 8 << 20
    /// A full socket is tried again after this.
    private static let pause = 5 * nanosecondsPerMillisecond
    /// libsrt's counts of a connection are gone with it: they are looked at so often before.
    private static let countsEvery = nanosecondsPerSecond

    private enum Phase {
        case connecting(SRTSocket)
        case publishing(SRTSocket)
        /// Connects to the next site when the time has come.
        case pausing
        case closed(String)
    }

    private let index: Int
    private let streams: Int
    private var journey: Journey
    private let settings: SRTSettings
    private let clockStart: UInt64
    private let run: UInt32
    private let poller: Poller

    private var phase = Phase.pausing
    private var timeline: Timeline
    private var writer: TSWriter
    private var scratch: [UInt8] = []
    private var waiting: [UInt8] = []
    /// What connections before this one counted, and this one when it was looked at last.
    private var earlierCounts = SRTCounts()
    private var lastCounts = SRTCounts()
    private var countsDue: UInt64 = 0

    var reconnects: Int { journey.reconnects }
    var lastReason: String? { journey.lastReason }
    private(set) var bytesSent: UInt64 = 0
    private(set) var negotiated: UInt64 = 0
    private(set) var due = UInt64.max
    var pace = Pace()

    init(index: Int, sites: [Site], file: FLVFile, run: UInt32, _ options: Options, poller: Poller) throws(Failure) {
        self.index = index
        streams = options.streams
        journey = Journey(sites, ofStream: index, pause: options.reconnect)
        settings = options.srt
        clockStart = options.clockStart
        self.run = run
        self.poller = poller
        timeline = Timeline(file)
        writer = try TSWriter(file, clockStart: options.clockStart)
        try connect()
    }

    deinit { socket?.close() }

    private var socket: SRTSocket? {
        switch phase {
        case .connecting(let socket), .publishing(let socket): socket
        case .pausing, .closed: nil
        }
    }

    private func connect() throws(Failure) {
        due = UInt64.max
        writer = try TSWriter(timeline.file, clockStart: clockStart)
        waiting.removeAll(keepingCapacity: true)
        let site = journey.site
        let socket = try SRTSocket(settings, streamID: site.target.streamID(index, of: streams, mode: "publish"))
        phase = .connecting(socket)
        try poller.add(socket, LOADGEN_WRITABLE, .publisher(index))
        try socket.connect(to: site.address)
    }

    var failure: String? {
        if case .closed(let reason) = phase { return "stream \(index): \(reason)" }
        return nil
    }

    var isPublishing: Bool {
        if case .publishing = phase { return true }
        return false
    }

    var srtCounts: SRTCounts? {
        var counts = earlierCounts
        counts += socket?.counts ?? lastCounts
        return counts
    }

    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) {
        switch phase {
        case .connecting(let socket):
            guard socket.isConnected else {
                if events & LOADGEN_BROKEN != 0 { end(socket.refusal) }
                return
            }
            phase = .publishing(socket)
            negotiated = socket.latency(ofPeer: true)
            // From now on only that it breaks is of interest.
            poller.change(socket, 0)
            timeline.goOn(asStream: index)
            due = timeline.due
        case .publishing(let socket): if !socket.isConnected { end("the server closed the connection") }
        case .pausing, .closed: break
        }
    }

    func publish(at time: UInt64) {
        guard due <= time else { return }
        if case .pausing = phase { return connectAgain() }
        guard case .publishing(let socket) = phase else { return }
        if timeline.due <= time { pace.late(by: time - timeline.due) }
        while timeline.due <= time {
            let tag = timeline.tag
            let stamp = pace.stamp(tag, at: time, run: run, stream: index)
            scratch.removeAll(keepingCapacity: true)
            timeline.file.append(tag, stamp: stamp, to: &scratch)
            writer.append(tag, scratch, time: timeline.time, to: &waiting)
            timeline.step()
        }
        due = timeline.due
        flush(socket)
        if time >= countsDue {
            countsDue = time + SRTPublisher.countsEvery
            lastCounts = socket.counts ?? lastCounts
        }
    }

    /// Sends what waits, the last message short, so that no picture waits for the next.
    private func flush(_ socket: SRTSocket) {
        var sent = 0
        var outcome = SRTSocket.Sent.taken
        waiting.withUnsafeBytes { bytes in
            while sent < bytes.count, outcome == .taken {
                let end = min(sent + SRTSocket.messageSize, bytes.count)
                outcome = socket.send(UnsafeRawBufferPointer(rebasing: bytes[sent..<end]))
                if outcome == .taken { sent = end }
            }
        }
        bytesSent += UInt64(sent)
        waiting.removeFirst(sent)
        switch outcome {
        case .taken: break
        case .full:
            due = min(due, now() + SRTPublisher.pause)
            if waiting.count > SRTPublisher.backlogLimit { end("the server reads too slowly") }
        case .broken(let reason): end("the connection broke: \(reason)")
        }
    }

    private func end(_ reason: String) {
        guard let socket else { return }
        earlierCounts += socket.counts ?? lastCounts
        lastCounts = SRTCounts()
        poller.remove(socket)
        socket.close()
        pause(reason)
    }

    private func pause(_ reason: String) {
        let next = journey.lost(reason)
        due = next ?? UInt64.max
        phase = next == nil ? .closed(reason) : .pausing
    }

    private func connectAgain() {
        journey.goOn()
        do throws(Failure) {
            try connect()
        } catch {
            end(error.description)
            pause(error.description)
        }
    }
}
