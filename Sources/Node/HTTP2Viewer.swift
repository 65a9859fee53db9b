/// One live stream to one client over HTTP/2: a place of the node's room, a cursor in the stream's log, and the body that
/// the connection asks for bytes when it has room for them.
import Admission
import EventLoop
import Fanout
import HTTP
import HTTP2

final class HTTP2Viewer: LiveBody {
    let wanted: StreamRequest
    let stream: Int32
    private let exchange: HTTPExchange
    private unowned let session: HTTP2Session
    private let fit: FitWatch
    private var claim: Claim?
    private var outlet: BodyOutlet?

    init(_ exchange: HTTPExchange, _ wanted: StreamRequest, over session: HTTP2Session) {
        self.exchange = exchange
        self.wanted = wanted
        self.session = session
        stream = exchange.stream
        fit = FitWatch(wanted, session)
    }

    /// As it stands in the stats.
    var label: String { "http-\(wanted.container)" }

    // MARK: Beginning

    func begin() {
        guard wanted.container != .flv, let handle = session.state.hub.find(wanted.name) else { return serve() }
        fit.ask(of: handle) { [weak self] fit in
            guard let self, !exchange.isOver else { return }
            if fit.isNothing { refuse(wanted.unfit(fit)) } else { serve() }
        }
    }

    private func serve() {
        if exchange.isHead {
            guard session.state.hub.find(wanted.name) != nil else { return refuse(wanted.missing) }
            // Without an outlet the body is over at once, and has no length.
            return session.begin(self, head)
        }
        switch session.state.gate.enter(.viewer, wanted.name, on: session.loop) {
        case .success(let claim): self.claim = claim
        case .failure(let turned):
            session.logTurned(turned)
            return refuse(wanted.refused(turned, exchange.request))
        }
        exchange.seek(wanted.name) { [unowned self] handle in
            if let handle { start(handle) } else { refuse(wanted.missing) }
        }
    }

    /// Any answer but the stream.
    private func refuse(_ response: HTTPResponse) {
        exchange.answer(response)
        session.leave(stream)
    }

    private var head: HTTPResponse {
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", wanted.container.contentType)
        response.set("Cache-Control", "no-store")
        response.set("Access-Control-Allow-Origin", "*")
        response.set("X-Content-Type-Options", "nosniff")
        return response
    }

    private func start(_ handle: StreamHandle) {
        session.state.log.write(
            .info, "play.start", session: session.id,
            [
                ("stream", "\(wanted.name)"), ("protocol", label), ("address", "\(session.carrier.peer)"),
                ("agent", session.agent),
            ])
        let outlet = BodyOutlet(
            label: label, head: wanted.container.head(wanted.kind.tracks),
            onMore: { [unowned self] in session.resume(self) },
            onEnd: { [unowned self] _ in session.resume(self) })
        self.outlet = outlet
        session.begin(self, head)
        session.worker.fanout.attach(outlet, to: handle, wanted.kind)
        fit.watch { [unowned self] _ in session.reset(self) }
    }

    // MARK: The body

    /// Hot: one call for each frame of HTTP/2.
    func next(upTo limit: Int, into ranges: inout [BodyRange]) -> Bool {
        guard let outlet else { return true }
        var room = limit
        while let piece = outlet.next(upTo: room) {
            switch piece {
            case .own(let bytes):
                ranges.append(BodyRange(copying: bytes))
                room -= bytes.count
            case .shared(let bytes):
                bytes.appendRanges(to: &ranges)
                room -= bytes.count
            }
        }
        return outlet.isFinished
    }

    // MARK: Life

    func tick() { fit.askAgain() }

    /// What has not been asked for yet is the last of the body.
    func finish() { outlet?.finish() }

    /// Gives everything back. The connection has let go of the body, or is about to.
    func close() {
        exchange.abandon()
        outlet?.detach()
        outlet = nil
        claim.map(session.state.gate.leave)
        claim = nil
    }

    var stats: ViewerStats { outlet?.stats ?? ViewerStats() }
}
