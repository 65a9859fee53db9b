import CAllocations
import Fixtures
import Media
import Testing

@testable import MPEGTS

@Suite("The MPEG-TS muxer")
struct MuxerTests {
    @Test("passes the check of ISO 13818-1 and TR 101 290, and gives every frame back", arguments: [0, 1, 2])
    func roundTrip(_ index: Int) throws {
        let sample = [Samples.h264AndAAC, Samples.h265AndAC3, Samples.h264AndLATM][index]
        let frames = try Samples.frames(of: sample).sorted { $0.dts < $1.dts }
        let bytes = Samples.mux(frames)
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let back = try Samples.frames(of: bytes)
        for kind in [MediaKind.video, .audio] {
            let before = frames.filter { $0.kind == kind }
            let after = back.filter { $0.kind == kind }
            #expect(after.map(\.body) == before.map(\.body))
            #expect(after.map { $0.timestamp } == before.map { $0.timestamp + 200 })
        }
    }

    @Test("keeps the clock going, and the reader its time, while 33 bits roll over")
    func rollOver() throws {
        let rollOver = (Int64(1) << 33) / 90
        let frames = try Samples.long(Samples.h264AndAAC, seconds: 12, length: 960)
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        for frame in frames { bytes += Samples.mux(frame.kind, frame.time + rollOver - 6_000, frame.body, &muxer) }
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let back = try Samples.frames(of: bytes).filter { !$0.isConfiguration }
        for kind in [MediaKind.video, .audio] {
            let times = back.filter { $0.kind == kind }.map { Int64($0.timestamp) }
            let sent = frames.filter { $0.kind == kind && !($0.body[1] == 0 && $0.body.count < 100) }.map(\.time)
            #expect(times.map { $0 - times[0] } == sent.map { $0 - sent[0] })
            #expect(times == times.sorted())
        }
    }

    @Test("fills pauses of a video of one picture in 900 ms with clocks and tables")
    func slowVideo() throws {
        let video = try Samples.frames(of: Samples.h264AndAAC).filter { $0.kind == .video }
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        for (index, frame) in video.filter({ $0.isConfiguration || $0.isKeyframe }).enumerated() {
            bytes += Samples.mux(.video, Int64(index) * 900, frame.body, &muxer)
        }
        let complaints = TransportStreamCheck.complaints(bytes).filter { !$0.contains("2.5 PTS_error") }
        #expect(complaints == [])
    }

    @Test("tells a long pause as a discontinuity, and goes on")
    func pause() throws {
        let frames = try Samples.long(Samples.h264AndAAC, seconds: 4, length: 960)
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        for frame in frames {
            bytes += Samples.mux(frame.kind, frame.time + (frame.time > 1_900 ? 60_000 : 0), frame.body, &muxer)
        }
        #expect(TransportStreamCheck.complaints(bytes) == [])
    }

