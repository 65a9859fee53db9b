import Media

/// The server's side of one RTMP connection, from the handshake to the last message; without a socket or a clock.
///
/// Bytes go in through `receive`, in any split; events and answers come out of `nextEvent` and `takeOutput`. The owner
/// answers a publish or a play, sends media on message stream 1, and closes the connection after an error.
///
/// Invariant: one connection carries one media stream, number 1, so that all viewers can share the same bytes.
public struct ServerSession {
    /// Bytes of an outbound chunk: most frames are one chunk.
    public static let outboundChunkSize = 60_000
    /// The message stream of all media.
    public static let mediaStream: UInt32 = 1
    /// Bytes after which either side is asked to acknowledge.
    static let window: UInt32 = 5_000_000

    enum Role {
        case idle
        case publishRequested
        case publishing
        case playRequested(reset: Bool)
        case playing
        case closed
    }

    public internal(set) var clientInfo: ConnectInfo?
    var wire: Wire
    var role = Role.idle
    var events = EventQueue<ServerEvent>()
    /// Name of the stream that is published or played, for the answers.
    var streamName = ""
    private var commands = 0
    /// The limits of a session that may publish.
    let publisherLimits: Limits
    /// Asked once, before `connect` is answered: the answer must go out before those to the commands behind it.
    let screen: (ConnectInfo) -> ConnectRefusal?

    /// - Parameters:
    ///   - random: seeds the noise of the handshake.
    ///   - screen: turns clients away before they have said what they want.
    public init(
        limits: Limits = Limits(), random: UInt64, screen: @escaping (ConnectInfo) -> ConnectRefusal? = { _ in nil }
    ) {
        publisherLimits = limits
        self.screen = screen
        wire = Wire(isServer: true, limits: limits, random: random)
    }

    public var handshakeDone: Bool { wire.handshake.isDone }
    public var hasOutput: Bool { !wire.output.isEmpty }
    var limits: Limits { wire.reader.limits }

    /// Reads what the peer sent.
    public mutating func receive(_ input: Span<UInt8>) throws(RTMPError) {
        var position = 0
        while let message = try wire.next(input, from: &position) {
            if case .closed = role { continue }
            try handle(message)
        }
        try wire.acknowledge(input.count)
    }

    /// The oldest event that was not fetched yet.
    public mutating func nextEvent() -> ServerEvent? { events.next() }

    /// Everything that is to be sent to the peer, in order.
    public mutating func takeOutput() -> [UInt8] { wire.takeOutput() }

    /// Asks the peer for a sign of life; it answers with `.pong`.
    public mutating func ping(timestamp: UInt32) { wire.send(control: UserControl.pingRequest, timestamp) }

    /// Gives back what only a publisher needs, once a viewer watches: less than 2 KB stay. What the viewer sends is
    /// read on under the limits of a player. Of `clientInfo` the app and the agent remain.
    public mutating func becomePlayer() {
        wire.reader.limits = .player
        wire.reader.shrink()
        events.shrink()
        streamName = ""
        if let info = clientInfo {
            var kept = ConnectInfo()
            kept.app = info.app
            kept.flashVer = String(info.flashVer.prefix(64))
            kept.enhanced = info.enhanced
            clientInfo = kept
        }
    }

    // MARK: Messages

    private mutating func handle(_ message: Message) throws(RTMPError) {
        switch message.type {
        case MessageType.audio, MessageType.video, MessageType.data, MessageType.dataAMF3:
            media(message.type, message.timestamp, message.payload)
        case MessageType.aggregate:
            guard takesMedia else { return }
            try aggregate(message)
        case MessageType.command, MessageType.commandAMF3:
            try command(message)
        case MessageType.userControl:
            let payload = message.payload.span
            if payload.u16(at: 0) == UserControl.pingResponse, payload.count >= 6 {
                events.append(.pong(payload.u32(at: 2)))
            }
        default:
            // Shared objects and types that no one defined concern no relay.
            return
        }
    }

    private var takesMedia: Bool {
        switch role {
        case .publishRequested, .publishing: true
        default: false
        }
    }

    private mutating func media(_ type: UInt8, _ timestamp: UInt32, _ payload: [UInt8]) {
        guard takesMedia, !payload.isEmpty else { return }
        guard let media = MediaMessage(type: type, timestamp: timestamp, payload: payload) else { return }
        events.append(.media(media))
    }

    /// Splits an aggregate into its tags; their times are relative to the first one's (RTMP 1.0 §7.1.6).
    private mutating func aggregate(_ message: Message) throws(RTMPError) {
        let bytes = message.payload.span
        var at = 0
        var base: UInt32?
        while bytes.count - at >= 11 {
            let size = Int(bytes.u24(at: at + 1))
            let time = bytes.u24(at: at + 4) | UInt32(bytes[at + 7]) << 24
            guard bytes.count - at - 11 >= size else { throw .malformedAggregate }
            let first = base ?? time
            base = first
            let body = bytes.copy(at + 11..<at + 11 + size)
            media(bytes[at] & 0x1F, message.timestamp &+ (time &- first), body)
            // The back pointer of four bytes is missing behind the last tag of some encoders.
            at += 11 + size + 4
        }
    }

    private mutating func command(_ message: Message) throws(RTMPError) {
        guard message.payload.count <= limits.maxCommand else {
            throw .commandTooLarge(size: message.payload.count, limit: limits.maxCommand)
        }
        if case .playing = role {} else if case .publishing = role {} else { commands += 1 }
        guard commands <= limits.maxCommandsBeforeMedia else {
            throw .tooManyCommands(limit: limits.maxCommandsBeforeMedia)
        }
        try perform(try Command(message, limits: limits))
    }

    mutating func forgetCommands() { commands = 0 }
}
