import Media
import Testing

@testable import RTMP

/// A client and a server that pass each other's bytes, in pieces of a given size.
private struct Pair {
    var client: ClientSession
    var server = ServerSession(random: 2)
    let piece: Int
    var seen: [ServerEvent] = []

    init(_ mode: ClientSession.Mode, via: Via = Via(), piece: Int) {
        client = ClientSession(app: "live", stream: "s?k=1", tcUrl: "rtmp://h/live", mode: mode, via: via)
        self.piece = piece
    }

    /// Exchanges bytes until neither side has more to say; `decide` answers the server's events.
    mutating func run(_ decide: (inout ServerSession, ServerEvent) -> Void = { _, _ in }) throws {
        while client.hasOutput || server.hasOutput {
            let up = client.takeOutput()
            for at in stride(from: 0, to: up.count, by: piece) {
                try server.feed(Array(up[at..<min(at + piece, up.count)]))
            }
            while let event = server.nextEvent() {
                seen.append(event)
                decide(&server, event)
            }
            let down = server.takeOutput()
            for at in stride(from: 0, to: down.count, by: piece) {
                try client.receive(Array(down[at..<min(at + piece, down.count)]).span)
            }
        }
    }
}

@Suite struct ClientSessionTests {
    @Test("a client publishes to a server", arguments: [1, 100, 100_000])
    func publish(piece: Int) throws {
        var pair = Pair(.publish, piece: piece)
        try pair.run { server, event in if case .publish = event { server.acceptPublish() } }
        #expect(pair.client.nextEvent() == .ready)
        let media = [
            MediaMessage(kind: .script, timestamp: 0, payload: amf("onMetaData", .ecmaArray([:]))),
            MediaMessage(kind: .video, timestamp: 0x0100_0001, payload: [UInt8](repeating: 7, count: 130_000)),
            MediaMessage(kind: .audio, timestamp: 3, payload: [0xAF, 1]),
        ]
        for message in media { pair.client.send(message) }
        pair.seen = []
        try pair.run()
        #expect(pair.seen == media.map { .media($0) })
        pair.client.close()
        try pair.run()
        #expect(pair.seen.last == .unpublish)
    }

    @Test("a client plays from a server until the stream ends", arguments: [1, 100, 100_000])
    func play(piece: Int) throws {
        var pair = Pair(.play, piece: piece)
        try pair.run { server, event in
            if case .play(let request) = event {
                #expect(request.query == "k=1")
                server.acceptPlay()
            }
        }
        var events: [ClientEvent] = []
        while let event = pair.client.nextEvent() { events.append(event) }
        #expect(events.first == .ready)
        let body = [UInt8](repeating: 9, count: 130_000)
        let bytes = message(9, time: 40, body, chunkSize: ServerSession.outboundChunkSize)
        try pair.client.receive(bytes.span)
        #expect(pair.client.nextEvent() == .media(MediaMessage(kind: .video, timestamp: 40, payload: body)))
        pair.server.endPlay(reason: .unpublished)
        try pair.run()
        #expect(pair.client.nextEvent() == .ended)
    }

    @Test("a refusal reaches the client with its code")
    func refused() throws {
        var pair = Pair(.publish, piece: 64)
        try pair.run { server, event in
            if case .publish = event { server.rejectPublish(code: "NetStream.Publish.BadName", description: "busy") }
        }
        #expect(pair.client.nextEvent() == .rejected(code: "NetStream.Publish.BadName", description: "busy"))
    }
}
