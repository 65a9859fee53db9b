/// An SRT connection: a publisher or a viewer of MPEG-TS, whichever side made the call.
import EventLoop
import Fanout
import MPEGTS
import Operations
import SRT

final class SRTSession: Session, SRTHandler, PacketSink, PushLeg {
    /// Set for a connection that this node made: where to.
    private let called: String
    private let socket: SRTSocket
    private let request: SRTRequest
    private var outlet: PacketOutlet?
    /// Of outlets that are gone; the bytes are the session's.
    private var past = PushTraffic()
    private var reader: TSReader?
    private var opening = ProgramOpening()
    private var isWaitingToSpeak: Bool
    /// What the encoder has said of its tracks, kept while it waits for another to end.
    private var configurations: [UInt16: TSFrame] = [:]
    private var standby: Timer?
    private let onEnd: (String) -> Void
    private var lastReport = SRTReport()

    /// How often a standby looks whether the stream is free, in milliseconds.
    private static let standbyInterval: UInt64 = 50
    /// How long a caller that has not said what it wants may take to send something, in milliseconds.
    private static let silence: UInt64 = 5_000

    init(
        _ socket: SRTSocket, _ request: SRTRequest, called: String = "", worker: Worker, number: UInt64,
        onEnd: @escaping (String) -> Void = { _ in }
    ) {
        self.socket = socket
        self.request = request
        self.called = called
        self.onEnd = onEnd
        isWaitingToSpeak = request.mode == nil
        super.init(over: SRTCarrier(socket), worker: worker, number: number)
    }

    override var protocolName: String { "srt" }
    override var agent: String { called.isEmpty ? request.user : called }

    /// To be called once the session is in its worker's table.
    func begin() {
        socket.start(self)
        let settings = state.settings.of(app: request.name.app, stream: request.name.name)
        let latency = max(socket.receiveLatency, socket.sendLatency)
        if latency > settings.srt.latencyMax {
            return fail(
                "srt_latency",
                "the client wants a latency of \(latency) ms, and srt.latency_max allows \(settings.srt.latencyMax); "
                    + "lower it there, or raise the limit here")
        }
        if request.mode == .publish { publish() } else { play(request.name, WireKind(.ts, wantedTracks)) }
    }

    private var wantedTracks: WireKind.Tracks {
        request.parameters["only"].flatMap(WireKind.Tracks.init(rawValue:)) ?? .all
    }

    // MARK: Publishing

    private func publish() {
        var program: UInt16?
        if let text = request.parameters["program"] {
            guard let number = UInt16(text) else {
                return fail("srt_bad_stream_id", "program= takes a number from 1 to 65535, not \(text)")
            }
            program = number
        }
        reader = TSReader(program: program)
        publish(request.name, priority: request.parameters["priority"])
    }

    func received(_ message: UnsafeRawBufferPointer) {
        if reader == nil {
            // Who has said that it watches has nothing to send; others are encoders that did not say so.
            guard isWaitingToSpeak else { return }
            isWaitingToSpeak = false
            stopPlaying()
            publish()
        }
        guard reader != nil, !isEnded else { return }
        do throws(TSError) {
            // Sound: the bytes stay where they are for the length of this call.
            try reader!.receive(Span(_unsafeElements: message.assumingMemoryBound(to: UInt8.self)))
        } catch {
            return fail(error.reason, error.description)
        }
        // What comes before the name is granted waits in the reader.
        if !isClaiming { drain() }
    }

    private func drain() {
        while !isEnded, let event = reader?.next() {
            opening.take(event)
            passOn()
        }
        stream?.flushIfDue()
    }

    private func finish() {
        drain()
        opening.finish()
        passOn()
        stream?.flushIfDue()
    }

    private func passOn() {
        while !isEnded {
            let delay = opening.delay
            guard let frame = opening.next() else { return }
            if frame.isConfiguration { configurations[frame.pid] = frame }
            if stream != nil { take(frame, held: delay) }
        }
    }

    private func take(_ frame: TSFrame, held milliseconds: Int64 = 0) {
        do {
            try stream?.append(frame.kind, timestamp: frame.timestamp, body: frame.body, held: milliseconds)
        } catch {
            fail("srt_bad_media", "\(error)")
        }
    }

    override func publishStarts() {
        standby = nil
        for frame in configurations.values.sorted(by: { $0.pid < $1.pid }) { take(frame) }
        drain()
    }

    override func publishIsRefused(_ refusal: PublishTurned) {
        if case .busy = refusal, isRanked { return waitForTurn() }
        end("publish refused: \(refusal.text)")
    }

    override func publishIsTaken(by session: String) {
        guard isRanked else { return super.publishIsTaken(by: session) }
        giveClaimBack()
        role = .none
        waitForTurn()
    }

    /// One of several encoders of the stream: when the others are gone, it is its turn.
    private var isRanked: Bool { request.parameters["priority"] != nil }

