/// A connection of this node's to an RTMP server that it publishes a stream to.
///
/// To the rest of the node it is a viewer like any other: it has a place, a cursor, and is told when the stream ends.
import Configuration
import EventLoop
import Fanout
import RTMP

final class PushSession: WireSession, PushLeg {
    struct Order {
        let name: Fanout.StreamName
        /// As they go to the server.
        let app: String
        let stream: String
        let url: String
        /// Which nodes the stream has come through, this one included.
        let via: Via
        /// How it stands in logs and reports.
        let called: String
        /// Takes secrets out of what the server says.
        let mask: (String) -> String
    }

    private let order: Order
    private var machine: ClientSession
    private var outlet: PushOutlet?
    private let accepted: () -> Void
    private let onEnd: (PushSession, PushCourse.Failure) -> Void
    private var failure: PushCourse.Failure?
    /// Of outlets that are gone; the bytes are the connection's.
    private var past = PushTraffic()
    /// What had gone out when something last did, and when that was.
    private var progress: (bytes: UInt64, at: UInt64)

    /// Milliseconds from the connection to the server's yes.
    private static let patience: UInt64 = 10_000
    /// Bytes of answers that wait behind a frame.
    private static let maxAnswers = 1 << 20

    init(
        _ connection: Connection, _ order: Order, worker: Worker, number: UInt64, accepted: @escaping () -> Void,
        onEnd: @escaping (PushSession, PushCourse.Failure) -> Void
    ) {
        self.order = order
        self.accepted = accepted
        self.onEnd = onEnd
        machine = ClientSession(
            app: order.app, stream: order.stream, tcUrl: order.url, mode: .publish, via: order.via,
            limits: .player, random: Clock.monotonicNanoseconds &* 0x9E37_79B9_7F4A_7C15 ^ number)
        progress = (0, worker.loop.now)
        super.init(connection, worker: worker, number: number)
        name = order.name
    }

    override var protocolName: String { "rtmp" }
    override var agent: String { order.called }

    /// Says hello. To be called once the session is in its worker's table.
    func begin() { flushOutput() }

    // MARK: The server

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        do throws(RTMPError) {
            // Sound: the bytes stay where they are for the length of this call.
            try machine.receive(Span(_unsafeElements: bytes))
        } catch {
            flushOutput()
            return fail(error.reason, error.description)
        }
        flushOutput()
        while !isEnded, let event = machine.nextEvent() { handle(event) }
    }

    private func flushOutput() {
        guard machine.hasOutput, !isEnded else { return }
        connection.write(machine.takeOutput())
        // A frame may wait there, and its prologue; answers that nobody reads may not pile up behind it.
        guard connection.outboxBytes > state.settings.rtmp.maxMessage + PushSession.maxAnswers else { return }
        fail("push_output_not_read", "the server asks more than it reads")
    }

    private func handle(_ event: ClientEvent) {
        switch event {
        case .ready:
            accepted()
            if !isEnded { play(order.name, WireKind(.rtmp)) }
        case .rejected(let code, let description):
            refuse("the server refuses the stream: \(code)" + (description.isEmpty ? "" : " (\(description))"))
        case .ended: end("the server has ended the stream")
        case .media: break
        }
    }

    private func refuse(_ reason: String) {
        let reason = order.mask(reason)
        failure = .refused(reason)
        end(reason)
    }

    override func ended(_ reason: ConnectionEnd) {
        if case .insecure(let text) = reason { return refuse("TLS: \(text)") }
        end(machine.isReady ? "the server has closed the connection" : "the server closed before it took the stream")
    }

    override func writable() { outlet?.writable() }

    // MARK: The stream

    override func prepareView(_ ended: @escaping (ViewerEnd) -> Void) {
        outlet = PushOutlet(
            connection, messageStream: machine.messageStream, label: protocolName, onEnd: ended)
    }

    override func show(_ handle: StreamHandle, _ kind: WireKind) {
        if let outlet { worker.fanout.attach(outlet, to: handle) }
    }

    override func leaveView() {
        guard let outlet else { return }
        outlet.detach()
        past = past + PushTraffic(outlet)
        self.outlet = nil
    }

    override var viewStats: ViewerStats {
        var stats = outlet?.stats ?? ViewerStats()
        stats.skips += past.skips
        return stats
    }

    var traffic: PushTraffic {
        var traffic = outlet.map { past + PushTraffic($0) } ?? past
        traffic.bytes = bytesOut
        return traffic
    }

    override func playIsMissing() { end("stream ended") }
    override func playIsRefused(_ turned: Turned) { end("turned away: \(turned.text)") }

    // MARK: Life

    override func housekeep(now: UInt64) {
        guard machine.isReady else {
            guard now - since > PushSession.patience else { return }
            return fail("push_timeout", "the server has not taken the stream in \(PushSession.patience / 1000) s")
        }
        let sent = bytesOut
        if sent != progress.bytes || outlet?.isBlocked != true {
            progress = (sent, now)
        } else if now - progress.at > UInt64(state.settings.play.stallTimeout) {
            fail("push_stalled", "the server took nothing for play.stall_timeout")
        }
    }

    override func fail(_ reason: String, _ explanation: String) {
        if !isEnded, failure == nil { failure = .lost(explanation) }
        super.fail(reason, order.mask(explanation))
    }

    override func willEnd() {
        super.willEnd()
        machine.close()
        flushFarewell()
    }

    /// What says goodbye stands behind whole frames: the rest of one that was cut waits in the connection already.
    private func flushFarewell() {
        if machine.hasOutput { connection.write(machine.takeOutput()) }
    }

    override func end(_ reason: String) {
        guard !isEnded else { return }
        super.end(reason)
        onEnd(self, failure ?? .lost(reason))
    }
}

extension PushTraffic {
    fileprivate init(_ outlet: PushOutlet) {
        frames = outlet.frames
        skips = outlet.skips
        missed = outlet.framesMissed
    }
}
