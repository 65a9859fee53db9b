import FLV
import Fixtures
import Media
import Testing

@testable import MPEGTS

@Suite("Data in MPEG-TS")
struct DataTests {
    /// Application and format are `ID3 `, the service is 5.
    private static let metadata: [UInt8] =
        [0x26, 13, 0xff, 0xff, 0x49, 0x44, 0x33, 0x20, 0xff, 0x49, 0x44, 0x33, 0x20, 5, 0x0f]
    private static let teletext: [UInt8] = [0x56, 5, 0x64, 0x65, 0x75, 0x09, 0x00]

    /// A time_signal of that pts_time and pts_adjustment.
    static func splice(at time: Int64, adjustment: Int64 = 0, size: Int = 0) -> [UInt8] {
        let descriptors = [UInt8](repeating: 0x5a, count: size)
        var bytes: [UInt8] = [0xfc, 0x30, 0, 0, UInt8(adjustment >> 32 & 1)]
        bytes.append(u32: UInt32(truncatingIfNeeded: adjustment))
        bytes += [0, 0xff, 0xf0, 5, 6, 0xfe | UInt8(time >> 32 & 1)]
        bytes.append(u32: UInt32(truncatingIfNeeded: time))
        bytes.append(u16: UInt16(descriptors.count))
        bytes += descriptors
        return sealed(bytes)
    }

    /// With its length and checksum.
    static func sealed(_ section: [UInt8]) -> [UInt8] {
        var bytes = section
        let length = bytes.count + 1
        bytes[1] = 0x30 | UInt8(length >> 8)
        bytes[2] = UInt8(length & 0xff)
        bytes.append(u32: CRC32.of(bytes.span))
        return bytes
    }

    /// As a receiver computes it.
    static func spliceTime(_ section: [UInt8]) -> Int64 {
        let adjustment = Int64(section[4] & 1) << 32 | Int64(section.span.u32(at: 5))
        return ((Int64(section[14] & 1) << 32 | Int64(section.span.u32(at: 15))) + adjustment) & (1 << 33 - 1)
    }

    private static func declaration(_ track: UInt8, _ type: UInt8, _ descriptors: [UInt8]) -> [UInt8] {
        var message = DataMessage(track: track, streamType: type)
        message.isDeclaration = true
        return message.encode(descriptors: descriptors, payload: [UInt8]().span)
    }

    private static func section(_ bytes: [UInt8], clock: Int64, track: UInt8 = 0) -> [UInt8] {
        var message = DataMessage(track: track, streamType: 0x86)
        message.clock = clock
        return message.encode(payload: bytes.span)
    }

    private static func packet(
        _ track: UInt8, _ type: UInt8, pts: Int64?, clock: Int64, _ payload: [UInt8], headerSize: UInt8 = 5
    ) -> [UInt8] {
        var message = DataMessage(track: track, streamType: type)
        (message.streamID, message.headerSize, message.isAligned) = (0xbd, headerSize, true)
        (message.clock, message.pts) = (clock, pts)
        return message.encode(payload: payload.span)
    }

    private static func media() throws -> [TSFrame] {
        try Samples.frames(of: Samples.h264AndAAC).sorted { $0.dts < $1.dts }
    }

    static func messages(_ frames: [TSFrame]) throws -> [(message: DataMessage, payload: [UInt8])] {
        try frames.filter { $0.kind == .script && !$0.isConfiguration }.map {
            let message = try Samples.message($0.body)
            return (message, Array($0.body[message.payload]))
        }
    }

    private static let declarations = [
        declaration(0, 0x86, [0x8a, 1, 2]), declaration(1, 0x15, metadata), declaration(2, 0x06, teletext),
    ]

