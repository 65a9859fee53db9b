import EventLoop
import FLV
import Fixtures
import Media
import Testing

@testable import Fanout

/// Publishes pictures numbered from `first`, a keyframe every `interval`.
private func show(
    _ studio: Studio, _ numbers: Range<UInt32>, on index: Int = 0, keyframeEvery interval: UInt32 = 10, size: Int = 400
) throws {
    let stream = studio.stream(on: index)
    for number in numbers {
        try stream.append(.audio, timestamp: number * 33, body: Body.audio(number))
        try stream.append(
            .video, timestamp: number * 33,
            body: Body.video(number, keyframe: number % interval == 0, size: size))
        stream.flushIfDue()
    }
    studio.settle()
}

private func configure(_ studio: Studio, on index: Int = 0) throws {
    let stream = studio.stream(on: index)
    try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
    try stream.append(.audio, timestamp: 0, body: Body.audioConfiguration)
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct FanoutTests {
    @Test("a late joiner is told the configurations and starts at the newest keyframe")
    func join() throws {
        let studio = Studio()
        #expect(studio.publish().answer == .granted)
        try configure(studio)
        try show(studio, 0..<25)
        let screen = Screen(studio)
        defer { screen.leave() }
        try screen.read()
        #expect(screen.frames.prefix(2).map(\.payload) == [Body.videoConfiguration, Body.audioConfiguration])
        #expect(screen.pictures == Array(20..<25))
        try show(studio, 25..<40)
        try screen.read()
        #expect(screen.pictures == Array(20..<40))
    }

    @Test("a viewer on another loop sees the same bytes")
    func otherLoop() throws {
        let studio = Studio(loops: 2)
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<12)
        let near = Screen(studio, on: 0)
        let far = Screen(studio, on: 1)
        defer {
            near.leave()
            far.leave()
        }
        try show(studio, 12..<60)
        try near.read()
        try far.read()
        #expect(near.pictures == Array(10..<60))
        #expect(near.bytes == far.bytes)
    }

    @Test("a viewer that falls off the tail resumes at the newest keyframe, between whole frames, and is counted")
    func fallsOff() throws {
        var settings = FanoutSettings()
        settings.retention = .init(milliseconds: 1_000, bytes: 4 << 20)
        let studio = Studio(settings: settings)
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<1)
        let screen = Screen(studio, sendBuffer: 8_192)
        defer { screen.leave() }
        // 20 kB a picture: 30 s of them is far more than the socket and the log hold.
        try show(studio, 1..<900, size: 20_000)
        #expect(studio.wait { (try? screen.read()) == 0 && screen.pictures.last == 899 })
        let pictures = screen.pictures
        let gaps = zip(pictures, pictures.dropFirst()).filter { $1 != $0 + 1 }
        #expect(!gaps.isEmpty)
        #expect(gaps.allSatisfy { $1 % 10 == 0 && $1 > $0 }, "after a gap comes a keyframe")
        #expect(screen.viewer.stats.skips == UInt64(gaps.count))
    }

    @Test("viewers of every pace see whole frames in order", arguments: 1...6 as ClosedRange<UInt64>)
    func everyPace(seed: UInt64) throws {
        var settings = FanoutSettings()
        settings.retention = .init(milliseconds: 2_000, bytes: 8 << 20)
        let studio = Studio(loops: 2, settings: settings)
        var random = SeededGenerator(seed: seed)
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<3)
        let screens = (0..<6).map { Screen(studio, on: $0 % 2, sendBuffer: 4_096 << ($0 / 2)) }
        defer { for screen in screens { screen.leave() } }
        var number: UInt32 = 3
        for _ in 0..<150 {
            let next = number + 1 + UInt32(random.next() % 6)
            try show(studio, number..<next, size: Int(random.next() % 12_000))
            number = next
            for (index, screen) in screens.enumerated() where random.next() % UInt64(index + 1) == 0 {
                try screen.read(limit: 1 + Int(random.next() % 90_000))
                if random.next() % 9 == 0 { screen.viewer.send([]) }
            }
            studio.settle()
        }
        for screen in screens {
            #expect(studio.wait { (try? screen.read()) == 0 && screen.pictures.last == number - 1 }, "seed \(seed)")
            for (before, after) in zip(screen.pictures, screen.pictures.dropFirst()) {
                #expect(after == before + 1 || (after > before && after % 10 == 0), "seed \(seed)")
            }
        }
    }

    @Test("a viewer in the middle of a frame finishes it before it leaves")
    func leavingInsideAFrame() throws {
        let studio = Studio()
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<1)
        let screen = Screen(studio, sendBuffer: 4_096)
        defer { screen.leave() }
        try screen.read()
        try show(studio, 1..<4, size: 100_000)
        #expect(!screen.viewer.isAtBoundary)
        screen.viewer.atBoundary { screen.viewer.detach() }
        #expect(screen.viewer.isAttached)
        #expect(studio.wait { (try? screen.read()) == 0 && !screen.viewer.isAttached })
        #expect(screen.pictures.first == 0 && screen.pictures.count < 4)
        #expect(screen.endsAtABoundary, "nothing is left of a frame that was begun")
        screen.viewer.atBoundary { screen.viewer.detach() }
    }

    @Test("a session's own bytes wait for the end of a half-written frame")
    func control() throws {
        let studio = Studio()
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<1)
        let screen = Screen(studio, sendBuffer: 4_096)
        defer { screen.leave() }
        try show(studio, 1..<4, size: 100_000)
        // A script tag that is easy to tell from the stream's own.
        let note = [UInt8](unsafeUninitializedCapacity: 18) { buffer, count in
            count = [UInt8]([1, 2, 3]).withUnsafeBytes {
                FLVTag.encode(kind: .script, timestamp: 7, payload: $0, into: buffer.baseAddress!)
            }
        }
        screen.viewer.send(note)
        #expect(studio.wait { (try? screen.read()) == 0 && screen.pictures.last == 3 })
        #expect(screen.frames.contains { $0.kind == .script && $0.payload == [1, 2, 3] })
        #expect(screen.pictures == [0, 1, 2, 3])
    }

    @Test("a viewer that takes nothing is ended after the stall timeout; one that waits for media is not")
    func stalled() throws {
        var settings = FanoutSettings()
        settings.stallTimeout = 50
        let studio = Studio(settings: settings)
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<1)
        let idle = Screen(studio)
        let stuck = Screen(studio, sendBuffer: 4_096)
        defer {
            idle.leave()
            stuck.leave()
        }
        try show(studio, 1..<3, size: 80_000)
        try idle.read()
        #expect(
            studio.wait {
                studio.fanouts[0].housekeep()
                _ = try? idle.read()
                return !stuck.ends.isEmpty
            })
        #expect(stuck.ends == [.stalled])
        #expect(idle.ends.isEmpty)
    }

    @Test("audio alone can be watched, and joined at once")
    func audioOnly() throws {
        let studio = Studio()
        _ = studio.publish()
        try configure(studio)
        try show(studio, 0..<25)
        let screen = Screen(studio, kind: WireKind(.flv, .audio))
        defer { screen.leave() }
        try show(studio, 25..<30)
        try screen.read()
        #expect(screen.frames.allSatisfy { $0.kind == .audio })
        #expect(screen.frames.last?.payload == Body.audio(29))
    }
}
