import Fixtures
import Testing

@testable import Media

struct TimelineTests {
    @Test("the first frame is at 0, whatever its timestamp")
    func start() {
        var timeline = Timeline()
        timeline.beginSession(nowMilliseconds: 77)
        #expect(timeline.map(kind: .script, timestamp: 0) == 0)
        #expect(timeline.map(kind: .video, timestamp: 4_000_000) == 0)
        #expect(timeline.map(kind: .audio, timestamp: 4_000_010) == 10)
        #expect(timeline.map(kind: .video, timestamp: 4_000_033) == 33)
        #expect(timeline.corrections == Timeline.Corrections())
    }

    @Test("sequence headers at 0 before frames at any time are a start, not a jump")
    func headersAtZero() {
        var timeline = Timeline()
        for kind in [MediaKind.video, .audio] { #expect(timeline.map(kind: kind, timestamp: 0) == 0) }
        #expect(timeline.map(kind: .video, timestamp: 9_000_000) == 33)
        #expect(timeline.map(kind: .audio, timestamp: 9_000_005) == 38)
        #expect(timeline.corrections.jumps == 0)
    }

    @Test("the 32-bit timestamp rolls over unnoticed, and is counted once")
    func rollover() {
        var timeline = Timeline()
        var input: UInt32 = .max - 100
        for i in 0..<20 as Range<Int64> {
            #expect(timeline.map(kind: .video, timestamp: input) == i * 33)
            #expect(timeline.map(kind: .audio, timestamp: input &- 10) == max(0, i * 33 - 10))
            input &+= 33
        }
        #expect(timeline.corrections == Timeline.Corrections(jumps: 0, backwards: 0, rollovers: 1))
    }

    @Test("after a jump output goes on one frame later, and the other track's late frames keep their place")
    func jump() {
        var timeline = Timeline()
        for i in 0..<10 as Range<UInt32> {
            _ = timeline.map(kind: .video, timestamp: 1_000 + i * 40)
            _ = timeline.map(kind: .audio, timestamp: 1_000 + i * 40)
        }
        #expect(timeline.map(kind: .video, timestamp: 500_000) == 400)
        #expect(timeline.map(kind: .audio, timestamp: 1_380) == 380)
        #expect(timeline.map(kind: .video, timestamp: 500_040) == 440)
        #expect(timeline.map(kind: .audio, timestamp: 500_010) == 410)
        #expect(timeline.corrections == Timeline.Corrections(jumps: 1, backwards: 0, rollovers: 0))
    }

    @Test("one wild timestamp moves nothing after it")
    func outlier() {
        var timeline = Timeline()
        for i in 0..<5 as Range<UInt32> { _ = timeline.map(kind: .video, timestamp: i * 40) }
        #expect(timeline.map(kind: .video, timestamp: 3_000_000_000) == 200)
        #expect(timeline.map(kind: .video, timestamp: 240) == 240)
        #expect(timeline.map(kind: .video, timestamp: 280) == 280)
    }

    @Test("a small step backwards is held at the last output and counted")
    func backwards() {
        var timeline = Timeline()
        _ = timeline.map(kind: .video, timestamp: 1_000)
        #expect(timeline.map(kind: .video, timestamp: 1_100) == 100)
        #expect(timeline.map(kind: .video, timestamp: 1_060) == 100)
        #expect(timeline.map(kind: .video, timestamp: 1_140) == 140)
        #expect(timeline.corrections == Timeline.Corrections(jumps: 0, backwards: 1, rollovers: 0))
    }

    @Test("tracks of one kind that come in turns of many frames keep their times")
    func turns() {
        var timeline = Timeline()
        for turn in 0..<6 as Range<Int64> {
            for index in 0..<16 as Range<Int64> {
                let time = turn * 340 + index * 21
                _ = timeline.map(kind: .video, timestamp: UInt32(time))
            }
            for track in [0, 1, 200] as [UInt8] {
                for index in 0..<16 as Range<Int64> {
                    let time = turn * 340 + index * 21
                    #expect(timeline.map(kind: .audio, track: track, timestamp: UInt32(time)) == time)
                }
            }
        }
        #expect(timeline.corrections == Timeline.Corrections())
        #expect(timeline.map(kind: .audio, track: 1, timestamp: 1_900) == 2_015, "a track alone goes nowhere back")
        #expect(timeline.corrections.backwards == 1)
    }

    @Test("after a jump every track of a kind finds the new clock, and its late frames keep their place")
    func jumpOfMany() {
        var timeline = Timeline()
        for time in stride(from: 0 as UInt32, to: 400, by: 40) {
            _ = timeline.map(kind: .video, timestamp: 1_000 + time)
            for track in [0, 1] as [UInt8] { _ = timeline.map(kind: .audio, track: track, timestamp: 1_000 + time) }
        }
        #expect(timeline.map(kind: .audio, track: 1, timestamp: 500_000) == 400)
        #expect(timeline.map(kind: .audio, timestamp: 1_380) == 380)
        #expect(timeline.map(kind: .video, timestamp: 500_000) == 400)
        #expect(timeline.map(kind: .audio, timestamp: 500_000) == 400)
        // Another one takes the place of the first, which nobody is on any more.
        #expect(timeline.map(kind: .audio, track: 1, timestamp: 900_000) == 440)
        #expect(timeline.map(kind: .video, timestamp: 500_040) == 440)
        #expect(timeline.map(kind: .video, timestamp: 900_010) == 450)
        #expect(timeline.map(kind: .audio, timestamp: 900_020) == 460)
        #expect(timeline.corrections == Timeline.Corrections(jumps: 2, backwards: 0, rollovers: 0))
    }

    @Test("a clock that only runs backwards does not stop the output for ever")
    func reverse() {
        var timeline = Timeline()
        var last: Int64 = 0
        for i in 0..<100 as Range<UInt32> { last = timeline.map(kind: .video, timestamp: 100_000 - i * 100) }
        #expect(last > 200)
        #expect(timeline.corrections.jumps > 0)
    }

    @Test("metadata at timestamp 0 in mid-stream goes beside the newest frame")
    func metadata() {
        var timeline = Timeline()
        _ = timeline.map(kind: .video, timestamp: 0)
        for i in 1...500 as ClosedRange<UInt32> { _ = timeline.map(kind: .video, timestamp: i * 40) }
        #expect(timeline.map(kind: .script, timestamp: 0) == 20_000)
        #expect(timeline.map(kind: .video, timestamp: 20_040) == 20_040)
        #expect(timeline.corrections.jumps == 0)
    }

    @Test("a publisher that comes back goes on after the time it was away")
    func sessions() {
        var timeline = Timeline()
        timeline.beginSession(nowMilliseconds: 10_000)
        for i in 0...10 as ClosedRange<UInt32> { _ = timeline.map(kind: .video, timestamp: 5_000 + i * 100) }
        // The last frame was at 1,000, so it came at 11,000.
        timeline.beginSession(nowMilliseconds: 14_000)
        #expect(timeline.map(kind: .video, timestamp: 0) == 4_000)
        #expect(timeline.map(kind: .audio, timestamp: 20, nowMilliseconds: 14_500) == 4_020)
        timeline.beginSession(nowMilliseconds: 14_700)
        #expect(timeline.map(kind: .audio, timestamp: 90_000) == 4_220)
        // A clock that went backwards, and a publisher faster than real time: one frame at least.
        timeline.beginSession(nowMilliseconds: 0)
        #expect(timeline.map(kind: .audio, timestamp: 7) > 4_220)
        timeline.beginSession(nowMilliseconds: .max)
        #expect(timeline.map(kind: .audio, timestamp: 7) <= 4_400 + 600_000)
    }

    @Test(
        "random jumps, rollovers, lags and sessions keep output monotone, in step and without holes", arguments: 0..<60)
    func property(seed: UInt64) {
        var publisher = SimulatedPublisher(seed: seed)
        var timeline = Timeline()
        timeline.beginSession(nowMilliseconds: 0)
        var last: [MediaKind: Int64] = [:]
        var lastArrival: [MediaKind: Int64] = [:]
        var offset: (segment: Int, value: Int64) = (-1, 0)
        for frame in publisher.frames() {
            if frame.startsSession { timeline.beginSession(nowMilliseconds: frame.arrival) }
            let output = timeline.map(
                kind: frame.kind, timestamp: frame.timestamp, nowMilliseconds: frame.arrival)
            if let previous = last[frame.kind], let arrival = lastArrival[frame.kind] {
                #expect(output >= previous, "seed \(seed)")
                let allowed = SimulatedPublisher.longestLag + 50 + (frame.arrival - arrival)
                #expect(output - previous <= allowed, "seed \(seed): a hole of \(output - previous) ms")
            }
            last[frame.kind] = output
            lastArrival[frame.kind] = frame.arrival
            let isSettled = frame.intoSegment > SimulatedPublisher.longestLag * 2
            if isSettled && offset.segment != frame.segment { offset = (frame.segment, output - frame.time) }
            if isSettled { #expect(abs(output - frame.time - offset.value) <= 33, "seed \(seed)") }
        }
        #expect(timeline.corrections.jumps == UInt64(publisher.jumps))
    }

    @Test("garbage timestamps never stop or reverse the output", arguments: 0..<20)
    func garbage(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var timeline = Timeline()
        var last: [MediaKind: Int64] = [:]
        for _ in 0..<5_000 {
            let kind = MediaKind.allCases.randomElement(using: &random)!
            if Int.random(in: 0..<100, using: &random) == 0 {
                timeline.beginSession(nowMilliseconds: Int64.random(in: .min ... .max, using: &random))
            }
            let output = timeline.map(kind: kind, timestamp: .random(in: 0 ... .max, using: &random))
            #expect(output >= last[kind] ?? 0)
            last[kind] = output
        }
    }
}

/// A live encoder with an audio and a video track that arrive with different lags, whose clock jumps and rolls over
/// now and then, and that reconnects.
struct SimulatedPublisher {
    struct Frame {
        var kind: MediaKind
        /// The moment it was recorded, on a clock that never jumps.
        var time: Int64
        var arrival: Int64
        var timestamp: UInt32
        var segment: Int
        var intoSegment: Int64
        var startsSession = false
    }

    static let longestLag: Int64 = 300
    private static let segments = 5
    /// What `frames()` has in it.
    private(set) var jumps = 0
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func frames() -> [Frame] {
        var all: [Frame] = []
        var time: Int64 = 0
        for session in 0..<3 {
            var frames = makeSession(from: time, firstSegment: session * 100)
            time = frames.map(\.arrival).max()! + Int64.random(in: 500...8_000, using: &random)
            frames.sort { $0.arrival < $1.arrival }
            frames[0].startsSession = true
            all += frames
        }
        return all
    }

    private mutating func makeSession(from start: Int64, firstSegment: Int) -> [Frame] {
        let lag: [MediaKind: Int64] = [
            .audio: .random(in: 0...Self.longestLag, using: &random),
            .video: .random(in: 0...Self.longestLag, using: &random),
        ]
        // Near the top, so that rollovers are common.
        var base = UInt32.random(in: (.max - 40_000) ... .max, using: &random)
        var frames: [Frame] = []
        var segmentStart = start
        for segment in 0..<Self.segments {
            let end = segmentStart + .random(in: 3_000...20_000, using: &random)
            for (kind, step) in [(MediaKind.audio, 23), (.video, 33)] {
                for time in stride(from: segmentStart, to: end, by: step) {
                    frames.append(
                        Frame(
                            kind: kind, time: time, arrival: time + lag[kind]!,
                            timestamp: base &+ UInt32(truncatingIfNeeded: time), segment: firstSegment + segment,
                            intoSegment: time - segmentStart))
                }
            }
            segmentStart = end
            let isForward = Bool.random(using: &random)
            let jump = UInt32.random(in: 10_600...1_000_000_000, using: &random)
            base = isForward ? base &+ jump : base &- jump / 5
            if segment < Self.segments - 1 { jumps += 1 }
        }
        return frames
    }
}
