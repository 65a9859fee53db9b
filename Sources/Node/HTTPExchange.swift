/// One request and the way to its answer, whatever carries it: an HTTP/1.1 connection, which has one at a time, or one
/// stream of an HTTP/2 connection among many.
///
/// What answers requests works on this and knows of no connection. Invariants: it is answered once; from then on, and
/// from the moment that its client gives it up, it waits for nothing.
import EventLoop
import Fanout
import HLS
import HTTP
import Operations
import Packaging
import StreamLog

/// A connection that carries exchanges.
protocol ExchangeSession: WireSession {
    /// Sends the answer. With a body its status is below 300 and the request no HEAD, or the body is its length alone.
    func deliver(_ exchange: HTTPExchange, _ response: HTTPResponse, _ body: SharedBytes?)
    /// The same for an answer that was prepared, with its whole body.
    func deliver(_ exchange: HTTPExchange, _ answer: PreparedResponse, _ body: SharedBytes)
    /// The client has what was prepared already (RFC 9110 §15.4.5).
    func deliver(_ exchange: HTTPExchange, unchanged answer: PreparedResponse)
    /// The same with a body of which the first piece is there; to a HEAD it is the length alone.
    func deliver(_ exchange: HTTPExchange, _ response: HTTPResponse, _ body: KeptBody)
    /// Answers with the live stream, now or when it is there, or says why not.
    func deliverStream(_ exchange: HTTPExchange, _ wanted: StreamRequest)
    /// The exchange is about packaged media of that stream.
    func becomesPackaged(_ name: StreamName)
    /// The stream that it was last asked about so.
    var place: PackagedPlace? { get set }
    /// Whose playlist of a window was last fetched over the connection.
    var viewerToken: ViewerToken? { get set }
}

final class HTTPExchange {
    let request: HTTPRequest
    /// Of HTTP/2; 0 where there are none.
    let stream: Int32
    unowned let session: any ExchangeSession
    private(set) var isOver = false
    private var parked: Parked?
    private var wait: StreamWait?
    /// What it waits to have read.
    private var body: KeptBody?

    /// Its place on a shelf.
    private struct Parked {
        let shelf: Shelf
        let ticket: Shelf.Ticket
        let deadline: UInt64
    }

    init(_ request: HTTPRequest, stream: Int32 = 0, over session: any ExchangeSession) {
        self.request = request
        self.stream = stream
        self.session = session
    }

    deinit { stopWaiting() }

    var state: NodeState { session.state }
    var loop: Loop { session.loop }
    var isHead: Bool { request.isHead }

    // MARK: Answers

    func answer(_ response: HTTPResponse, _ body: SharedBytes? = nil) {
        guard !isOver, !session.isEnded else { return }
        abandon()
        var response = response
        if body != nil, !isHead, response.status < 300 {
            response.set("Access-Control-Allow-Origin", "*")
        } else {
            let varies = response.header("Vary")
            response.set(corsHeaders(origin: request.header("origin")))
            if let varies { response.set("Vary", varies + ", Origin") }
        }
        session.deliver(self, response, body)
    }

    /// Answers with what was prepared for everybody.
    func answer(_ prepared: PreparedResponse, _ body: SharedBytes) {
        guard !isOver, !session.isEnded else { return }
        abandon()
        session.deliver(self, prepared, body)
    }

    func answer(unchanged prepared: PreparedResponse) {
        guard !isOver, !session.isEnded else { return }
        abandon()
        session.deliver(self, unchanged: prepared)
    }

    /// Answers with a file of a window.
    func answer(_ response: HTTPResponse, _ body: KeptBody) {
        guard !isOver, !session.isEnded else { return }
        abandon()
        session.deliver(self, response, body)
    }

    /// Answers from a snapshot of the whole node, which other loops take part in.
    func answerLater(_ make: @escaping (NodeSnapshot) -> HTTPResponse) {
        session.worker.takeSnapshot { [weak self] snapshot in
            guard let self, !isOver else { return }
            answer(make(snapshot))
        }
    }

    /// Nobody waits for the answer any more, or somebody else gives it.
    func abandon() {
        isOver = true
        stopWaiting()
    }

    // MARK: Waiting

    /// Finds the stream, or waits for it. `then` is not called when the exchange is over before.
    func seek(_ name: StreamName, _ then: @escaping (StreamHandle?) -> Void) {
        let wait = StreamWait(name, session.worker, then)
        self.wait = wait
        wait.begin()
    }

    /// Waits on the shelf; after `patience` milliseconds the answer is 503 (RFC 8216bis §6.2.5.2).
    func park(on shelf: Shelf, ticket: Shelf.Ticket, patience: UInt64) {
        parked = Parked(shelf: shelf, ticket: ticket, deadline: loop.now + patience)
    }

    /// Whether it waits on a shelf; it does no longer.
    func unpark() -> Bool {
        guard parked != nil, !isOver, !session.isEnded else { return false }
        parked = nil
        return true
    }

    /// Waits for the first piece of the body, which tells of it.
    func reads(_ body: KeptBody) {
        self.body = body
        body.prepare()
        if body.hasFailed { answer(.later("The server is going down.")) }
    }

    /// To be called about twice a second.
    func tick(now: UInt64) {
        wait?.tick(now: now)
        guard let parked, now >= parked.deadline else { return }
        parked.shelf.stopWaiting(parked.ticket)
        self.parked = nil
        answer(.later("What was asked for did not come in time."))
    }

    private func stopWaiting() {
        wait?.stop()
        wait = nil
        body = nil
        if let parked { parked.shelf.stopWaiting(parked.ticket) }
        parked = nil
    }
}

extension HTTPResponse {
    /// Not now: it may be tried again at once.
    static func later(_ text: String) -> HTTPResponse {
        var response = HTTPResponse(status: 503, text: text + "\n")
        response.set("Retry-After", "1")
        response.set("Cache-Control", "no-store")
        return response
    }
}

extension HTTPDate {
    /// For the `Date` header.
    static var now: String { format(Int64(Clock.unixMilliseconds / 1000)) }
}
