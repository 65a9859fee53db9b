/// Fuzz entry of the HTTP2 module: a connection that is sent anything. It may end in an `HTTP2Error`, never in a trap, and
/// what it holds stays within its limits.
import HTTP
import HTTP2

/// The first byte steers: the size of the pieces in its upper bits, bit 0 puts the preface and settings before the input,
/// bit 1 has the client read nothing, bit 2 answers requests. Each piece is a tenth of a second.
public func fuzzHTTP2(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let steering = data[0]
    var limits = HTTP2Limits()
    limits.http.maxHeaderBytes = 1_024
    limits.http.maxBody = 256
    let connection = HTTP2Connection(limits: limits, now: 0)
    var now: UInt64 = 0
    do throws(HTTP2Error) {
        if steering & 1 != 0 {
            let opening = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
            try connection.receive(opening.span, now: now)
        }
        var at = 1
        while at < data.count {
            let end = min(data.count, at + Int(steering >> 3) * 16 + 1)
            now += 100
            try connection.receive(data.extracting(at..<end), now: now)
            takeEvents(connection, answers: steering & 4 != 0)
            if steering & 2 == 0 { drain(connection) }
            try connection.tick(now: now)
            at = end
        }
        try connection.tick(now: now + 60_000)
        takeEvents(connection, answers: true)
        connection.shutDown(now: now + 60_000)
    } catch {
        precondition(!error.reason.isEmpty && !error.description.isEmpty)
        takeEvents(connection, answers: true)
    }
    drain(connection)
    _ = connection.takeRest()
}

private func takeEvents(_ connection: HTTP2Connection, answers: Bool) {
    while let event = connection.next() {
        guard answers, case .request(let stream, let request) = event else { continue }
        precondition(request.body.count <= 256)
        var response = HTTPResponse(status: 200)
        response.body = [UInt8](repeating: 7, count: stream % 3 == 0 ? 70_000 : 10)
        if stream % 5 == 0 {
            connection.reset(stream)
        } else {
            connection.respond(stream, response, isHead: request.method == "HEAD")
        }
    }
}

private func drain(_ connection: HTTP2Connection) {
    var rounds = 0
    while rounds < 16, !connection.send(through: { $0.reduce(0) { $0 + $1.iov_len } }) { rounds += 1 }
}
