import EventLoop
import FLV
import Glibc
import Media

@testable import Fanout

/// Loops turned by hand, with a hub between them: everything happens in the test's own thread, in its own order.
final class Studio {
    let hub: Hub
    let fanouts: [LoopFanout]
    private var nextSession = 0

    init(loops: Int = 1, settings: FanoutSettings = FanoutSettings()) {
        hub = Hub(settings: settings, loops: loops)
        let hub = hub
        fanouts = (0..<loops).map { LoopFanout(on: Loop(index: $0), hub: hub) }
    }

    /// Streams and hub know each other: a stream that is closed is let go of.
    deinit {
        for fanout in fanouts { fanout.endAll(.kicked) }
        for handle in hub.streams {
            for fanout in fanouts where handle.streamIfHome(on: fanout.loop) != nil { handle.close(.kicked) }
        }
        settle()
        for fanout in fanouts { fanout.housekeep() }
        settle()
    }

    /// Lets every loop do what is due, several times over, since loops send each other work.
    func settle() {
        for _ in 0..<6 { for fanout in fanouts { fanout.loop.turn() } }
    }

    /// Turns the loops until `condition` holds, or a generous limit is over.
    func wait(until condition: () -> Bool) -> Bool {
        let deadline = Clock.monotonicNanoseconds + 10_000_000_000
        while !condition() {
            guard Clock.monotonicNanoseconds < deadline else { return false }
            settle()
            usleep(500)
        }
        return true
    }

    enum Answer: Equatable {
        case granted
        case refused(PublishRefusal)
        case pending
    }

    /// Publishes `live/a` from `address` on a loop.
    func publish(on index: Int = 0, address: String = "192.0.2.1") -> (
        session: String, answer: Answer, ended: Lock<[PublishEnd]>
    ) {
        nextSession += 1
        let session = "s\(nextSession)"
        let answer = Lock(Answer.pending)
        let ended = Lock<[PublishEnd]>([])
        let publisher = Publisher(
            session: session, label: "rtmp", address: address, agent: "test", identity: address, since: 0
        ) { reason in ended.with { $0.append(reason) } }
        hub.publish(Studio.name, publisher, on: fanouts[index]) { _, result in
            switch result {
            case .success: answer.with { $0 = .granted }
            case .failure(let refusal): answer.with { $0 = .refused(refusal) }
            }
        }
        settle()
        return (session, answer.with { $0 }, ended)
    }

    func stream(on index: Int = 0) -> Fanout.Stream { hub.find(Studio.name)!.stream(on: fanouts[index].loop) }

    static let name = StreamName(app: "live", name: "a")!
}

/// Message bodies as an encoder sends them. The frame's number is in its payload.
enum Body {
    static let videoConfiguration: [UInt8] = [0x17, 0, 0, 0, 0, 1, 0x42, 0, 30, 0xFF, 0xE0, 0]
    static let audioConfiguration: [UInt8] = [0xAF, 0, 0x12, 0x10]

    static func video(_ number: UInt32, keyframe: Bool, size: Int = 400) -> [UInt8] {
        var body: [UInt8] = [keyframe ? 0x17 : 0x27, 1, 0, 0, 0]
        body.append(u32: number)
        return body + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
    }

    static func audio(_ number: UInt32) -> [UInt8] {
        var body: [UInt8] = [0xAF, 1]
        body.append(u32: number)
        return body
    }
}

/// The far end of a viewer's socket: collects bytes, and reads them as FLV.
final class Screen: ConnectionHandler {
    let viewer: Viewer
    let connection: Connection
    private let descriptor: Int32
    private let intake: Intake
    private var reader = FLVReader()
    private(set) var frames: [FLVFrame] = []
    private(set) var ends: [ViewerEnd] = []
    private(set) var bytes: [UInt8] = []

    init(_ studio: Studio, on index: Int = 0, kind: WireKind = WireKind(.flv), sendBuffer: Int32 = 0) {
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
        var ended: (ViewerEnd) -> Void = { _ in }
        viewer = Viewer(connection, label: "http-flv") { ended($0) }
        ended = { [unowned self] in ends.append($0) }
        connection.start(self)
        connection.write(FLVTag.fileHeader(hasAudio: true, hasVideo: true))
        fanout.attach(viewer, to: studio.hub.find(Studio.name)!, kind)
        studio.settle()
    }

    /// Takes at most `limit` bytes off the socket. Returns how many there were.
    @discardableResult func read(limit: Int = .max, asFLV: Bool = true) throws -> Int {
        let new = intake.take(atMost: limit)
        bytes += new
        guard asFLV, !new.isEmpty else { return new.count }
        try reader.receive(new.span)
        while let frame = reader.next() { frames.append(frame) }
        return new.count
    }

    /// Reads whatever there is and keeps only its length: allocates nothing.
    func discard() { discarded += intake.discard() }

    private(set) var discarded = 0

    /// Whether nothing follows the last whole frame.
    var endsAtABoundary: Bool {
        frames.reduce(FLVTag.fileHeader(hasAudio: true, hasVideo: true).count) {
            $0 + FLVTag.headerSize + $1.payload.count + FLVTag.trailerSize
        } == bytes.count
    }

    /// The numbers of the video frames so far.
    var pictures: [UInt32] {
        frames.filter { $0.kind == .video && $0.payload[1] == 1 }.map { $0.payload.span.u32(at: 5) }
    }

    func leave() {
        viewer.detach()
        connection.close()
        close(descriptor)
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {}
    func ended(_ reason: ConnectionEnd) {}
    func writable() { viewer.resume() }
}
