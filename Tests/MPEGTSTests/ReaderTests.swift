import Fixtures
import Media
import Testing

@testable import MPEGTS

@Suite("The MPEG-TS reader")
struct ReaderTests {
    static let samples = [Samples.h264AndAAC, Samples.h265AndAC3, Samples.h264AndLATM]

    @Test("makes sequence headers and frames of what ffmpeg sends", arguments: [0, 1, 2])
    func foreign(_ index: Int) throws {
        let (events, counters) = try Samples.read(Self.samples[index])
        let frames = Samples.frames(events)
        let video = frames.filter { $0.kind == .video }
        #expect(video.first?.isConfiguration == true)
        #expect(video.count { $0.isConfiguration } == 1)
        #expect(video.count { !$0.isConfiguration } == [25, 15, 10][index])
        #expect(frames.contains { $0.kind == .audio && !$0.isConfiguration })
        #expect(counters.damagedUnits + counters.unconfiguredFrames + counters.discontinuities == 0)
        let record = try #require(video.first).body
        if index == 1 {
            let format = try H265Configuration.parse(record.span.extracting(5..<record.count)).format
            #expect(format.width == 64 && format.height == 36 && format.profile == "Main")
        } else {
            let format = try H264Configuration.parse(record.span.extracting(5..<record.count)).format
            #expect(format.width == 64 && format.height == 36)
        }
    }

    @Test("finds the same events however the bytes are cut", arguments: [0, 1, 2])
    func cuts(_ index: Int) throws {
        let bytes = Self.samples[index]
        let whole = try Samples.read(bytes)
        for seed in UInt64(0)..<20 {
            var generator = SeededGenerator(seed: seed)
            var reader = TSReader()
            var events: [TSEvent] = []
            var position = 0
            while position < bytes.count {
                let end = min(bytes.count, position + Int.random(in: 1...(seed < 10 ? 400 : 3_000), using: &generator))
                try reader.receive(bytes.span.extracting(position..<end))
                events += Samples.drain(&reader)
                position = end
            }
            reader.finish()
            events += Samples.drain(&reader)
            #expect(events == whole.events, "seed \(seed)")
            #expect(reader.counters == whole.counters, "seed \(seed)")
        }
    }

    @Test("reads packets that are 192 or 204 bytes apart", arguments: [192, 204])
    func strides(_ stride: Int) throws {
        var bytes: [UInt8] = []
        for start in Swift.stride(from: 0, to: Samples.h264AndAAC.count, by: 188) {
            if stride == 192 { bytes += [1, 2, 3, 4] }
            bytes += Samples.h264AndAAC[start..<start + 188]
            if stride == 204 { bytes += [UInt8](repeating: 0x47, count: 16) }
        }
        #expect(try Samples.read(bytes).events == Samples.read(Samples.h264AndAAC).events)
    }

    @Test("lets a lost packet cost only the frame that it belongs to")
    func loss() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
        var muxer = TSMuxer()
        var owners: [Int] = []
        var bytes: [UInt8] = []
        for (index, frame) in frames.enumerated() {
            let packets = Samples.mux(frame.kind, Int64(frame.timestamp), frame.body, &muxer)
            bytes += packets
            owners += [Int](repeating: index, count: packets.count / 188)
        }
        let all = Set(frames.indices.filter { !frames[$0].isConfiguration })
        // The first packets hold the tables and the parameter sets, without which there is nothing to lose.
        for lost in 20..<owners.count {
            var damaged = bytes
            damaged.removeSubrange(lost * 188..<lost * 188 + 188)
            let back = try Samples.frames(of: damaged).filter { !$0.isConfiguration }.map(\.body)
            var expected = all
            expected.remove(owners[lost])
            let found = Set(all.filter { back.contains(frames[$0].body) })
            #expect(found.isSuperset(of: expected), "packet \(lost)")
            #expect(back.allSatisfy { body in frames.contains { $0.body == body } }, "packet \(lost)")
        }
    }

    @Test("survives any mixture of lost, doubled and damaged packets", arguments: 0..<30)
    func damage(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: Samples.h264AndAAC.count, by: 188) {
            var packet = Array(Samples.h264AndAAC[start..<start + 188])
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: continue
            case 1: bytes += packet
            case 2: packet[Int.random(in: 0..<188, using: &generator)] ^= .random(in: 1...255, using: &generator)
            case 3: packet.removeLast(Int.random(in: 1...187, using: &generator))
            default: break
            }
            bytes += packet
        }
        let frames = try Samples.frames(of: bytes)
        #expect(frames.allSatisfy { !$0.body.isEmpty }, "seed \(seed)")
    }

    @Test("drops a packet that comes twice, and believes a discontinuity that is told")
    func duplicates() throws {
        var doubled: [UInt8] = []
        for start in stride(from: 0, to: Samples.h264AndAAC.count, by: 188) {
            let packet = Samples.h264AndAAC[start..<start + 188]
            doubled += packet + packet
        }
        let (events, counters) = try Samples.read(doubled)
        #expect(events == (try Samples.read(Samples.h264AndAAC).events))
        #expect(counters.duplicates > 0 && counters.discontinuities == 0)
    }

    @Test("finds the packets again after other bytes came between")
    func resynchronises() throws {
        let half = Samples.h264AndAAC.count / 188 / 2 * 188
        let garbage = [UInt8](repeating: 0x47, count: 77)
        let bytes = [1, 2, 3] + Samples.h264AndAAC[..<half] + garbage + Samples.h264AndAAC[half...]
        let (events, counters) = try Samples.read(bytes)
        #expect(counters.syncLosses == 1)
        let lost = try Samples.read(Samples.h264AndAAC).events.count - events.count
        #expect(lost <= 8)
    }

    @Test("refuses what is no transport stream, what is scrambled, and a program that is not there")
    func refusals() throws {
        let noise = [UInt8](repeating: 0x11, count: 100_000)
        #expect(throws: TSError.self) { try Samples.read(noise) }
        var scrambled = Samples.h264AndAAC
        for start in stride(from: 0, to: scrambled.count, by: 188) where scrambled[start + 1] & 0x1f == 1 {
            scrambled[start + 3] |= 0x80
        }
        var reader = TSReader()
        #expect(throws: TSError.scrambled(packets: 2_000)) {
            for _ in 0..<100 { try reader.receive(scrambled.span) }
        }
        #expect(throws: TSError.noSuchProgram(7, available: [1])) { try Samples.read(Samples.h264AndAAC, program: 7) }
    }

    @Test("follows a map that changes, and tells of the program anew")
    func mapChange() throws {
        let first = try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
        let second = try Samples.frames(of: Samples.h265AndAC3).sorted { $0.dts < $1.dts }
        var muxer = TSMuxer()
        let bytes = Samples.mux(first, muxer: &muxer) + Samples.mux(second, offset: 2_000, muxer: &muxer)
        let (events, _) = try Samples.read(bytes)
        let programs = events.compactMap { if case .program(let program) = $0 { program } else { nil } }
        #expect(programs.last?.streams.map(\.codec.name) == ["h265", "ac3"])
        let bodies = Samples.frames(events).filter { $0.kind == .video }.map(\.body)
        #expect(bodies == (first + second).filter { $0.kind == .video }.map(\.body))
    }
}