    @Test("puts the clock on the audio when there is no video")
    func audioOnly() throws {
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        let audio = try Samples.frames(of: Samples.h265AndAC3).filter { $0.kind == .audio }
        for round in 0..<Int64(5) {
            for frame in audio {
                bytes += Samples.mux(.audio, Int64(frame.timestamp) + round * 608, frame.body, &muxer)
            }
        }
        #expect(TransportStreamCheck.complaints(bytes) == [])
        #expect(
            try Samples.frames(of: bytes).map(\.body) == Array(repeating: audio.map(\.body), count: 5).flatMap(\.self))
    }

    @Test("starts a frame with the tables, so that a reader can start at a keyframe or where it was told to")
    func join() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC)
        var muxer = TSMuxer()
        var starts = 0
        var log: [[UInt8]] = []
        for frame in frames {
            let bytes = Samples.mux(frame.kind, Int64(frame.timestamp), frame.body, &muxer)
            #expect(bytes.count % 188 == 0)
            guard frame.isKeyframe else {
                log.append(bytes)
                continue
            }
            starts += 1
            #expect(bytes[1] == 0x40 && bytes[2] == 0)
            log.append(bytes)
            let joined = try Samples.frames(of: bytes)
            #expect(joined.map(\.isConfiguration) == [true, false])
            #expect(joined.last?.body == frame.body)
        }
        #expect(starts >= 2)
        let audio = try #require(frames.last { $0.kind == .audio })
        let bytes = Samples.mux(.audio, Int64(audio.timestamp) + 1, audio.body, &muxer, startsHere: true)
        #expect(bytes[1] == 0x40 && bytes[2] == 0)
    }

    @Test("gives Opus back as it was")
    func opus() throws {
        let opus = BodyHeader(track: 0)
        var header: [UInt8] = []
        opus.sequence(.opus, into: &header)
        header += [UInt8]("OpusHead".utf8) + [1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0]
        var generator = SeededGenerator(seed: 4)
        var muxer = TSMuxer()
        var bytes = Samples.mux(.audio, 0, header, &muxer)
        var sent = [header]
        for index in 0..<100 {
            var body: [UInt8] = []
            opus.frame(.opus, rate: 48_000, channels: 2, into: &body)
            body.append(0xfc)
            for _ in 0..<Int.random(in: 0...1_200, using: &generator) {
                body.append(.random(in: 0...255, using: &generator))
            }
            bytes += Samples.mux(.audio, Int64(index) * 20, body, &muxer)
            sent.append(body)
        }
        #expect(TransportStreamCheck.complaints(bytes) == [])
        #expect(try Samples.frames(of: bytes).map(\.body) == sent)
    }

    @Test("gives a second audio track a PID of its own, and the reader makes it a multitrack message again")
    func multitrack() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        var sent: [[UInt8]] = []
        for frame in frames {
            bytes += Samples.mux(frame.kind, Int64(frame.timestamp), frame.body, &muxer)
            guard frame.kind == .audio else { continue }
            let head: [UInt8] = [0x95, frame.isConfiguration ? 0 : 1, 0x6d, 0x70, 0x34, 0x61, 1]
            sent.append(head + frame.body.dropFirst(2))
            bytes += Samples.mux(.audio, Int64(frame.timestamp), sent[sent.count - 1], &muxer)
        }
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let back = try Samples.frames(of: bytes).filter { $0.kind == .audio && $0.body[0] == 0x95 }
        #expect(back.map(\.body) == sent)
    }

    @Test("passes over what a transport stream cannot hold, and what makes no sense")
    func unwritable() {
        var muxer = TSMuxer()
        let video: [[UInt8]] = [
            [0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x65], [0x27, 1], [0x90, 0x61, 0x76, 0x30, 0x31, 1, 2],
        ]
        for body in video { #expect(muxer.plan(.video, timestamp: 0, body: body.span).size == 0) }
        let audio: [[UInt8]] = [[0xaf, 1, 0, 0], [0x91, 0x66, 0x4c, 0x61, 0x43, 1], [0xb2, 1]]
        for body in audio { #expect(muxer.plan(.audio, timestamp: 0, body: body.span).size == 0) }
        #expect(muxer.unwritableFrames > 0)
    }

    @Test("keeps PIDs, counters and the map's version through a publish session that is like the one before")
    func sessions() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
        let all = frames.filter(\.isConfiguration) + frames.filter { !$0.isConfiguration }
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        for (round, frames) in [all, all, all.filter { $0.kind == .audio }, all].enumerated() {
            if round > 0 { muxer.beginSession() }
            bytes += Samples.mux(frames, offset: Int64(round) * 1_500, muxer: &muxer)
        }
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let (events, counters) = try Samples.read(bytes)
        #expect(counters.discontinuities == 0)
        let maps = events.compactMap { if case .program(let program) = $0 { program } else { nil } }
        #expect(maps.map { $0.streams.map(\.pid) } == [[0x100, 0x101], [0x101], [0x100, 0x101]])
        #expect(maps.map(\.clockPID) == [0x100, 0x101, 0x100])
    }

    @Test("a track whose codec goes and comes back goes on with its counter")
    func codecComesBack() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        for round in 0..<Int64(3) {
            bytes += Samples.mux(frames, offset: round * 1_500, muxer: &muxer)
            let vp9: [UInt8] = [0x90, 0x76, 0x70, 0x30, 0x39, 1, 0, 0, 0, 0, 31, 0x82, 2, 2, 2, 0, 0]
            bytes += Samples.mux(.video, round * 1_500 + 1_400, vp9, &muxer)
        }
        #expect(TransportStreamCheck.complaints(bytes) == [])
    }

    /// Without optimisation, as tests are built, fixed arrays and closures cost some; with it, a frame allocates nothing.
    @Test("allocates no more for a frame than a debug build cannot help", .enabled(if: allocations_are_counted()))
    func allocations() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
        var muxer = TSMuxer()
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { target.deallocate() }
        var used: UInt64 = 0
        for round in 0..<10 {
            if round == 1 { used = allocations_count() }
            for frame in frames where !frame.isConfiguration || round == 0 {
                let body = frame.body.span
                let plan = muxer.plan(frame.kind, timestamp: Int64(frame.timestamp) + Int64(round) * 2_000, body: body)
                muxer.write(plan, body: body, into: target)
            }
        }
        #expect(allocations_count() - used < UInt64(frames.count * 9 * 5))
    }
}
