import Media

/// What a client session tells its owner.
public enum ClientEvent: Sendable, Equatable {
    /// The server has accepted the stream; media may be sent, or will come.
    case ready
    case media(MediaMessage)
    /// The server refused the connection or the stream.
    case rejected(code: String, description: String)
    /// The server ended the stream.
    case ended
}

/// The client's side of one RTMP connection: publishes to another server or plays from it. Without a socket or a clock.
///
/// The commands follow each other as librtmp sends them: connect, then createStream, then publish or play.
public struct ClientSession {
    public enum Mode: Sendable { case publish, play }

    private enum Step: Equatable {
        case connecting, creating, starting, running, ended
    }

    /// Numbers of the commands whose answers matter.
    private static let connectTransaction = 1.0
    private static let createTransaction = 4.0
    private static let startTransaction = 5.0
    /// Milliseconds of buffer that a player tells the server it has.
    private static let bufferLength: UInt32 = 1000

    private let app: String
    private let stream: String
    private let tcUrl: String
    private let mode: Mode
    private let via: Via
    private var wire: Wire
    private var step = Step.connecting
    private var streamID: UInt32 = 1
    private var events = EventQueue<ClientEvent>()

    /// - Parameters:
    ///   - stream: with its query, if it has one.
    ///   - via: which nodes a stream that is published has come through, this one included.
    ///   - random: seeds the noise of the handshake.
    public init(
        app: String, stream: String, tcUrl: String, mode: Mode, via: Via = Via(), limits: Limits = Limits(),
        random: UInt64 = 1
    ) {
        self.app = app
        self.stream = stream
        self.tcUrl = tcUrl
        self.mode = mode
        self.via = via
        wire = Wire(isServer: false, limits: limits, random: random)
    }

    public var hasOutput: Bool { !wire.output.isEmpty }
    public var isReady: Bool { step == .running }
    /// The message stream that the server has given.
    public var messageStream: UInt32 { streamID }

    public mutating func receive(_ input: Span<UInt8>) throws(RTMPError) {
        var position = 0
        let wasDone = wire.handshake.isDone
        var message = try wire.next(input, from: &position)
        // The commands follow the reply to the server's block.
        if !wasDone, wire.handshake.isDone { connect() }
        while let next = message {
            if step != .ended { try handle(next) }
            message = try wire.next(input, from: &position)
        }
        try wire.acknowledge(input.count)
    }

    public mutating func nextEvent() -> ClientEvent? { events.next() }

    public mutating func takeOutput() -> [UInt8] { wire.takeOutput() }

    /// Sends media of a stream that is published. Metadata is marked as the server's to keep.
    public mutating func send(_ media: MediaMessage) {
        guard mode == .publish, step == .running else { return }
        wire.send(media.kind.rawValue, timestamp: media.timestamp, stream: streamID, media.published)
    }

    /// Ends the stream in an orderly way; the owner closes the connection then.
    public mutating func close() {
        guard step == .running || step == .starting else { return }
        if mode == .publish { wire.send(command: ["FCUnpublish", 6.0, .null, .string(stream)]) }
        wire.send(command: ["deleteStream", 7.0, .null, .number(Double(streamID))])
        step = .ended
    }

    // MARK: Commands

    private mutating func connect() {
        var object: AMFObject = [
            "app": .string(app), "flashVer": "FMLE/3.0 (compatible; Sluice)", "tcUrl": .string(tcUrl),
        ]
        if mode == .publish {
            object.append("type", "nonprivate")
            if !via.nodes.isEmpty { object.append("via", .string(via.text)) }
        } else {
            object.append("fpad", false)
            object.append("capabilities", 15.0)
            object.append("audioCodecs", 4071.0)
            object.append("videoCodecs", 252.0)
        }
        object.append("fourCcList", .strictArray(["*"]))
        wire.send(command: ["connect", .number(Self.connectTransaction), .object(object)])
    }

    private mutating func create() {
        step = .creating
        wire.announceWindow(ServerSession.window)
        wire.announceChunkSize(ServerSession.outboundChunkSize)
        if mode == .publish {
            wire.send(command: ["releaseStream", 2.0, .null, .string(stream)])
            wire.send(command: ["FCPublish", 3.0, .null, .string(stream)])
        }
        wire.send(command: ["createStream", .number(Self.createTransaction), .null])
    }

    private mutating func start() {
        step = .starting
        switch mode {
        case .publish:
            wire.send(
                command: ["publish", .number(Self.startTransaction), .null, .string(stream), "live"], stream: streamID)
        case .play:
            wire.send(
                command: ["play", .number(Self.startTransaction), .null, .string(stream), -2.0], stream: streamID)
            var buffer: [UInt8] = []
            buffer.append(u16: UserControl.setBufferLength)
            buffer.append(u32: streamID)
            buffer.append(u32: Self.bufferLength)
            wire.send(MessageType.userControl, buffer)
        }
    }

    // MARK: Messages

    private mutating func handle(_ message: Message) throws(RTMPError) {
        switch message.type {
        case MessageType.audio, MessageType.video, MessageType.data, MessageType.dataAMF3:
            // Some servers send media ahead of Play.Start.
            guard mode == .play, step == .running || step == .starting, !message.payload.isEmpty else { return }
            let media = MediaMessage(
                type: message.type, timestamp: message.timestamp, payload: message.payload)
            if let media { events.append(.media(media)) }
        case MessageType.command, MessageType.commandAMF3:
            let limits = wire.reader.limits
            guard message.payload.count <= limits.maxCommand else {
                throw .commandTooLarge(size: message.payload.count, limit: limits.maxCommand)
            }
            perform(try Command(message, limits: limits))
        default: return
        }
    }

    private mutating func perform(_ command: Command) {
        switch (command.name, command.transaction) {
        case ("_result", Self.connectTransaction) where step == .connecting: create()
        case ("_result", Self.createTransaction) where step == .creating:
            if let id = command[1]?.number, id >= 0, id <= Double(UInt32.max) { streamID = UInt32(id) }
            start()
        case ("_error", Self.connectTransaction), ("_error", Self.createTransaction),
            ("_error", Self.startTransaction):
            reject(command[1]?.object ?? command[0]?.object)
        case ("onStatus", _): status((command[1] ?? command[0])?.object)
        case ("close", _): end()
        default: return
        }
    }

    private mutating func status(_ info: AMFObject?) {
        let code = info?["code"]?.string ?? ""
        switch code {
        case "NetStream.Publish.Start" where mode == .publish, "NetStream.Play.Start" where mode == .play:
            guard step == .starting else { return }
            step = .running
            events.append(.ready)
        case "NetStream.Play.Stop", "NetStream.Play.Complete", "NetStream.Play.UnpublishNotify",
            "NetStream.Unpublish.Success":
            end()
        default:
            if info?["level"]?.string == "error" { reject(info) }
        }
    }

    private mutating func reject(_ info: AMFObject?) {
        let code = info?["code"]?.string ?? "NetConnection.Call.Failed"
        events.append(.rejected(code: code, description: info?["description"]?.string ?? ""))
        step = .ended
    }

    private mutating func end() {
        guard step != .ended else { return }
        step = .ended
        events.append(.ended)
    }
}
