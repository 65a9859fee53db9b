//! A viewer over SRT: asks for a stream by its stream id and reads the MPEG-TS in the messages.
//!
//! Its latency contains the time that SRT holds everything back, on purpose; what is beyond that is told beside it.

import CSystem

final class SRTViewer: Viewer {
    /// Messages read in one turn, so that one viewer keeps no other waiting; what is left is told again.
    private static let turn = 64
    /// libsrt's counts of a connection are gone with it: they are looked at so often before.
    private static let countsEvery = nanosecondsPerSecond

    private let index: Int
    private let refuses: Bool
    private let isReturning: Bool
    private let tally: Tally
    private let poller: Poller
    private let socket: SRTSocket

    private(set) var phase = ViewerPhase.connecting
    private(set) var endedAt: UInt64?
    var sight: Sight
    private var scanner = TSScanner()
    private var lastCounts: SRTCounts?
    private var countsDue: UInt64 = 0

    init(
        index: Int, site: Site, stream: Int, of streams: Int, settings: SRTSettings, ports: SRTPorts, refuses: Bool,
        tally: Tally, poller: Poller, after gone: (any Viewer)? = nil
    ) throws(Failure) {
        self.index = index
        self.refuses = refuses
        isReturning = gone != nil
        self.tally = tally
        self.poller = poller
        sight = Sight(from: now(), after: gone?.sight)
        socket = try SRTSocket(settings, streamID: site.target.streamID(stream, of: streams, mode: "request"))
        ports.seat(socket, towards: site.address)
        try poller.add(socket, LOADGEN_WRITABLE, .viewer(index))
        try socket.connect(to: site.address)
    }

    deinit { if phase != .closed { socket.close() } }

    var srtCounts: SRTCounts? { phase == .closed ? nil : socket.counts ?? lastCounts }

    func handle(_ events: UInt32, _ buffer: UnsafeMutableRawBufferPointer) {
        switch phase {
        case .connecting:
            guard socket.isConnected else {
                if events & LOADGEN_BROKEN != 0 { end(socket.refusal) }
                return
            }
            phase = .reading
            tally.connected += 1
            sight.negotiated = socket.latency(ofPeer: false)
            tally.negotiated = max(tally.negotiated, sight.negotiated)
            poller.change(socket, LOADGEN_READABLE)
        case .reading: receive(buffer)
        case .refusing: if !socket.isConnected { end("closed by the server while it was not read", isFault: false) }
        case .closed: break
        }
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) {
        for _ in 0..<SRTViewer.turn {
            switch socket.receive(buffer) {
            case .nothing: return
            case .broken(let reason): return end(reason)
            case .bytes(let count):
                let time = now()
                tally.counts.bytes += UInt64(count)
                sight.media(at: time, tally)
                if time >= countsDue {
                    countsDue = time + SRTViewer.countsEvery
                    lastCounts = socket.counts ?? lastCounts
                }
                var input = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                do throws(Failure) {
                    while let picture = try scanner.next(&input, at: time) { look(at: picture) }
                } catch {
                    return end(error.description)
                }
            }
            guard phase == .reading, socket.hasMessage else { return }
        }
    }

    private func look(at picture: TSScanner.Picture) {
        // What is damaged is not seen; the next whole picture's number tells that one is missing.
        guard picture.isWhole else {
            if sight.hasFirstFrame { tally.counts.damaged += 1 }
            return
        }
        let isSeen = sight.picture(
            isKeyframe: picture.isKeyframe, timestamp: picture.timestamp, stamp: picture.stamp, at: picture.arrived,
            tally)
        if isSeen, refuses, phase == .reading {
            phase = .refusing
            poller.change(socket, 0)
        }
    }

    func leave(byReset: Bool) {
        guard phase != .closed else { return }
        close()
    }

    private func end(_ reason: String, isFault: Bool = true) {
        guard phase != .closed else { return }
        endedAt = now()
        close()
        tally.reasons[reason, default: 0] += 1
        // Who could not come back yet has been counted when it went.
        if isFault, sight.hasFirstFrame || !isReturning { tally.counts.disconnects += 1 }
    }

    private func close() {
        if let counts = srtCounts { tally.srt += counts }
        phase = .closed
        poller.remove(socket)
        socket.close()
    }
}
