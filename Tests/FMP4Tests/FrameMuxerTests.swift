import CAllocations
import Fixtures
import Media
import Testing

@testable import FMP4

@Suite("The muxer of one frame to a fragment")
struct FrameMuxerTests {
    @Test("writes every byte of a small fragment as the specification has it")
    func bytes() {
        var muxer = Muxing.muxer()
        let body = Bodies.h264(key: true, composition: -40, count: 3, fill: 9)
        let bytes = Muxing.bytes(&muxer, .video, 1_000, body, origin: 1_500_000)
        var expected = hex("00000020 70726674 01000018 00000001 83aa7e81 80000000 0000000000015f90")
        expected += hex("00000068 6d6f6f66 00000010 6d666864 00000000 00000001 00000050 74726166")
        expected += hex("00000010 74666864 00020000 00000001 00000014 74666474 01000000 0000000000015f90")
        expected += hex("00000024 7472756e 01000f01 00000001 00000070 00000bb8 00000008 02000000 fffff1f0")
        expected += hex("00000010 6d646174 00000004 65 090909")
        #expect(bytes == expected)
        let audio = Muxing.bytes(&muxer, .audio, 1_000, Bodies.aac(count: 2))
        expected = hex("00000060 6d6f6f66 00000010 6d666864 00000000 00000002 00000048 74726166")
        expected += hex("00000010 74666864 00020000 00000002 00000014 74666474 01000000 000000000000ac44")
        expected += hex("0000001c 7472756e 01000301 00000001 00000068 00000400 00000002")
        expected += hex("0000000a 6d646174 0202")
        #expect(audio == expected)
    }

    @Test("gives every frame back, shown when its message said")
    func roundTrip() throws {
        let frames = Bodies.stream(seconds: 3)
        var muxer = Muxing.muxer()
        let reader = try FragmentReader(Muxing.frames(frames, &muxer))
        #expect(reader.complaints == [])
        #expect(reader.fragments.map(\.sequence) == Array(1...frames.count))
        let video = frames.filter { $0.kind == .video }
        let samples = reader.samples(1)
        #expect(samples.map(\.payload) == video.map { Array($0.body.dropFirst(5)) })
        #expect(samples.map(\.isSync) == video.map(\.isKeyframe))
        #expect(samples.map(\.time) == video.map { Int($0.time) * 90 })
        let composition = video.map { Int($0.body[4]) * 90 }
        #expect(samples.map(\.composition) == composition)
        let audio = reader.samples(2)
        #expect(audio.map(\.payload) == frames.filter { $0.kind == .audio }.map { Array($0.body.dropFirst(2)) })
        #expect(audio.allSatisfy { $0.duration == 1_024 })
        #expect(zip(audio, audio.dropFirst()).allSatisfy { $1.time == $0.time + $0.duration })
    }

    @Test("says where a reader can start: at keyframes, or anywhere when there is no video")
    func starts() {
        var muxer = Muxing.muxer()
        for frame in Bodies.stream(seconds: 2) {
            let plan = Muxing.plan(&muxer, frame.kind, frame.time, frame.body)
            #expect(plan.isStart == frame.isKeyframe)
        }
        var audio = Muxing.muxer([(.audio, Bodies.aacHeader)])
        #expect(Muxing.plan(&audio, .audio, 0, Bodies.aac()).isStart)
    }

    @Test("bridges a pause with decoding times ahead, so that none is two durations after the one before")
    func pause() throws {
        var muxer = Muxing.muxer([(.video, Bodies.h264Header)])
        var bytes: [UInt8] = []
        var times: [Int64] = []
        for number in 0..<200 as Range<Int64> {
            let time = number * 33 + (number >= 50 ? 1_500 : 0) + (number >= 120 ? 4_000 : 0)
            times.append(time)
            bytes += Muxing.bytes(&muxer, .video, time, Bodies.h264(key: number == 0))
        }
        let samples = try FragmentReader(bytes).samples(1)
        #expect(samples.map { $0.time + $0.composition } == times.map { Int($0) * 90 })
        #expect(zip(samples, samples.dropFirst()).allSatisfy { $1.time - $0.time <= 2 * $0.duration })
        #expect(zip(samples, samples.dropFirst()).allSatisfy { $1.time > $0.time })
        #expect(samples[119].composition == 0, "a bridge has an end")
    }

