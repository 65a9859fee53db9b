/// An operator's connection to the dispatcher's HTTP API.
import Dispatch
import EventLoop
import HTTP
import Operations

final class DispatchRequests: ConnectionHandler {
    private let connection: Connection
    private unowned let server: DispatchServer
    private var parser = RequestParser()
    private var waitingSince: UInt64
    private var isEnded = false

    /// Milliseconds for a request to come, and to come whole.
    private static let patience: UInt64 = 30_000

    init(_ connection: Connection, server: DispatchServer) {
        self.connection = connection
        self.server = server
        waitingSince = connection.loop.now
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        if parser.isIdle { waitingSince = connection.loop.now }
        do throws(HTTPError) {
            // Sound: the bytes stay where they are for the length of this call.
            try parser.receive(Span(_unsafeElements: bytes))
            while !isEnded, let request = try parser.next() { answer(request) }
        } catch {
            connection.write(HTTPResponse(error).encode(keepAlive: false, date: date))
            end()
        }
    }

    private var date: String { HTTPDate.format(Int64(Clock.unixMilliseconds / 1000)) }

    private func answer(_ request: HTTPRequest) {
        var response = DispatchAPI.answer(request, server)
        if request.method == "OPTIONS" { response = HTTPResponse.preflight(for: request) }
        connection.write(
            response.encode(head: request.isHead, keepAlive: request.keepAlive, date: date))
        waitingSince = connection.loop.now
        if !request.keepAlive { end() }
    }

    func tick(now: UInt64) {
        if now - min(now, waitingSince) > DispatchRequests.patience { end() }
    }

    func ended(_ reason: ConnectionEnd) { end() }
    func writable() {}

    private func end() {
        guard !isEnded else { return }
        isEnded = true
        connection.finish()
        server.forget(self)
    }
}
