import Media

/// What a client sent on a WebSocket.
public enum WebSocketEvent: Sendable, Equatable {
    case text([UInt8])
    case binary([UInt8])
    /// To be answered by a pong with the same payload.
    case ping([UInt8])
    case pong
    /// 1005 if the client gave no code (RFC 6455 §7.1.5). Nothing follows it.
    case close(UInt16)
}

/// Reads a client's frames (RFC 6455 §5): feed it with `receive`, then call `next` until it returns nil.
///
/// It holds at most one message of `maxMessage` bytes, one control payload and `maxPending` events; a frame's
/// announced length is checked and never allocated ahead. The first error is final. After a close frame all else
/// is ignored.
public struct WebSocketReader: Sendable {
    /// Events that may wait for `next`: a client that sends more in one read has no good reason.
    public static let maxPending = 1024

    private enum State {
        case header
        case payload(Frame, left: Int)
        case closed
        case failed(WebSocketError)
    }

    private struct Frame {
        let opcode: UInt8
        let isFinal: Bool
        let mask: UInt32
        var isControl: Bool { opcode & 0x8 != 0 }
    }

    private let maxMessage: Int
    private var state = State.header
    private var header: [UInt8] = []
    /// The opcode of the message whose fragments are being gathered.
    private var messageOpcode: UInt8?
    private var message: [UInt8] = []
    private var control: [UInt8] = []
    private var maskPosition = 0
    private var events: [WebSocketEvent] = []
    private var taken = 0

    public init(maxMessage: Int = 4096) { self.maxMessage = maxMessage }

    public mutating func receive(_ input: Span<UInt8>) throws(WebSocketError) {
        do throws(WebSocketError) {
            var position = 0
            while position < input.count {
                switch state {
                case .failed(let error): throw error
                case .closed: return
                case .header:
                    header.append(input[position])
                    position += 1
                    try readHeader()
                case .payload(let frame, let left):
                    let count = min(left, input.count - position)
                    unmask(input.extracting(position..<position + count), of: frame)
                    position += count
                    state = .payload(frame, left: left - count)
                    if left == count { try finish(frame) }
                }
            }
        } catch {
            state = .failed(error)
            throw error
        }
    }

    public mutating func next() -> WebSocketEvent? {
        guard taken < events.count else {
            events.removeAll()
            taken = 0
            return nil
        }
        defer { taken += 1 }
        return events[taken]
    }

    /// Acts on the header as soon as it can be told to be bad or complete (§5.2).
    private mutating func readHeader() throws(WebSocketError) {
        let opcode = header[0] & 0x0F
        let isFinal = header[0] & 0x80 != 0
        if header.count == 1 { return try checkOpcode(opcode, isFinal: isFinal) }
        let short = Int(header[1] & 0x7F)
        if header.count == 2 {
            guard header[1] & 0x80 != 0 else { throw .unmasked }
            guard opcode & 0x8 == 0 || short <= WebSocket.maxControlPayload else { throw .badControl }
        }
        let extended = short == 126 ? 2 : short == 127 ? 8 : 0
        guard header.count == 2 + extended + 4 else { return }
        let length = try payloadLength(short, extended: extended)
        if opcode & 0x8 == 0, length > maxMessage - message.count { throw .tooLarge(maxMessage) }
        let mask = header.span.u32(at: 2 + extended)
        header.removeAll(keepingCapacity: true)
        maskPosition = 0
        let frame = Frame(opcode: opcode, isFinal: isFinal, mask: mask)
        if frame.isControl {
            control.removeAll(keepingCapacity: true)
        } else if opcode != 0 {
            messageOpcode = opcode
        }
        if length == 0 { try finish(frame) } else { state = .payload(frame, left: length) }
    }

    private func checkOpcode(_ opcode: UInt8, isFinal: Bool) throws(WebSocketError) {
        guard header[0] & 0x70 == 0 else { throw .reservedBits }
        switch opcode {
        case 0: if messageOpcode == nil { throw .badFragment }
        case WebSocket.text, WebSocket.binary: if messageOpcode != nil { throw .badFragment }
        case WebSocket.close, WebSocket.ping, WebSocket.pong: if !isFinal { throw .badControl }
        default: throw .badOpcode
        }
    }

    private func payloadLength(_ short: Int, extended: Int) throws(WebSocketError) -> Int {
        switch extended {
        case 2:
            let length = Int(header.span.u16(at: 2))
            guard length >= 126 else { throw .badLength }
            return length
        case 8:
            let length = header.span.u64(at: 2)
            guard length > 0xFFFF, length <= UInt64(Int64.max) else { throw .badLength }
            return Int(length)
        default: return short
        }
    }

    private mutating func unmask(_ bytes: Span<UInt8>, of frame: Frame) {
        for i in bytes.indices {
            let key = UInt8(truncatingIfNeeded: frame.mask >> (24 - 8 * UInt32(maskPosition & 3)))
            maskPosition += 1
            if frame.isControl { control.append(bytes[i] ^ key) } else { message.append(bytes[i] ^ key) }
        }
    }

    /// A frame is complete: a control frame is an event, a data frame ends its message or waits for the rest.
    private mutating func finish(_ frame: Frame) throws(WebSocketError) {
        state = .header
        switch frame.opcode {
        case WebSocket.ping: try emit(.ping(control))
        case WebSocket.pong: try emit(.pong)
        case WebSocket.close:
            try emit(.close(try closeCode()))
            state = .closed
        default:
            guard frame.isFinal else { return }
            let isText = messageOpcode == WebSocket.text
            if isText, String(validating: message, as: UTF8.self) == nil { throw .badText }
            try emit(isText ? .text(message) : .binary(message))
            message = []
            messageOpcode = nil
        }
    }

    private mutating func emit(_ event: WebSocketEvent) throws(WebSocketError) {
        guard events.count - taken < Self.maxPending else { throw .flood }
        events.append(event)
    }

    /// The code of the close frame just read (§5.5.1, §7.4).
    private func closeCode() throws(WebSocketError) -> UInt16 {
        if control.isEmpty { return 1005 }
        guard control.count >= 2 else { throw .badClose }
        let code = control.span.u16(at: 0)
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: break
        default: throw .badClose
        }
        guard String(validating: control[2...], as: UTF8.self) != nil else { throw .badText }
        return code
    }
}
