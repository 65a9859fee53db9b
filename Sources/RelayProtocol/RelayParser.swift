/// Data plane. Takes the bytes of a connection apart, however they are cut, one event at a time.
///
/// The caller feeds the same piece until `next` returns nil, then the next piece. A frame is told twice: by its header
/// as soon as that is known, so that a frame which is not wanted can be passed over without being held (`skipBody`); and
/// whole. One that is there whole can be taken from where it lies before `next` is asked (`takeFrame`). Memory grows with
/// the bytes received, never with a length announced. After an error the parser is dead and throws that error for ever.
import Media

public enum RelayEvent: Sendable, Equatable {
    /// The frame with this header follows as the next event, unless `skipBody` passes its body over first.
    case frameBegins(RelayFrame.Header)
    case message(RelayMessage)
}

public struct RelayParser: Sendable {
    /// Holds no references, so that a step copies it for nothing.
    private enum State {
        case header
        case frameFields(MessageHeader)
        /// Fields of a frame that a later version added: as many bytes to pass over.
        case frameExtra(RelayFrame.Header, Int)
        case frameBody(RelayFrame.Header)
        case body(MessageType, MessageHeader)
        case skipping(Int)
        case failed
    }

    private let limits: RelayLimits
    private var state = State.header
    private var failure: RelayError?
    /// The header or the fields of which only a part has come; keeps its storage.
    private var head: [UInt8] = []
    /// The body that is being collected; given away whole.
    private var body: [UInt8] = []
    private var isOpen: Bool
    private var hasBegun = false
    /// The body of the peer's hello as it came, with what a later version may have added: the proofs are over it.
    private(set) var hello: [UInt8] = []

    /// With `open: false` only messages of the handshake are taken, and only small ones, until `open` is called.
    public init(limits: RelayLimits = RelayLimits(), open: Bool = false) {
        self.limits = limits
        isOpen = open
        head.reserveCapacity(RelayFrame.headerSize)
    }

    /// The peer is known: everything may come.
    public mutating func open() { isOpen = true }

    /// To be called after `.frameBegins`: its body is passed over, and no event tells the frame whole.
    public mutating func skipBody() {
        switch state {
        case .frameBody(let header): skip(header.bodyCount - body.count)
        case .frameExtra(let header, let extra): skip(header.bodyCount + extra)
        default: preconditionFailure("no frame has begun")
        }
    }

    /// Hot. The frame that begins at `at`, if all of it is there, and where in `bytes` its body lies: it is taken in then,
    /// and no event tells of it. Most frames are read in one piece, and need neither a state nor a copy of their own.
    /// Whatever is out of the ordinary is left to `next`.
    public mutating func takeFrame(
        _ bytes: Span<UInt8>, _ at: inout Int
    ) -> (header: RelayFrame.Header, body: Range<Int>)? {
        let rest = bytes.extracting(droppingFirst: at)
        guard case .header = state, isOpen, head.isEmpty, rest.count >= RelayFrame.headerSize else { return nil }
        // Of a known size: what is read in it needs no check of its own.
        let head = rest.extracting(first: RelayFrame.headerSize)
        let message = MessageHeader.parse(head, at: 0)
        let start = at + RelayFrame.headerSize
        let count = message.count - RelayFrame.fieldsSize
        guard message.type == MessageType.frame.rawValue, message.stream != 0,
            Int(head[MessageHeader.size]) == RelayFrame.fieldsSize,
            count >= 0, count <= rest.count - RelayFrame.headerSize, count <= limits.frameBody,
            let header = RelayFrame.Header(message, head, at: MessageHeader.size, fields: RelayFrame.fieldsSize)
        else { return nil }
        at = start + count
        return (header, start..<at)
    }

    private mutating func skip(_ count: Int) {
        body = []
        state = count > 0 ? .skipping(count) : .header
    }

    /// The next event in `bytes`, which are read from `at` on; nil when all of them are taken in.
    public mutating func next(_ bytes: Span<UInt8>, _ at: inout Int) throws(RelayError) -> RelayEvent? {
        if let failure { throw failure }
        do {
            while true {
                switch try step(bytes, &at) {
                case .event(let event): return event
                case .needsMore: return nil
                case .goesOn: break
                }
            }
        } catch {
            state = .failed
            failure = error
            throw error
        }
    }

    private enum Step {
        case event(RelayEvent)
        case goesOn
        case needsMore
    }