    private func waitForTurn() {
        guard standby == nil else { return }
        state.log.write(.info, "publish.standby", session: id, [("stream", "\(request.name)")])
        standby = Timer(on: loop) { [unowned self] in tryAgain() }
        standby?.arm(after: SRTSession.standbyInterval)
    }

    private func tryAgain() {
        guard !isEnded else { return }
        if state.carriage.isPublished(request.name) {
            standby?.arm(after: SRTSession.standbyInterval)
        } else {
            standby = nil
            publish(request.name, priority: request.parameters["priority"])
        }
    }

    // MARK: Playing

    override func prepareView(_ ended: @escaping (ViewerEnd) -> Void) {
        outlet = PacketOutlet(
            self, label: protocolName, messageSize: SRTSocket.messageSize, on: loop, onEnd: ended)
    }

    override func show(_ handle: StreamHandle, _ kind: WireKind) {
        if let outlet { worker.fanout.attach(outlet, to: handle, kind) }
    }

    /// Packets do not tell how many frames they were.
    var traffic: PushTraffic {
        var traffic = past
        traffic.bytes = bytesOut
        traffic.skips += outlet?.skips ?? 0
        traffic.missed += outlet?.framesMissed ?? 0
        return traffic
    }

    override func leaveView() {
        past = traffic
        outlet?.detach()
        outlet = nil
    }

    override var viewStats: ViewerStats { outlet?.stats ?? ViewerStats() }

    /// Hot: one call for each message and viewer.
    func send(_ message: UnsafeRawBufferPointer) -> PacketSinkOutcome {
        switch socket.send(message) {
        case .sent: .sent
        case .full: .full
        case .failed: .failed
        }
    }

    func writable() { outlet?.writable() }

    override func playIsMissing() {
        // Perhaps it is an encoder whose first frames are still on their way.
        if isWaitingToSpeak, loop.now - since < SRTSession.silence { return }
        end("stream not found")
    }

    override func playIsRefused(_ turned: Turned) { end("turned away") }

    // MARK: Life

    func ended(_ reason: SRTEnd) {
        reader?.finish()
        if !isClaiming { finish() }
        end(reason.description)
    }

    override func housekeep(now: UInt64) {
        _ = srtReport
        let silent = now - min(now, socket.lastReceived)
        if reader != nil, !isClaiming, silent > UInt64(settings.publish.idleTimeout) {
            return fail("publish_idle", "the publisher sent nothing for publish.idle_timeout")
        }
        if let outlet, outlet.isBlocked,
            now - min(now, outlet.lastProgress) > UInt64(state.settings.play.stallTimeout)
        {
            return fail("viewer_stalled", "the viewer took nothing for play.stall_timeout")
        }
        if reader == nil, outlet == nil, isWaitingToSpeak, now - since > max(SRTSession.silence, waitsFor) {
            end("stream not found")
        }
    }

    private var waitsFor: UInt64 { UInt64(settings.play.wait) }

    override func willEnd() {
        super.willEnd()
        standby = nil
        state.srtEnded(srtReport)
    }

    override func end(_ reason: String) {
        guard !isEnded else { return }
        super.end(reason)
        onEnd(reason)
    }

    override func complete(_ report: inout SessionReport) { report.srt = srtReport }

    /// As of now, or of when it was last there: libsrt forgets a connection as soon as it is over.
    private var srtReport: SRTReport {
        if let statistics = socket.statistics {
            lastReport = SRTReport(
                statistics, latency: max(socket.receiveLatency, socket.sendLatency), socket.isEncrypted)
        }
        return lastReport
    }
}

/// An SRT socket as its session's carrier.
private final class SRTCarrier: Carrier {
    private let socket: SRTSocket

    init(_ socket: SRTSocket) { self.socket = socket }

    var peer: Address { socket.peer }
    var bytesIn: UInt64 { socket.bytesIn }
    /// All that goes out is the stream's.
    var bytesOut: UInt64 { 0 }
    func finish() { socket.close() }
}

extension SRTReport {
    init(_ statistics: SRTStatistics, latency: Int, _ isEncrypted: Bool) {
        self.init()
        rttMs = statistics.roundTripMilliseconds
        latencyMs = latency
        encrypted = isEncrypted
        packetsSent = statistics.packetsSent
        packetsReceived = statistics.packetsReceived
        lostSent = statistics.packetsLostSending
        lostReceived = statistics.packetsLostReceiving
        retransmitted = statistics.packetsRetransmitted
        droppedSent = statistics.packetsDroppedSending
        droppedReceived = statistics.packetsDroppedReceiving
        sendBufferMs = statistics.sendBufferMilliseconds
        receiveBufferMs = statistics.receiveBufferMilliseconds
        bandwidthMbit = statistics.bandwidthMegabits
    }
}