    @Test("comes out as it went in, byte for byte, with the times that sound and pictures have")
    func roundTrip() throws {
        let frames = try Self.media()
        var muxer = TSMuxer()
        var bytes: [UInt8] = []
        for body in Self.declarations { bytes += Samples.mux(.script, 0, body, &muxer) }
        #expect(bytes.isEmpty)
        let offset: Int64 = 7_654_321
        var sent: [[UInt8]] = []
        var due: [Int64] = []
        for (index, frame) in frames.enumerated() {
            bytes += Samples.mux(frame.kind, Int64(frame.timestamp) + offset, frame.body, &muxer)
            let clock = Int64(frame.timestamp) * 90
            switch index % 12 {
            case 6:
                sent.append([0x49, 0x44, 0x33, UInt8(index)] + [UInt8](repeating: 9, count: index * 7))
                due.append(clock + 9_000)
                let body = Self.packet(1, 0x15, pts: clock + 9_000, clock: clock, sent[sent.count - 1])
                bytes += Samples.mux(.script, Int64(frame.timestamp) + offset, body, &muxer)
            case 9:
                sent.append([0x10] + [UInt8](repeating: UInt8(index), count: 138))
                due.append(-1)
                let body = Self.packet(2, 0x06, pts: nil, clock: clock, sent[sent.count - 1], headerSize: 36)
                bytes += Samples.mux(.script, Int64(frame.timestamp) + offset, body, &muxer)
            default: break
            }
        }
        #expect(sent.count > 6)
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let got = try Self.messages(try Samples.frames(of: bytes))
        #expect(got.map(\.payload) == sent)
        let shift = (offset + 200) * 90
        #expect(got.map { $0.message.pts.map { $0 - shift } ?? -1 } == due)
        #expect(got.allSatisfy { $0.message.isAligned && $0.message.streamID == 0xbd })
        // A page of teletext with its long header fills its packet (ETSI EN 300 472 §4.2).
        let head: [UInt8] = [0, 0, 1, 0xbd, 0, 0xb2, 0x84, 0, 36]
        let starts = stride(from: 0, to: bytes.count, by: 188).filter { bytes[($0 + 4)...].starts(with: head) }
        #expect(starts.count == due.filter { $0 == -1 }.count)
        // And sound and pictures are what they are without.
        let plain = try Samples.frames(of: Samples.mux(frames, offset: offset))
        #expect(try Samples.frames(of: bytes).filter { $0.kind != .script }.map(\.body) == plain.map(\.body))
    }

    @Test("a splice at a picture stays at that picture, whatever the clocks are and how the section says it")
    func splices() throws {
        let frames = try Self.media()
        let key = try #require(frames.last { $0.isKeyframe })
        let position = frames[3]
        let clock = Int64(position.timestamp) * 90
        for (offset, adjustment, size) in [
            (Int64(0), Int64(0), 0), (5_000_000, 77, 10), (95_443_000, 1 << 33 - 5, 500), (-100, 3, 180),
        ] {
            let time = (key.pts - adjustment) & (1 << 33 - 1)
            let section = Self.splice(at: time, adjustment: adjustment, size: size)
            var muxer = TSMuxer()
            var bytes = Samples.mux(.script, 0, Self.declarations[0], &muxer)
            for frame in frames {
                bytes += Samples.mux(frame.kind, Int64(frame.timestamp) + offset, frame.body, &muxer)
                guard frame == position else { continue }
                let body = Self.section(section, clock: clock)
                bytes += Samples.mux(.script, Int64(frame.timestamp) + offset, body, &muxer)
            }
            #expect(TransportStreamCheck.complaints(bytes) == [])
            let back = try Samples.frames(of: bytes)
            let found = try #require(try Self.messages(back).first)
            let picture = try #require(back.first { $0.kind == .video && $0.body == key.body })
            #expect(Self.spliceTime(found.payload) == picture.pts & (1 << 33 - 1), "\(offset) \(adjustment)")
            // All but the adjustment and the checksum.
            #expect(found.payload.count == section.count)
            #expect(found.payload[..<4] == section[..<4])
            #expect(found.payload[9..<(section.count - 4)] == section[9..<(section.count - 4)])
        }
    }

    @Test("a section that cannot be read is moved by its adjustment alone, and no event without a time by more")
    func unreadable() throws {
        var insert: [UInt8] = [0xfc, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, 11, 5, 0, 0, 0, 9, 0x7f, 0xcf]
        insert += [0xfe, 0, 0, 0, 100]  // the time of the program
        let program = Self.sealed(insert + [0, 0])
        insert[19] = 0xdf  // at once: no time
        let immediate = Self.sealed(insert + [0, 0])
        insert[19] = 0xcf
        insert[4] = 0x82  // encrypted
        let encrypted = Self.sealed(insert + [0, 0])
        let shifts = [program, immediate, encrypted].map { SpliceSection($0.span, shift: 90_000, clock: 0)?.shift }
        // 100 ticks are rounded to a millisecond.
        #expect(shifts == [89_990, 90_000, 90_000])
        let others: [[UInt8]] = [[], Array(program.dropLast()), [0xfd] + program.dropFirst(), Array(program[..<19])]
        for bad in others {
            let section = SpliceSection(bad.span, shift: 0, clock: 0)
            #expect(section == nil)
        }
    }

    @Test("the map tells of it as the source's did, and the program of what has to be told there")
    func tables() throws {
        var muxer = TSMuxer()
        for body in Self.declarations { _ = Samples.mux(.script, 0, body, &muxer) }
        let bytes = Samples.mux(try Self.media(), muxer: &muxer)
        let events = try Samples.read(bytes).events
        let programs = events.compactMap { if case .program(let program) = $0 { program } else { nil } }
        let program = try #require(programs.last)
        // Declared before the first frame: the map did not change for it.
        #expect(programs.count <= 2)
        #expect(program.streams.map(\.codec.name) == ["h264", "aac", "scte35", "id3", "teletext"])
        #expect(program.streams.map(\.pid) == [0x100, 0x101, 0x180, 0x181, 0x182])
        #expect(program.streams.suffix(3).map(\.descriptors) == [[0x8a, 1, 2], Self.metadata, Self.teletext])
        let pointer: [UInt8] = [0x25, 15] + Self.metadata[2..<13] + [5, 0x1f, 0, 1]
        let loop: [UInt8] = [0xf0, 23, 5, 4, 0x43, 0x55, 0x45, 0x49] + pointer
        #expect(bytes.indices.contains { bytes[$0...].starts(with: loop) })
        #expect(Samples.frames(events).filter { $0.kind == .script }.allSatisfy { $0.isConfiguration })
    }

