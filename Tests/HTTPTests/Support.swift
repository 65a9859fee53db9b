import HTTP
import Testing

/// What a whole input parses to, given in pieces of that size.
func requests(_ text: String, piece: Int = .max, limits: HTTPLimits = HTTPLimits()) throws -> [HTTPRequest] {
    var parser = RequestParser(limits: limits)
    return try requests(Array(text.utf8), piece: piece, from: &parser)
}

func requests(
    _ bytes: [UInt8], piece: Int = .max, from parser: inout RequestParser, _ memory: FieldMemory? = nil
) throws -> [HTTPRequest] {
    var found: [HTTPRequest] = []
    var at = 0
    while at < bytes.count {
        let end = piece >= bytes.count - at ? bytes.count : at + piece
        try parser.receive(bytes.span.extracting(at..<end))
        while let request = try parser.next(memory) { found.append(request) }
        at = end
    }
    return found
}

/// The one request of a well-formed input.
func request(_ text: String) throws -> HTTPRequest {
    let all = try requests(text)
    try #require(all.count == 1)
    return all[0]
}

/// Checks that the input is refused for that reason, whole and byte by byte.
func expectRefusal(
    _ text: String, _ reason: String, status: Int = 400, limits: HTTPLimits = HTTPLimits(),
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for piece in [Int.max, 1] {
        let error = #expect(throws: HTTPError.self, sourceLocation: sourceLocation) {
            _ = try requests(text, piece: piece, limits: limits)
        }
        #expect(error?.reason == reason, sourceLocation: sourceLocation)
        #expect(error?.status == status, sourceLocation: sourceLocation)
    }
}

/// A client's frame, masked.
func clientFrame(
    _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, mask: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]
) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: WebSocket.headerSize(payloadCount: payload.count))
    header.withUnsafeMutableBytes {
        _ = WebSocket.writeHeader(opcode: opcode, payloadCount: payload.count, into: $0.baseAddress!)
    }
    if !isFinal { header[0] &= 0x7F }
    header[1] |= 0x80
    return header + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
}

func events(_ bytes: [UInt8], piece: Int = .max, maxMessage: Int = 4096) throws -> [WebSocketEvent] {
    var reader = WebSocketReader(maxMessage: maxMessage)
    var found: [WebSocketEvent] = []
    var at = 0
    while at < bytes.count {
        let end = piece >= bytes.count - at ? bytes.count : at + piece
        try reader.receive(bytes.span.extracting(at..<end))
        while let event = reader.next() { found.append(event) }
        at = end
    }
    return found
}
