import Fixtures
import MPEGTS
import Media
import Testing

/// Segments that begin with counters of their own.
@Suite("MPEG-TS that begins anew") struct MarkedStartTests {
    private struct Frame {
        var kind: MediaKind
        var time: Int64
        var body: [UInt8]
        var isKeyframe: Bool
        var isConfiguration: Bool
    }

    private static let samples = [Samples.h264AndAAC, Samples.h265AndAC3, Samples.h264AndLATM]

    private static func frames(_ sample: Int) throws -> (headers: [Frame], media: [Frame]) {
        let once = try Samples.frames(of: samples[sample]).sorted { $0.dts < $1.dts }
        let start = Int64(once[0].timestamp)
        var all: [Frame] = []
        for round in 0..<Int64(8) {
            for frame in once where Int64(frame.timestamp) - start < 960 {
                if frame.isConfiguration && round > 0 { continue }
                all.append(
                    Frame(
                        kind: frame.kind, time: Int64(frame.timestamp) - start + round * 960, body: frame.body,
                        isKeyframe: frame.isKeyframe, isConfiguration: frame.isConfiguration))
            }
        }
        return (all.filter(\.isConfiguration), all.filter { !$0.isConfiguration })
    }

    private static func segment(_ headers: [Frame], _ frames: ArraySlice<Frame>) -> [UInt8] {
        var settings = TSMuxer.Settings()
        settings.marksStart = true
        var muxer = TSMuxer(settings: settings)
        for header in headers { _ = muxer.plan(header.kind, timestamp: 0, body: header.body.span) }
        var bytes: [UInt8] = []
        for frame in frames {
            bytes += Samples.mux(frame.kind, frame.time, frame.body, &muxer, startsHere: bytes.isEmpty)
        }
        return bytes
    }

    /// Cut at keyframes that the generator chooses.
    private static func cuts(_ frames: [Frame], _ generator: inout SeededGenerator) -> [ArraySlice<Frame>] {
        var slices: [ArraySlice<Frame>] = []
        var start = frames.firstIndex(where: \.isKeyframe) ?? 0
        for index in frames.indices where index > start && frames[index].isKeyframe {
            guard Bool.random(using: &generator) else { continue }
            slices.append(frames[start..<index])
            start = index
        }
        return slices + [frames[start...]]
    }

    /// The first packet of each PID, and whether it tells of a discontinuity.
    private static func firsts(_ bytes: [UInt8]) -> [UInt16: Bool] {
        var firsts: [UInt16: Bool] = [:]
        for at in stride(from: 0, to: bytes.count, by: 188) {
            let pid = bytes.span.u16(at: at + 1) & 0x1fff
            if firsts[pid] != nil { continue }
            let hasField = bytes[at + 3] & 0x20 != 0 && bytes[at + 4] > 0
            firsts[pid] = hasField && bytes[at + 5] & 0x80 != 0
        }
        return firsts
    }

    @Test("says so in the first packet of each PID, and passes the check one after another", arguments: 0..<3)
    func concatenated(_ sample: Int) throws {
        let (headers, media) = try Self.frames(sample)
        for seed in UInt64(1)...8 {
            var generator = SeededGenerator(seed: seed)
            let cuts = Self.cuts(media, &generator)
            let segments = cuts.map { Self.segment(headers, $0) }
            for (segment, cut) in zip(segments, cuts) {
                let firsts = Self.firsts(segment)
                #expect(firsts.count == 2 + Set(cut.map(\.kind)).count, "seed \(seed): \(firsts)")
                #expect(firsts.values.allSatisfy { $0 }, "seed \(seed): \(firsts)")
            }
            #expect(TransportStreamCheck.complaints(Array(segments.joined())) == [], "seed \(seed)")
        }
    }

    @Test("gives every frame back, and the reader sees no loss")
    func readsBack() throws {
        let (headers, media) = try Self.frames(0)
        var generator = SeededGenerator(seed: 3)
        let bytes = Self.cuts(media, &generator).flatMap { Self.segment(headers, $0) }
        let (events, counters) = try Samples.read(bytes)
        let back = Samples.frames(events).filter { !$0.isConfiguration }
        let start = try #require(media.firstIndex { $0.isKeyframe })
        for kind in [MediaKind.video, .audio] {
            #expect(
                back.filter { $0.kind == kind }.map(\.body) == media[start...].filter { $0.kind == kind }.map(\.body))
        }
        #expect(counters.malformedPackets == 0 && counters.badChecksums == 0)
    }

    @Test("owes nothing to what came before", arguments: 0..<3)
    func independent(_ sample: Int) throws {
        let (headers, media) = try Self.frames(sample)
        let keyframes = media.indices.filter { media[$0].isKeyframe }
        let last = try #require(keyframes.last)
        // A muxer that has been at work, told of the tracks again, and one that begins here.
        _ = Self.segment(headers, media[keyframes[0]..<last])
        let one = Self.segment(headers + headers, media[last...])
        #expect(one == Self.segment(headers, media[last...]))
    }

    @Test("is not what a stream without end does")
    func standard() throws {
        let (headers, media) = try Self.frames(0)
        #expect(!TSMuxer.Settings().marksStart)
        var muxer = TSMuxer()
        for header in headers { _ = muxer.plan(header.kind, timestamp: 0, body: header.body.span) }
        var bytes: [UInt8] = []
        for frame in media { bytes += Samples.mux(frame.kind, frame.time, frame.body, &muxer) }
        let marked = stride(from: 0, to: bytes.count, by: 188).filter {
            bytes[$0 + 3] & 0x20 != 0 && bytes[$0 + 4] > 0 && bytes[$0 + 5] & 0x80 != 0
        }
        #expect(marked.isEmpty)
    }
}