    @Test("files and segments that begin with unknown counters say so for data, too")
    func marked() throws {
        var settings = TSMuxer.Settings()
        settings.marksStart = true
        for size in [0, 160, 161, 162, 163, 400] {
            var muxer = TSMuxer(settings: settings)
            var bytes = Samples.mux(.script, 0, Self.declarations[0], &muxer)
            for (index, frame) in try Self.media().enumerated() {
                bytes += Samples.mux(frame.kind, Int64(frame.timestamp), frame.body, &muxer)
                guard index == 5 || index == 9 else { continue }
                let body = Self.section(Self.splice(at: 90, size: size), clock: Int64(frame.timestamp) * 90)
                bytes += Samples.mux(.script, Int64(frame.timestamp), body, &muxer)
            }
            #expect(TransportStreamCheck.complaints(bytes) == [])
            #expect(try Self.messages(try Samples.frames(of: bytes)).count == 2)
        }
    }

    @Test("what comes before sound and pictures, undeclared, too long or on too many tracks is left out")
    func leftOut() throws {
        var muxer = TSMuxer()
        let splice = Self.section(Self.splice(at: 0), clock: 0)
        #expect(Samples.mux(.script, 0, splice, &muxer).isEmpty)
        #expect(muxer.unwritableFrames == 0, "it only came too early")
        _ = Samples.mux(try Self.media(), muxer: &muxer)
        #expect(Samples.mux(.script, 10_000, splice, &muxer).isEmpty)
        #expect(muxer.unwritableFrames == 1)
        for track in UInt8(0)..<8 { _ = Samples.mux(.script, 10_000, Self.declaration(track, 0x06, []), &muxer) }
        #expect(muxer.unwritableFrames == 1)
        _ = Samples.mux(.script, 10_000, Self.declaration(8, 0x06, []), &muxer)
        #expect(muxer.unwritableFrames == 2)
        let long = Self.declaration(7, 0x06, [UInt8](repeating: 0, count: 600))
        _ = Samples.mux(.script, 10_000, long, &muxer)
        #expect(muxer.unwritableFrames == 3)
        #expect(Samples.mux(.script, 10_000, Self.packet(0, 0x06, pts: 0, clock: 0, []), &muxer).isEmpty)
        #expect(muxer.unwritableFrames == 4)
    }

    @Test("a packet is as long as its header can say, and no longer")
    func longest() throws {
        var muxer = TSMuxer()
        _ = Samples.mux(.script, 0, Self.declaration(0, 0x06, []), &muxer)
        _ = Samples.mux(try Self.media(), muxer: &muxer)
        let sizes = [65_535 - 8, 65_535 - 7].map { count in
            let body = Self.packet(0, 0x06, pts: 0, clock: 0, [UInt8](repeating: 1, count: count), headerSize: 0)
            return Samples.mux(.script, 2_000, body, &muxer).count
        }
        #expect(sizes[0] > 65_536 && sizes[1] == 0)
    }

    @Test("data follows the newest frame, however sound and pictures are interleaved")
    func place() throws {
        var builder = PacketBuilder()
        builder.association([(1, 0x50)])
        builder.map(1, pid: 0x50, [(0x81, 0x51, []), (0x81, 0x57, []), (0x15, 0x53, [])])
        builder.pes(0x53, streamID: 0xbd, pts: 1, [0x49, 0x44, 0x33])
        for (pid, pts) in [(UInt16(0x51), Int64(180_000)), (0x57, 120_000)] {
            builder.pes(pid, streamID: 0xbd, pts: pts, ProgramTests.ac3)
        }
        builder.pes(0x53, streamID: 0xbd, pts: 270_040, [0x49, 0x44, 0x33])
        // The encoder's clock goes back.
        builder.pes(0x51, streamID: 0xbd, pts: 900, ProgramTests.ac3)
        builder.pes(0x53, streamID: 0xbd, pts: 1_800, [0x49, 0x44, 0x33])
        let (events, counters) = try Samples.read(builder.bytes)
        let data = Samples.frames(events).filter { $0.kind == .script && !$0.isConfiguration }
        #expect(data.map(\.timestamp) == [2_000, 10])
        #expect(data.map(\.pts) == [270_000, 1_800])
        #expect(counters.unconfiguredFrames == 1)
    }
}
