import EventLoop
import FLV
import StreamLog
import Testing

@testable import Fanout

/// Takes bytes from an outlet when it likes, and reads them as FLV.
private final class Taker {
    private(set) var outlet: BodyOutlet!
    private(set) var frames: [FLVFrame] = []
    private(set) var calls = 0
    private(set) var ends: [ViewerEnd] = []
    private var reader = FLVReader()

    init(_ studio: Studio) {
        outlet = BodyOutlet(
            label: "http-flv", head: FLVTag.fileHeader(hasAudio: true, hasVideo: true),
            onMore: { [unowned self] in calls += 1 }, onEnd: { [unowned self] in ends.append($0) })
        studio.fanouts[0].attach(outlet, to: studio.hub.find(Studio.name)!, WireKind(.flv))
        studio.settle()
    }

    /// At most `most` pieces of at most `limit` bytes; how many pieces there were.
    @discardableResult func take(limit: Int, most: Int = .max) throws -> Int {
        var count = 0
        while count < most, let piece = outlet.next(upTo: limit) {
            count += 1
            let bytes =
                switch piece {
                case .own(let bytes): bytes
                case .shared(let bytes): bytes.copy
                }
            #expect(!bytes.isEmpty && bytes.count <= limit)
            try reader.receive(bytes.span)
            while let frame = reader.next() { frames.append(frame) }
        }
        return count
    }

    var pictures: [UInt32] {
        frames.filter { $0.kind == .video && $0.payload[1] == 1 }.map { $0.payload.span.u32(at: 5) }
    }
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct BodyOutletTests {
    private let studio = Studio()
    private let stream: Fanout.Stream

    init() throws {
        _ = studio.publish()
        stream = studio.stream()
        try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
    }

    private func publish(_ numbers: Range<UInt32>, size: Int = 400) throws {
        for number in numbers {
            try stream.append(
                .video, timestamp: number * 33, body: Body.video(number, keyframe: number % 10 == 0, size: size))
            stream.flushIfDue()
        }
        studio.settle()
    }

    @Test(
        "who takes any number of bytes at a time has every frame from the newest keyframe on", arguments: [1, 7, 65536])
    func exact(limit: Int) throws {
        try publish(0..<15)
        let taker = Taker(studio)
        defer { taker.outlet.detach() }
        try taker.take(limit: limit)
        #expect(taker.pictures == Array(10..<15))
        #expect(try taker.take(limit: limit) == 0)
        let calls = taker.calls
        try publish(15..<25)
        #expect(taker.calls > calls)
        try taker.take(limit: limit)
        #expect(taker.pictures == Array(10..<25))
        #expect(taker.outlet.stats.lagBytes == 0)
    }

    @Test("who falls off the log in the middle of a frame gets its rest, and goes on at a keyframe")
    func skips() throws {
        try publish(0..<11)
        let taker = Taker(studio)
        defer { taker.outlet.detach() }
        try taker.take(limit: 100, most: 5)
        // More than the log keeps.
        try publish(11..<1_000, size: 60_000)
        #expect(taker.outlet.stats.skips > 0)
        try taker.take(limit: 5_000)
        let pictures = taker.pictures
        #expect(pictures.first == 10 && pictures.count > 1)
        #expect(pictures[1] % 10 == 0 && pictures[1] > 900)
        #expect(Array(pictures[1...]) == Array(pictures[1]..<1_000))
    }

    @Test("at the stream's end there is still what has not been taken, and then no more")
    func ends() throws {
        try publish(0..<15)
        let taker = Taker(studio)
        try taker.take(limit: 50, most: 3)
        studio.hub.find(Studio.name)!.close(.streamEnded)
        studio.settle()
        #expect(taker.ends == [.streamEnded])
        #expect(!taker.outlet.isFinished)
        try taker.take(limit: 1_000)
        #expect(taker.pictures == Array(10..<15))
        #expect(taker.outlet.isFinished)
    }
}
