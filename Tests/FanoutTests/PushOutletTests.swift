import EventLoop
import Glibc
import Media
import RTMP
import StreamLog
import Testing

@testable import Fanout

/// The far end of a push: collects what a server would get.
private final class Destination: ConnectionHandler {
    let connection: Connection
    private(set) var outlet: PushOutlet!
    private let descriptor: Int32
    private let intake: Intake
    private var bytes: [UInt8] = []
    private(set) var messages: [(message: EncodedMessage, stream: UInt32)] = []
    private(set) var ends: [ViewerEnd] = []

    init(_ studio: Studio, stream: UInt32, on index: Int = 0, sendBuffer: Int32 = 0) {
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        if sendBuffer > 0 {
            var size = sendBuffer
            setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        descriptor = pair[1]
        intake = Intake(descriptor)
        let fanout = studio.fanouts[index]
        connection = Connection(pair[0], peer: Address(host: "192.0.2.9", port: 1), on: fanout.loop)!
        connection.start(self)
        outlet = PushOutlet(connection, messageStream: stream, label: "rtmp") { [unowned self] in ends.append($0) }
        fanout.attach(outlet, to: studio.hub.find(Studio.name)!)
        studio.settle()
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {}
    func ended(_ reason: ConnectionEnd) {}
    func writable() { outlet.writable() }

    /// Reads until nothing comes any more.
    func read(_ studio: Studio) {
        var quiet = 0
        while quiet < 3 {
            let new = intake.take()
            quiet = new.isEmpty ? quiet + 1 : 0
            bytes += new
            studio.settle()
        }
        let size = ServerSession.outboundChunkSize
        var parsed = 0
        bytes.withUnsafeBytes { all in
            while let message = EncodedMessage(UnsafeRawBufferPointer(rebasing: all[parsed...]), chunkSize: size) {
                let stream = all.loadUnaligned(fromByteOffset: parsed + 8, as: UInt32.self)
                messages.append((message, UInt32(littleEndian: stream)))
                parsed += message.size
            }
        }
        bytes.removeFirst(parsed)
    }

    var isBetweenMessages: Bool { bytes.isEmpty }

    /// The numbers of the pictures.
    var pictures: [UInt32] {
        messages.map(\.message).filter { $0.type == 9 && $0.payload[1] == 1 }.map { $0.payload.span.u32(at: 5) }
    }

    func leave() {
        outlet.detach()
        connection.close()
        Glibc.close(descriptor)
    }
}

@Suite("A push's outlet", .serialized, .timeLimit(.minutes(5)))
struct PushOutletTests {
    private static let metadata: [UInt8] = [0x02, 0x00, 0x0A] + Array("onMetaData".utf8) + [0x08, 0, 0, 0, 0, 0, 0, 9]

    private func begin(_ studio: Studio) throws -> Fanout.Stream {
        _ = studio.publish()
        let stream = studio.stream()
        try stream.append(.script, timestamp: 0, body: Self.metadata)
        try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
        try stream.append(.audio, timestamp: 0, body: Body.audioConfiguration)
        return stream
    }

    private func send(
        _ numbers: Range<UInt32>, to stream: Fanout.Stream, by studio: Studio, size: Int = 400
    ) throws {
        for number in numbers {
            let body = Body.video(number, keyframe: number % 10 == 0, size: size)
            try stream.append(.video, timestamp: number * 40, body: body)
            try stream.append(.audio, timestamp: number * 40, body: Body.audio(number))
            stream.flushIfDue()
        }
        stream.leaveLoop()
        studio.settle()
    }

    @Test(
        "gives a server everything from the newest keyframe on, on the stream that it has asked for", arguments: [1, 5])
    func everything(number: UInt32) throws {
        let studio = Studio()
        let stream = try begin(studio)
        try send(0..<25, to: stream, by: studio)
        let server = Destination(studio, stream: number)
        try send(25..<50, to: stream, by: studio, size: 130_000)
        server.read(studio)
        #expect(server.pictures == Array(20..<50))
        #expect(server.messages.allSatisfy { $0.stream == number })
        #expect(server.isBetweenMessages)
        let first = server.messages.prefix(3).map(\.message)
        #expect(first.map(\.type) == [18, 9, 8])
        #expect(first[0].payload == [0x02, 0x00, 0x0D] + Array("@setDataFrame".utf8) + Self.metadata)
        #expect(first[1].payload == Body.videoConfiguration && first[2].payload == Body.audioConfiguration)
        #expect(server.outlet.frames == 60 && server.outlet.skips == 0)
        server.leave()
    }

    @Test("marks metadata that changes while the stream runs")
    func newMetadata() throws {
        let studio = Studio()
        let stream = try begin(studio)
        try send(0..<5, to: stream, by: studio)
        let server = Destination(studio, stream: 1)
        try stream.append(.script, timestamp: 200, body: Self.metadata.dropLast() + [0, 9])
        try send(5..<8, to: stream, by: studio)
        server.read(studio)
        let data = server.messages.map(\.message).filter { $0.type == 18 }
        #expect(data.count == 2 && data.allSatisfy { $0.payload.starts(with: [0x02, 0x00, 0x0D, 0x40]) })
        #expect(server.pictures == Array(0..<8))
        server.leave()
    }

    @Test("a server that is too slow goes on at the newest keyframe, with whole messages", arguments: [1, 2])
    func slow(number: UInt32) throws {
        let studio = Studio(settings: FanoutSettings(retention: .init(milliseconds: 2_000, bytes: 64 << 20)))
        let stream = try begin(studio)
        try send(0..<1, to: stream, by: studio)
        let server = Destination(studio, stream: number, sendBuffer: 16_384)
        try send(1..<300, to: stream, by: studio, size: 20_000)
        #expect(server.outlet.isBlocked)
        server.read(studio)
        try send(300..<320, to: stream, by: studio)
        server.read(studio)
        #expect(server.outlet.skips == 1)
        // Every frame has either been sent or is counted as missed.
        #expect(server.outlet.framesMissed > 0)
        #expect(server.outlet.frames + server.outlet.framesMissed == 640)
        #expect(server.isBetweenMessages)
        let pictures = server.pictures
        let jump = try #require(pictures.indices.dropFirst().first { pictures[$0] != pictures[$0 - 1] + 1 })
        #expect(pictures[jump] % 10 == 0 && pictures[jump] > 200)
        #expect(Array(pictures[jump...]) == Array(pictures[jump]..<320))
        server.leave()
    }

    @Test("goes on across the stream's move to another loop, and is told of its end")
    func moves() throws {
        let studio = Studio(loops: 2)
        let stream = try begin(studio)
        try send(0..<5, to: stream, by: studio)
        let server = Destination(studio, stream: 1)
        stream.endPublish(session: stream.publisher!.session)
        _ = studio.publish(on: 1)
        let moved = studio.stream(on: 1)
        try moved.append(.video, timestamp: 0, body: Body.videoConfiguration)
        try send(10..<15, to: moved, by: studio)
        server.read(studio)
        #expect(server.pictures == Array(0..<5) + Array(10..<15))
        let times = server.messages.map(\.message.timestamp)
        #expect(times == times.sorted())
        moved.handle.close(.streamEnded)
        studio.settle()
        #expect(server.ends == [.streamEnded])
        server.leave()
    }
}