    /// One transition.
    private mutating func step(_ bytes: Span<UInt8>, _ at: inout Int) throws(RelayError) -> Step {
        switch state {
        case .failed: return .needsMore
        case .header:
            guard let header = takeHeader(bytes, &at) else {
                try checkFirstByte()
                return .needsMore
            }
            try begin(header)
        case .frameFields(let message):
            guard let (header, extra) = try takeFields(message, bytes, &at) else { return .needsMore }
            guard header.bodyCount <= limits.frameBody else {
                throw .messageTooLarge(type: message.type, announced: header.bodyCount, limit: limits.frameBody)
            }
            state = extra > 0 ? .frameExtra(header, extra) : .frameBody(header)
            return .event(.frameBegins(header))
        case .frameExtra(let header, let count):
            let part = min(count, bytes.count - at)
            at += part
            state = part == count ? .frameBody(header) : .frameExtra(header, count - part)
            return part < count ? .needsMore : .goesOn
        case .frameBody(let header):
            guard collectBody(header.bodyCount, bytes, &at) else { return .needsMore }
            state = .header
            return .event(.message(.frame(RelayFrame(header: header, body: takeBody()))))
        case .body(let type, let header):
            guard collectBody(header.count, bytes, &at) else { return .needsMore }
            state = .header
            if type == .hello { hello = body }
            return .event(.message(try RelayMessage(type, header: header, body: takeBody())))
        case .skipping(let count):
            let part = min(count, bytes.count - at)
            at += part
            state = part == count ? .header : .skipping(count - part)
            return part < count ? .needsMore : .goesOn
        }
        return .goesOn
    }

    private mutating func begin(_ header: MessageHeader) throws(RelayError) {
        let type = MessageType(rawValue: header.type)
        // Who begins with anything but a hello, or a refusal instead of one, is most likely no relay node at all.
        if !hasBegun && !isOpen {
            guard type == .hello || type == .refused, header.count <= RelayLimits.handshakeBody else {
                throw .notRelay(firstBytes: header.bytes)
            }
        }
        hasBegun = true
        guard isOpen || type?.belongsToHandshake == true else { throw .beforeHandshake(type: header.type) }
        let limit = bodyLimit(type)
        guard header.count <= limit else {
            throw .messageTooLarge(type: header.type, announced: header.count, limit: limit)
        }
        guard let type else {
            guard header.type >= MessageType.firstOptional else { throw .unknownMessage(type: header.type) }
            return skip(header.count)
        }
        guard header.stream != 0 || !type.needsStream else { throw .missingStream(message: type) }
        if type == .frame {
            guard header.count >= RelayFrame.leastFieldsSize else { throw .truncated(message: .frame) }
            state = .frameFields(header)
        } else {
            state = .body(type, header)
        }
    }

    private func bodyLimit(_ type: MessageType?) -> Int {
        guard isOpen else { return RelayLimits.handshakeBody }
        guard let type else { return RelayLimits.skippedBody }
        return type == .frame ? limits.frameBody + RelayLimits.frameFields : RelayLimits.controlBody
    }

    /// Says at the first bytes that this is no relay node, instead of waiting for the rest of a header.
    private func checkFirstByte() throws(RelayError) {
        guard !hasBegun, !isOpen, let first = head.first, first != 0 else { return }
        throw .notRelay(firstBytes: head)
    }

    /// Whole headers are read where they are; only those that lie across two pieces are collected.
    private mutating func takeHeader(_ bytes: Span<UInt8>, _ at: inout Int) -> MessageHeader? {
        if head.isEmpty && bytes.count - at >= MessageHeader.size {
            defer { at += MessageHeader.size }
            return MessageHeader.parse(bytes, at: at)
        }
        guard collectHead(MessageHeader.size, bytes, &at) else { return nil }
        defer { head.removeAll(keepingCapacity: true) }
        return MessageHeader.parse(head.span, at: 0)
    }

    private mutating func takeFields(
        _ message: MessageHeader, _ bytes: Span<UInt8>, _ at: inout Int
    ) throws(RelayError) -> (RelayFrame.Header, extra: Int)? {
        guard let size = head.first ?? (at < bytes.count ? bytes[at] : nil) else { return nil }
        // What an older node leaves out is not waited for; what a newer one adds is passed over.
        let known = min(max(Int(size), RelayFrame.leastFieldsSize), RelayFrame.fieldsSize)
        if head.isEmpty && bytes.count - at >= known {
            defer { at += known }
            return try RelayFrame.Header.parse(message, bytes, at: at)
        }
        guard collectHead(known, bytes, &at) else { return nil }
        defer { head.removeAll(keepingCapacity: true) }
        return try RelayFrame.Header.parse(message, head.span, at: 0)
    }

    /// Adds to `head` until it has `count` bytes, and returns whether it has.
    private mutating func collectHead(_ count: Int, _ bytes: Span<UInt8>, _ at: inout Int) -> Bool {
        let end = at + min(count - head.count, bytes.count - at)
        bytes.extracting(at..<end).withUnsafeBufferPointer { head.append(contentsOf: $0) }
        at = end
        return head.count == count
    }

    private mutating func collectBody(_ count: Int, _ bytes: Span<UInt8>, _ at: inout Int) -> Bool {
        let end = at + min(count - body.count, bytes.count - at)
        if end > at {
            if body.isEmpty { body.reserveCapacity(min(count, max(RelayLimits.reservation, end - at))) }
            bytes.extracting(at..<end).withUnsafeBufferPointer { body.append(contentsOf: $0) }
            at = end
        }
        return body.count == count
    }

    private mutating func takeBody() -> [UInt8] {
        defer { body = [] }
        return body
    }
}
