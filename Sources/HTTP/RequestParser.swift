/// Turns the bytes of one connection into requests: feed it with `receive`, then call `next` until it returns nil.
///
/// It holds at most one partial head and one body besides what the last `receive` brought, all within
/// `HTTPLimits`. The first error is final: every later call throws it again. After an upgrade request the stream
/// is no longer HTTP; the bytes behind it are left to `takeRemainder`.
public struct RequestParser: Sendable {
    private enum State: Sendable {
        case head
        case body(HTTPRequest, left: Int)
        case chunked(HTTPRequest, ChunkedBody)
        case upgraded
        case failed(HTTPError)
    }

    private let limits: HTTPLimits
    private var state = State.head
    private var buffer: [UInt8] = []
    /// Where the unconsumed bytes start.
    private var start = 0
    private var scanner = HeadScanner()
    private var wantsContinue = false

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Whether no partial request is held, so that an idle connection may be closed without loss.
    public var isIdle: Bool {
        if case .head = state { scanner.start == buffer.count } else { false }
    }

    public mutating func receive(_ input: Span<UInt8>) throws(HTTPError) {
        if case .failed(let error) = state { throw error }
        compact()
        guard buffer.count + input.count <= limits.maxBuffered else {
            throw fail(.bufferFull(limits.maxBuffered))
        }
        // Sound: they are copied.
        input.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// The next complete request, or nil if more bytes are needed. `memory` knows header fields of earlier requests.
    public mutating func next(_ memory: FieldMemory? = nil) throws(HTTPError) -> HTTPRequest? {
        do throws(HTTPError) {
            while true {
                switch state {
                case .failed(let error): throw error
                case .upgraded: return nil
                case .head:
                    if let memory, let request = try recall(memory) { return request }
                    guard let end = try scanHead() else { return nil }
                    if let request = try startRequest(headEnd: end, memory) { return request }
                case .body(let request, let left):
                    return takeBody(request, left: left)
                case .chunked(let request, let chunked):
                    return try takeChunks(request, chunked)
                }
            }
        } catch {
            throw fail(error)
        }
    }

    /// Whether `100 Continue` should be sent now; true once per request that waits for it (RFC 9110 §10.1.1).
    public mutating func takeContinue() -> Bool {
        defer { wantsContinue = false }
        return wantsContinue
    }

    /// The bytes that arrived behind an upgrade request.
    public mutating func takeRemainder() -> [UInt8] {
        defer { drop() }
        return Array(buffer[start...])
    }

    private mutating func fail(_ error: HTTPError) -> HTTPError {
        state = .failed(error)
        drop()
        return error
    }

    private mutating func drop() {
        buffer = []
        consume(to: 0)
    }

    /// Moves the unconsumed bytes to the front, and gives a large buffer back when it is empty.
    private mutating func compact() {
        guard start > 0 else { return }
        if start == buffer.count { buffer.removeAll(keepingCapacity: true) } else { buffer.removeFirst(start) }
        scanner.shift(by: start)
        start = 0
        if buffer.isEmpty, buffer.capacity > HTTPLimits.keptCapacity { buffer = [] }
    }

    private mutating func consume(to end: Int) {
        start = end
        scanner.restart(at: end)
    }

    /// The scanner works on a copy, because the buffer it reads is lent from `self`.
    private mutating func scanHead() throws(HTTPError) -> Int? {
        var scanner = scanner
        let end = try scanner.scan(buffer.span, limits: limits)
        self.scanner = scanner
        return end
    }

    /// A request of which all has come, and whose fields are known: they are not looked at again. Nil leaves everything
    /// as it is, for who looks at each byte.
    private mutating func recall(_ memory: FieldMemory) throws(HTTPError) -> HTTPRequest? {
        guard scanner.hasSeenNothing, scanner.hasFirstLine(buffer.span, limits: limits),
            let line = try? RequestLine(buffer.span.extracting(scanner.start...), limits: limits)
        else { return nil }
        let end = scanner.start + line.end
        guard let block = memory.find(buffer.span.extracting(end...), line, limits) else { return nil }
        wantsContinue = false
        return HTTPRequest(head: try RequestHead(takeHead(end: end + block.text.bytes.count), line, block))
    }

    /// Parses a complete head; returns the request if it has no body, otherwise moves to the body's state.
    private mutating func startRequest(headEnd end: Int, _ memory: FieldMemory?) throws(HTTPError) -> HTTPRequest? {
        let lines = scanner.lines
        let bytes = takeHead(end: end)
        let line = try RequestLine(bytes.span, limits: limits)
        // A head that came in pieces may have fields that are known all the same.
        let known = memory?.find(bytes.span.extracting(line.end...), line, limits)
        let block = if let known { known } else { try FieldBlock(bytes, from: line, lines: lines - 1, limits: limits) }
        let request = HTTPRequest(head: try RequestHead(bytes, line, block))
        if known == nil { memory?.keep(block) }
        wantsContinue = block.expectsContinue
        switch block.framing {
        case .none:
            if request.webSocketKey != nil { state = .upgraded }
            return request
        case .length(let length): state = .body(request, left: length)
        case .chunked: state = .chunked(request, ChunkedBody())
        }
        return nil
    }

    /// The head's bytes. Almost always they are all that has come: then the buffer itself is handed on.
    private mutating func takeHead(end: Int) -> [UInt8] {
        guard scanner.start == 0, end == buffer.count else {
            defer { consume(to: end) }
            return Array(buffer[scanner.start..<end])
        }
        defer { drop() }
        return buffer
    }

    private mutating func takeBody(_ request: HTTPRequest, left: Int) -> HTTPRequest? {
        var request = request
        state = .head
        let count = min(left, buffer.count - start)
        request.body += buffer[start..<start + count]
        consume(to: start + count)
        if count == left {
            wantsContinue = false
            return request
        }
        state = .body(request, left: left - count)
        return nil
    }

    private mutating func takeChunks(_ request: HTTPRequest, _ chunked: ChunkedBody) throws(HTTPError) -> HTTPRequest? {
        var (request, chunked) = (request, chunked)
        state = .head
        let taken = try chunked.receive(buffer.span.extracting(start...), maxBody: limits.maxBody)
        consume(to: start + taken)
        if chunked.isDone {
            wantsContinue = false
            request.body = chunked.body
            return request
        }
        state = .chunked(request, chunked)
        return nil
    }
}
