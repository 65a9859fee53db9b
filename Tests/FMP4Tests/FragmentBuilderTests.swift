import Fixtures
import Media
import Testing

@testable import FMP4

@Suite("The builder of fragments of many frames")
struct FragmentBuilderTests {
    @Test("writes parts whose samples are whole, in order and without gaps", arguments: [1, 2, 3] as [UInt64])
    func parts(seed: UInt64) throws {
        let frames = Bodies.stream(seconds: 6, interval: 45, seed: seed)
        let segments = Muxing.segments(frames)
        #expect(segments.count == 3, "the last segment is not finished")
        var expected = frames.filter { $0.kind == .video }.map { Array($0.body.dropFirst(5)) }
        for start in segments.keys.sorted() {
            let reader = try FragmentReader(segments[start]!)
            #expect(reader.complaints == [] && reader.fragments.map(\.sequence) == Array(1...reader.fragments.count))
            let video = reader.samples(1)
            #expect(video.map(\.payload) == Array(expected.prefix(video.count)))
            expected.removeFirst(video.count)
            #expect(video[0].isSync && video[0].time == Int(start) * 90)
            #expect(video.reduce(0) { $0 + $1.duration } == 1_500 * 90)
            for track in [1, 2] {
                let samples = reader.samples(track)
                #expect(zip(samples, samples.dropFirst()).allSatisfy { $1.time == $0.time + $0.duration })
            }
            #expect(reader.samples(2).allSatisfy { $0.duration == 1_024 })
            #expect(reader.fragments.allSatisfy { $0.producerTime?.track == 1 })
            #expect(reader.fragments[0].producerTime?.media == Int(start) * 90)
        }
    }

    @Test("writes the same bytes on a node that joined later", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func determinism(seed: UInt64) throws {
        let frames = Bodies.stream(seconds: 8, interval: 30, seed: seed)
        var random = SeededGenerator(seed: seed)
        let whole = Muxing.segments(frames)
        for _ in 0..<5 {
            let start = Int.random(in: 0..<frames.count / 2, using: &random)
            let joined = Muxing.segments(frames, from: start)
            #expect(joined.count >= 3)
            for (time, bytes) in joined { #expect(whole[time] == bytes, "seed \(seed), joined at \(start)") }
        }
    }

    @Test("knows its size, its span, and whether it starts with a keyframe")
    func measures() {
        var builder = FragmentBuilder()
        for (kind, body) in Bodies.headers { builder.learn(kind, body: body.span) }
        builder.beginSegment()
        #expect(builder.isEmpty && builder.firstTimestamp == nil && builder.duration() == 0)
        let frames: [(MediaKind, Int64, [UInt8])] = [
            (.audio, 90, Bodies.aac()), (.video, 100, Bodies.h264(key: false)), (.video, 133, Bodies.h264(key: true)),
        ]
        for (index, frame) in frames.enumerated() {
            let outcome = Muxing.add(&builder, frame.0, frame.1, frame.2, index)
            #expect(outcome == .added)
        }
        #expect(Muxing.add(&builder, .video, 0, Bodies.h264Header) == .nothing)
        #expect(builder.count == 3 && builder.firstTimestamp == 100 && builder.lastTimestamp == 133)
        #expect(builder.duration() == 66_000 && builder.duration(nextVideo: 140) == 40_000)
        let all = frames.map { Bodies.Frame(kind: $0.0, time: $0.1, body: $0.2) }
        let size = builder.size
        #expect(Muxing.fragment(&builder, all, sequence: 7).count == size)
        #expect(builder.isEmpty)
    }

    @Test("gives an audio rendition of its own the track that was asked for, and a clock of its own")
    func rendition() throws {
        let frames = Bodies.stream(seconds: 3)
        var builder = FragmentBuilder(selection: .audio(0))
        for (kind, body) in Bodies.headers { builder.learn(kind, body: body.span) }
        builder.beginSegment()
        for (index, frame) in frames.enumerated() {
            let outcome = Muxing.add(&builder, frame.kind, frame.time, frame.body, index, origin: 5)
            #expect(outcome == (frame.kind == .audio ? .added : .nothing))
        }
        #expect(!builder.movie.hasVideo && builder.movie.codecs == "mp4a.40.2")
        let reader = try FragmentReader(Muxing.fragment(&builder, frames, sequence: 1))
        #expect(reader.complaints == [] && reader.samples(1).isEmpty)
        #expect(reader.samples(2).count == frames.count { $0.kind == .audio })
        #expect(reader.fragments[0].producerTime?.track == 2)
    }

    @Test("says that it is full before it grows beyond its limit")
    func full() {
        var builder = FragmentBuilder(selection: .audio(0))
        _ = Muxing.add(&builder, .audio, 0, Bodies.aacHeader)
        let body = Bodies.aac(count: 1)
        var outcome = FragmentBuilder.Outcome.added
        while outcome == .added {
            outcome = Muxing.add(&builder, .audio, Int64(builder.count) * 23, body)
        }
        #expect(outcome == .full && builder.count <= MP4Limits.samplesOfFragment)
        builder.removeAll()
        #expect(Muxing.add(&builder, .audio, 0, body) == .added)
    }
}
