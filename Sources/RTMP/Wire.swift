import Media

/// What both sides of a connection do below the commands: handshake, chunks, acknowledgements, pings.
///
/// Invariant: `output` holds whole messages, in the order in which the peer is to see them.
struct Wire {
    /// Bytes between two acknowledgements for a peer that never says: Flash's own default. Some encoders stop
    /// without them.
    private static let defaultWindow: UInt32 = 2_500_000

    private(set) var handshake: Handshake
    var reader: ChunkReader
    private(set) var output: [UInt8] = []
    private var outboundChunkSize = 128
    private var received: UInt32 = 0
    private var acknowledged: UInt32 = 0
    private var window = Wire.defaultWindow
    /// The window that was last announced to the peer.
    private var announced: UInt32 = 0

    init(isServer: Bool, limits: Limits, random: UInt64) {
        handshake = Handshake(isServer: isServer, random: random)
        reader = ChunkReader(limits: limits)
        if !isServer { output = handshake.hello() }
    }

    /// The next message that is not settled here; nil when the input is used up.
    mutating func next(_ input: Span<UInt8>, from position: inout Int) throws(RTMPError) -> Message? {
        if !handshake.isDone {
            try handshake.receive(input, from: &position, output: &output)
            guard handshake.isDone else { return nil }
        }
        while let message = try reader.next(input, from: &position) {
            if try !settle(message) { return message }
        }
        return nil
    }

    /// Counts an input that has been read, and acknowledges when the peer's window asks for it (RTMP 1.0 §5.4.3).
    mutating func acknowledge(_ count: Int) throws(RTMPError) {
        received &+= UInt32(truncatingIfNeeded: count)
        if handshake.isDone, window > 0, received &- acknowledged >= window {
            acknowledged = received
            send(MessageType.acknowledgement, word: received)
        }
        guard output.count <= reader.limits.maxOutput else {
            throw .outputNotRead(limit: reader.limits.maxOutput)
        }
    }

    mutating func takeOutput() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &output)
        return taken
    }

    // MARK: Sending

    mutating func send(_ type: UInt8, timestamp: UInt32 = 0, stream: UInt32 = 0, _ payload: [UInt8]) {
        output.append(message: type, timestamp: timestamp, stream: stream, payload, chunkSize: outboundChunkSize)
    }

    mutating func send(_ type: UInt8, word: UInt32) {
        var payload: [UInt8] = []
        payload.append(u32: word)
        send(type, payload)
    }

    mutating func send(control event: UInt16, _ word: UInt32) {
        var payload: [UInt8] = []
        payload.append(u16: event)
        payload.append(u32: word)
        send(MessageType.userControl, payload)
    }

    mutating func send(command values: [AMFValue], stream: UInt32 = 0) {
        var payload: [UInt8] = []
        payload.append(amf: values)
        send(MessageType.command, stream: stream, payload)
    }

    mutating func announceWindow(_ size: UInt32) {
        announced = size
        send(MessageType.windowAckSize, word: size)
    }

    mutating func announceChunkSize(_ size: Int) {
        send(MessageType.setChunkSize, word: UInt32(size))
        outboundChunkSize = size
    }

    // MARK: Protocol control

    /// Deals with the control messages of RTMP 1.0 §5.4 and with ping requests.
    private mutating func settle(_ message: Message) throws(RTMPError) -> Bool {
        let payload = message.payload.span
        switch message.type {
        case MessageType.acknowledgement: return true
        case MessageType.windowAckSize:
            guard payload.count >= 4 else { throw .malformedControl(type: message.type) }
            window = payload.u32(at: 0)
            return true
        case MessageType.setPeerBandwidth:
            guard payload.count >= 4 else { throw .malformedControl(type: message.type) }
            let size = payload.u32(at: 0)
            if size != announced { announceWindow(size) }
            return true
        case MessageType.userControl:
            guard payload.count >= 2 else { throw .malformedControl(type: message.type) }
            guard payload.u16(at: 0) == UserControl.pingRequest, payload.count >= 6 else { return false }
            send(control: UserControl.pingResponse, payload.u32(at: 2))
            return true
        default: return false
        }
    }
}
