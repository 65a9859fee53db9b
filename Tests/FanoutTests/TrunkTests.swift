import EventLoop
import FLV
import Fixtures
import Glibc
import Media
import RelayProtocol
import Testing

@testable import Fanout

/// Publishes `live/<name>` on a loop.
private func publish(_ studio: Studio, _ name: String) -> StreamHandle {
    let stream = StreamName(app: "live", name: name)!
    let publisher = Publisher(
        session: name, label: "rtmp", address: "192.0.2.3", agent: "", identity: name, since: 0, end: { _ in })
    studio.hub.publish(stream, publisher, on: studio.fanouts[0]) { _, _ in }
    return studio.hub.find(stream)!
}

/// Appends a picture without turning the loop.
private func show(_ studio: Studio, _ handle: StreamHandle, _ number: UInt32, size: Int = 400) throws {
    let stream = handle.stream(on: studio.fanouts[0].loop)
    try stream.append(
        .video, timestamp: number * 33, body: Body.video(number, keyframe: number % 10 == 0, size: size))
    stream.flushIfDue()
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct TrunkTests {
    @Test("what grew in one turn of the loop leaves together, at its end, in the order of the service classes")
    func oneWrite() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handles = (0..<5).map { publish(studio, "s\($0)") }
        for (index, handle) in handles.enumerated() {
            try show(studio, handle, 0)
            child.subscribe(handle, .keyframe, serviceClass: [0, 3, 0, 7, 3][index])
        }
        try child.readAll()
        let before = child.frames.count
        for handle in handles { try show(studio, handle, 1) }
        #expect(try child.read() == 0)
        studio.fanouts[0].loop.turn()
        try child.read()
        #expect(child.frames.dropFirst(before).map(\.header.stream) == [3, 1, 4, 0, 2].map { handles[$0].number })
    }

    @Test("a child has the frames before this node's own viewers")
    func beforeViewers() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        _ = studio.publish()
        let handle = studio.hub.find(Studio.name)!
        try show(studio, handle, 0)
        child.subscribe(handle, .keyframe)
        let screen = Screen(studio)
        defer { screen.leave() }
        try child.readAll()
        try show(studio, handle, 1)
        try screen.read()
        // Without a turn of the loop.
        #expect(screen.pictures == [0, 1])
        try child.read()
        #expect(child.sequences == [1, 2])
    }

    @Test(
        "what a child is told of a stream comes before its frames, though another's are half written",
        arguments: [false, true], [false, true])
    func answerFirst(resumes: Bool, sealed: Bool) throws {
        let studio = Studio()
        let child = try Child(studio, sendBuffer: 4_096, sealed: sealed)
        defer { child.leave() }
        let large = publish(studio, "large")
        try show(studio, large, 0, size: 100_000)
        child.subscribe(large, .keyframe)
        try child.read(limit: 1_000)
        let others = (0..<6).map { publish(studio, "s\($0)") }
        for other in others {
            try other.stream(on: studio.fanouts[0].loop).append(.video, timestamp: 0, body: Body.videoConfiguration)
            for number in 0..<3 as Range<UInt32> { try show(studio, other, number) }
            let epoch = other.stream(on: studio.fanouts[0].loop).epoch
            child.subscribe(other, resumes ? .at(FrameNumber(epoch: epoch, sequence: 2)) : .keyframe)
        }
        try child.readAll()
        #expect(child.answered.count == 7 && child.strays == 0)
        for other in others {
            let frames = child.frames.filter { $0.header.stream == other.number }
            #expect(frames.map(\.header.number.sequence) == (resumes ? [2, 3, 4] : [2, 2, 3, 4]))
            #expect(frames[0].header.flags.contains(.prologue) != resumes)
        }
    }

    @Test(
        "many streams over a slow connection arrive whole and in order", arguments: 1...4 as ClosedRange<UInt64>,
        [false, true])
    func slow(seed: UInt64, sealed: Bool) throws {
        var random = SeededGenerator(seed: seed)
        let studio = Studio()
        let child = try Child(studio, sendBuffer: 4_096, sealed: sealed)
        defer { child.leave() }
        let handles = (0..<90).map { publish(studio, "s\($0)") }
        for handle in handles {
            try show(studio, handle, 0)
            child.subscribe(handle, .keyframe, serviceClass: UInt8.random(in: 0...2, using: &random))
        }
        var numbers = [UInt32](repeating: 0, count: handles.count)
        for _ in 0..<20 {
            for _ in 0..<Int.random(in: 1...120, using: &random) {
                let index = Int.random(in: 0..<handles.count, using: &random)
                numbers[index] += 1
                let size = Int.random(in: 1...6, using: &random) == 1 ? 40_000 : 700
                try show(studio, handles[index], numbers[index], size: size)
            }
            if Bool.random(using: &random) { studio.fanouts[0].loop.turn() }
            try child.read(limit: Int.random(in: 1...100_000, using: &random))
        }
        try child.readAll()
        for (index, handle) in handles.enumerated() {
            let sequences = child.frames.filter { $0.header.stream == handle.number }.map(\.header.number.sequence)
            #expect(sequences == Array(1...UInt64(numbers[index]) + 1), "seed \(seed), stream \(index)")
        }
        #expect(child.strays == 0, "seed \(seed)")
        let sent = child.outlets.reduce(0) { $0 + $1.bytesOut }
        #expect(sent == child.frames.reduce(0) { $0 + UInt64($1.header.wireSize) })
    }

    @Test("credit is spent for what is sent, whatever else happens", arguments: 1...4 as ClosedRange<UInt64>)
    func credit(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var settings = FanoutSettings()
        settings.retention = .init(milliseconds: 300, bytes: 1 << 20)
        let studio = Studio(settings: settings)
        let child = try Child(studio, sendBuffer: 4_096)
        defer { child.leave() }
        let handles = (0..<4).map { publish(studio, "s\($0)") }
        let window = 64 << 20
        for handle in handles {
            try show(studio, handle, 0)
            child.subscribe(handle, .keyframe, credit: UInt32(window))
        }
        for number in 1..<400 as Range<UInt32> {
            for handle in handles {
                try show(studio, handle, number, size: Int.random(in: 100...20_000, using: &random))
            }
            if number % 7 == 0 { studio.settle() }
            if number % 20 == 0 { try child.read(limit: Int.random(in: 1...200_000, using: &random)) }
        }
        try child.readAll()
        for outlet in child.outlets {
            #expect(outlet.skips > 0, "seed \(seed)")
            let received = child.frames.filter { $0.header.stream == outlet.handle.number }
            let bytes = received.reduce(0) { $0 + $1.header.wireSize }
            #expect(outlet.credit.balance == Int64(window - bytes), "seed \(seed)")
        }
    }

    @Test("a stream that ends takes along what had not left yet")
    func ends() throws {
        let studio = Studio()
        let child = try Child(studio)
        defer { child.leave() }
        let handle = publish(studio, "s")
        try show(studio, handle, 0)
        child.subscribe(handle, .keyframe)
        try child.readAll()
        for number in 1..<4 as Range<UInt32> { try show(studio, handle, number) }
        handle.close(.streamEnded)
        studio.settle()
        try child.read()
        #expect(child.ends == [.streamEnded])
        #expect(child.sequences == [1, 2, 3, 4])
    }
}
