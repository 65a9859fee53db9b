import Fixtures
import Media
import Testing

@testable import FMP4

@Suite("Bodies that make no sense")
struct RobustnessTests {
    static let seeds: [(MediaKind, [UInt8])] = [
        (.video, Bodies.h264Header), (.audio, Bodies.aacHeader), (.video, Bodies.h264(key: true)),
        (.audio, Bodies.aac()), (.video, Bodies.video("hvc1", type: 0, Bodies.hvcC)),
        (.video, Bodies.video("hvc1", type: 3, [0, 0, 0, 2, 0x26, 1])),
        (.video, Bodies.video("av01", type: 0, Bodies.av1C)), (.video, Bodies.video("vp09", type: 0, Bodies.vpcC)),
        (.video, Bodies.video("vp09", type: 1, Bodies.vp9Keyframe)),
        (.video, Bodies.video("av01", type: 1, [0x12, 0, 0x0a, 2, 0, 0])),
        (.audio, Bodies.audio("Opus", type: 0, Bodies.opusHead)),
        (.audio, Bodies.audio("Opus", type: 1, [0xfb, 3, 1])),
        (.audio, Bodies.audio("fLaC", type: 0, Bodies.flacHead)),
        (.audio, Bodies.audio("fLaC", type: 1, hex("fff8791805 11ff 00"))),
        (.audio, Bodies.audio("ac-3", type: 1, Bodies.ac3Frame)),
        (.audio, Bodies.audio("ec-3", type: 1, hex("0b77 0007 0f87 c000 0000000000000000"))),
        (.audio, Bodies.audio(".mp3", type: 1, Bodies.mp3Frame)),
        (.audio, [0x95, 0x11] + Bodies.name("mp4a") + [0, 0, 0, 3, 1, 2, 3] + [3, 0, 0, 2, 4, 5]),
        (.video, [0x96, 0x21] + Bodies.name("hvc1") + [0, 0, 0, 4, 0, 0, 1, 0xaa]),
    ]

    private func mutated(_ seed: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
            case 2: bytes.removeSubrange(at...)
            default: bytes.insert(.random(in: 0 ... .max, using: &random), at: at)
            }
        }
        return bytes
    }

    @Test("never bring the muxers down, and what is written is well-formed", arguments: 0..<40 as Range<UInt64>)
    func mutations(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var muxer = FrameMuxer()
        var builder = FragmentBuilder()
        var bytes: [UInt8] = []
        var frames: [Bodies.Frame] = []
        var time: Int64 = 0
        for round in 0..<400 {
            let (kind, original) = Self.seeds.randomElement(using: &random) ?? (.video, [])
            let body = mutated(original, &random)
            time += .random(in: -50...100, using: &random)
            bytes += Muxing.bytes(&muxer, kind, time, body, origin: time)
            frames.append(Bodies.Frame(kind: kind, time: time, body: body))
            _ = Muxing.add(&builder, kind, time, body, round, origin: time)
            if Int.random(in: 0..<40, using: &random) == 0 {
                bytes += Muxing.fragment(&builder, frames, sequence: UInt32(round), nextVideo: time)
                builder.beginSegment()
            }
            if Int.random(in: 0..<100, using: &random) == 0 {
                muxer.beginSession()
                builder.beginSession()
            }
        }
        #expect(try FragmentReader(bytes).complaints == [], "seed \(seed)")
    }

    @Test("are no danger when they are noise", arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var muxer = Muxing.muxer()
        var bytes: [UInt8] = []
        for _ in 0..<1_000 {
            let count = Int.random(in: 0...40, using: &random)
            let body = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let kind: MediaKind = Bool.random(using: &random) ? .video : .audio
            bytes += Muxing.bytes(&muxer, kind, .random(in: -(1 << 44)...1 << 44, using: &random), body)
        }
        #expect(try FragmentReader(bytes).complaints == [], "seed \(seed)")
    }

    @Test("are no danger when their rates and times are absurd")
    func absurd() throws {
        let header: [UInt8] = [0xaf, 0, 0x17, 0xff, 0xff, 0xff, 0x90]
        var muxer = Muxing.muxer([(.audio, header)])
        #expect(muxer.movie.tracks.isEmpty && muxer.unwritableFrames == 0)
        let times: [Int64] = [0, 1 << 42, 5, -(1 << 42), .max, .min, 1 << 41, 1]
        for (kind, body) in Bodies.headers { _ = Muxing.plan(&muxer, kind, 0, body) }
        var builder = FragmentBuilder()
        for (kind, body) in Bodies.headers { builder.learn(kind, body: body.span) }
        var frames: [Bodies.Frame] = []
        var bytes: [UInt8] = []
        for time in times {
            for (kind, body) in [(MediaKind.video, Bodies.h264(key: true)), (.audio, Bodies.aac())] {
                bytes += Muxing.bytes(&muxer, kind, time, body, origin: time)
                frames.append(Bodies.Frame(kind: kind, time: time, body: body))
                _ = Muxing.add(&builder, kind, time, body, frames.count - 1, origin: time)
                #expect(builder.duration(nextVideo: .max) >= 0 && builder.duration(nextVideo: 1 << 42) >= 0)
            }
        }
        bytes += Muxing.fragment(&builder, frames, sequence: .max, nextVideo: .min)
        #expect(try FragmentReader(bytes).complaints == [])
    }
}