    @Test("tells readers of a change with a new initialisation segment before the next fragment, once")
    func change() throws {
        var muxer = Muxing.muxer()
        var bytes = Muxing.bytes(&muxer, .video, 0, Bodies.h264(key: true))
        var header = Bodies.aacHeader
        header[2...] = [0x11, 0x90]
        #expect(Muxing.plan(&muxer, .audio, 0, header).size == 0)
        let plan = Muxing.plan(&muxer, .video, 33, Bodies.h264(key: false))
        #expect(plan.carriesInitialization)
        bytes += Muxing.bytes(&muxer, .video, 66, Bodies.h264(key: false))
        bytes += Muxing.bytes(&muxer, .video, 99, Bodies.h264(key: false))
        let reader = try FragmentReader(bytes)
        #expect(reader.complaints == [] && reader.initializations.count == 1)
        #expect(bytes.count > muxer.movie.initialization.count)
    }

    @Test("puts the tracks of a multitrack message into one fragment")
    func multitrack() throws {
        var muxer = FrameMuxer()
        let config = hex("1190")
        // Two tracks with one codec: number, 24 bits of size, payload.
        let header: [UInt8] = [0x95, 0x10] + Bodies.name("mp4a") + [0, 0, 0, 2] + config + [3, 0, 0, 2] + config
        _ = Muxing.plan(&muxer, .audio, 0, header)
        #expect(muxer.movie.tracks.map(\.number) == [2, 8])
        let body: [UInt8] = [0x95, 0x11] + Bodies.name("mp4a") + [0, 0, 0, 3, 1, 2, 3] + [3, 0, 0, 2, 4, 5]
        let reader = try FragmentReader(Muxing.bytes(&muxer, .audio, 10, body))
        #expect(reader.complaints == [] && reader.fragments.count == 1)
        #expect(reader.samples(2).map(\.payload) == [[1, 2, 3]] && reader.samples(8).map(\.payload) == [[4, 5]])
        let twice: [UInt8] = [0x95, 0x11] + Bodies.name("mp4a") + [0, 0, 0, 3, 1, 2, 3] + [0, 0, 0, 2, 4, 5]
        #expect(try FragmentReader(Muxing.bytes(&muxer, .audio, 30, twice)).samples(2).count == 1)
        #expect(muxer.unwritableFrames == 1)
    }

    @Test("leaves out and counts what makes no sense")
    func unwritable() {
        var muxer = Muxing.muxer()
        var cut = Bodies.h264(key: true)
        cut.removeLast()
        let bodies: [(MediaKind, [UInt8])] = [
            (.video, cut), (.video, [0x27]), (.video, Bodies.video("vp08", type: 1, [1, 2])),
            (.video, Bodies.video("hvc1", type: 3, [0, 0, 0, 1, 0x26])), (.audio, [0xaf, 1]), (.audio, [0x95]),
            (.audio, Bodies.audio("Opus", type: 1, [0xfc, 1])), (.video, [0x17, 1, 0, 0, 0]),
        ]
        for (kind, body) in bodies {
            let before = muxer.unwritableFrames
            #expect(Muxing.plan(&muxer, kind, 0, body).size == 0)
            #expect(muxer.unwritableFrames == before + 1, "\(body)")
        }
        for time in [Int64.min, .max, 1 << 43] {
            #expect(Muxing.plan(&muxer, .audio, time, Bodies.aac()).size == 0)
        }
        #expect(Muxing.plan(&muxer, .script, 0, [2, 0, 0]).size == 0)
    }

    @Test("leaves a temporal delimiter of AV1 out of the sample")
    func delimiter() throws {
        var muxer = Muxing.muxer([(.video, Bodies.video("av01", type: 0, Bodies.av1C))])
        let body = Bodies.video("av01", type: 1, [0x12, 0, 0x32, 1, 0])
        #expect(try FragmentReader(Muxing.bytes(&muxer, .video, 0, body)).samples(1).map(\.payload) == [[0x32, 1, 0]])
    }

    /// Without optimisation, as tests are built, a frame costs one allocation; with it, none.
    @Test("allocates no more for a frame than a debug build cannot help", .enabled(if: allocations_are_counted()))
    func allocations() {
        let frames = Bodies.stream(seconds: 2)
        var muxer = Muxing.muxer()
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { target.deallocate() }
        var used: UInt64 = 0
        for round in 0..<10 {
            if round == 1 { used = allocations_count() }
            for frame in frames {
                let plan = muxer.plan(
                    frame.kind, timestamp: frame.time + Int64(round) * 2_000, origin: 0, body: frame.body.span)
                muxer.write(plan, body: frame.body.span, into: target)
            }
        }
        let allocated = allocations_count() - used
        #expect(allocated <= UInt64(frames.count * 9), "\(allocated) for \(frames.count * 9) frames")
    }
}
