//! What a viewer reads: the conversation of its transport, down to a series of messages.

struct Source: ~Copyable {
    private let name: String
    private let transport: Transport
    private var link: RTMPLink
    private var body: BodyScanner
    private var tags = TagScanner()
    /// The piece of an HTTP body that is being read.
    private var piece = UnsafeRawBufferPointer(start: nil, count: 0)

    init(_ target: Target, name: String) {
        self.name = name
        transport = target.transport
        body = BodyScanner(webSocket: target.transport == .webSocket)
        var greeting: [UInt8] = []
        if target.transport == .rtmp {
            let properties: [(String, AMFValue)] = [
                ("app", .string(target.app)), ("flashVer", .string("LNX 9,0,124,2")),
                ("tcUrl", .string(target.rtmpAddress)), ("fpad", .boolean(false)), ("capabilities", .number(15)),
                ("audioCodecs", .number(4071)), ("videoCodecs", .number(252)), ("videoFunction", .number(1)),
            ]
            ChunkWriter.append(
                [.string("connect"), .number(1), .object(properties)], chunkSize: 128, to: &greeting)
        }
        link = RTMPLink(role: .client, greeting: greeting)
    }

    func start(_ target: Target, _ stream: Int, _ streams: Int, _ out: inout [UInt8]) {
        if transport == .rtmp { link.start(&out) } else { out += target.httpRequest(stream, of: streams) }
    }

    /// Takes bytes off the front of `input` until a message is whole; nil when all are used up.
    mutating func next(_ input: inout UnsafeRawBufferPointer, _ out: inout [UInt8]) throws(Failure) -> Message? {
        if transport == .rtmp {
            while let message = try link.next(&input, &out) {
                guard message.type == 20 else { return message }
                try obey(Command(message.prefix), &out)
            }
            return nil
        }
        while true {
            if piece.count > 0, let message = try tags.next(&piece) { return message }
            guard let next = try body.next(&input) else { return nil }
            piece = next
        }
    }

    private func obey(_ answer: Command, _ out: inout [UInt8]) throws(Failure) {
        switch (answer.name, answer.transaction) {
        case ("_result", 1):
            ChunkWriter.append(control: 5, 2_500_000, to: &out)
            ChunkWriter.append([.string("createStream"), .number(2), .null], chunkSize: 128, to: &out)
        case ("_result", 2):
            let stream = UInt32(exactly: answer.number ?? 1) ?? 1
            // -2000: live, or else recorded; what most players ask for.
            ChunkWriter.append(
                [.string("play"), .number(3), .null, .string(name), .number(-2000)], messageStream: stream,
                chunkSize: 128, to: &out)
            let halfSecond: [UInt8] = [0, 0, 0x01, 0xf4]
            ChunkWriter.append(
                event: 3, withUnsafeBytes(of: stream.bigEndian) { Array($0) } + halfSecond, to: &out)
        case ("_error", _): throw Failure("refused: \(answer.code)")
        case ("onStatus", _):
            if answer.isError { throw Failure("refused: \(answer.code)") }
            if answer.code == "NetStream.Play.UnpublishNotify" || answer.code == "NetStream.Play.Stop" { return }
        default: break
        }
    }
}
