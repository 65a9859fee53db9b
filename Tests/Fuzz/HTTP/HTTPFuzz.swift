import HTTP

/// Fuzz entries of the HTTP module. Any input may end in a thrown error; none may trap, grow without bound, or be read
/// differently when it arrives in pieces. The first byte is the size of those pieces.

/// What a parser made of one input, in a form that can be compared.
private struct Outcome: Equatable {
    var requests: [String] = []
    var error: HTTPError?
    var remainder: [UInt8] = []
}

public func fuzzHTTP(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let bytes = data.extracting(1...)
    let whole = parse(bytes, piece: bytes.count)
    let pieces = parse(bytes, piece: Int(data[0]) + 1)
    precondition(whole == pieces, "the split of the input changed its meaning")
    let memory = FieldMemory()
    for piece in [bytes.count, Int(data[0]) + 1, bytes.count] {
        precondition(parse(bytes, piece: piece, memory) == whole, "who has been here before is read differently")
    }
}

private func parse(_ data: Span<UInt8>, piece: Int, _ memory: FieldMemory? = nil) -> Outcome {
    var limits = HTTPLimits()
    // Small, so that short inputs reach them.
    limits.maxHeaderBytes = 512
    limits.maxHeaders = 8
    limits.maxTarget = 64
    limits.maxBody = 128
    var parser = RequestParser(limits: limits)
    var outcome = Outcome()
    var at = 0
    do throws(HTTPError) {
        while at < data.count {
            let end = min(data.count, at + piece)
            try parser.receive(data.extracting(at..<end))
            while let request = try parser.next(memory) {
                check(request)
                outcome.requests.append(account(of: request))
            }
            at = end
        }
        outcome.remainder = parser.takeRemainder()
    } catch {
        precondition(!error.reason.isEmpty && error.status >= 400)
        precondition(!HTTPResponse(error).encode(keepAlive: false).isEmpty)
        outcome.error = error
    }
    return outcome
}

/// All that it says.
private func account(of request: HTTPRequest) -> String {
    "\(request.method) \(request.target) \(request.version) \(request.path) \(request.query) \(request.headers) "
        + "\(request.keepAlive) \(request.webSocketKey ?? "-") \(request.asksForWebSocket) \(request.body)"
}

private func check(_ request: HTTPRequest) {
    let segments = request.path.split(separator: "/")
    precondition(!segments.contains("..") && !segments.contains("."), "a path can leave its root")
    precondition(request.path == "*" || request.path.utf8.first == UInt8(ascii: "/"))
    precondition(!request.path.utf8.contains { $0 < 0x20 })
    precondition(String(validating: request.pathBytes, as: UTF8.self) == request.path)
    if let first = request.queryItems.first { precondition(request.query(first.name) == first.value) }
    precondition(request.headers.allSatisfy { !$0.name.contains(where: \.isUppercase) })
    precondition(request.header("connection", mentions: "") == (request.header("connection") != nil))
    precondition(!request.header("connection", mentions: "\r"))
    let response = HTTPResponse.preflight(for: request).encode(keepAlive: request.keepAlive)
    precondition(response.count(where: { $0 == UInt8(ascii: "\n") }) <= 10, "a header was split")
    if request.webSocketKey != nil { _ = WebSocket.upgradeResponse(for: request) }
}

public func fuzzWebSocket(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let bytes = data.extracting(1...)
    let whole = read(bytes, piece: bytes.count)
    let pieces = read(bytes, piece: Int(data[0]) + 1)
    precondition(whole.error == pieces.error && whole.events == pieces.events, "the split changed the meaning")
}

private func read(_ data: Span<UInt8>, piece: Int) -> (events: [WebSocketEvent], error: WebSocketError?) {
    var reader = WebSocketReader(maxMessage: 256)
    var events: [WebSocketEvent] = []
    var failure: WebSocketError?
    var at = 0
    while at < data.count, failure == nil {
        let end = min(data.count, at + piece)
        do throws(WebSocketError) { try reader.receive(data.extracting(at..<end)) } catch { failure = error }
        while let event = reader.next() { events.append(event) }
        at = end
    }
    // How much may arrive at once is the one thing that depends on the split.
    if failure?.reason == "ws_flood" || events.count >= WebSocketReader.maxPending { return ([], nil) }
    return (events, failure)
}
