import FLV
import Fixtures
import Media
import Testing

@testable import MPEGTS

@Suite("Programs and data in MPEG-TS")
struct ProgramTests {
    static let ac3: [UInt8] =
        [0x0b, 0x77, 0, 0, 0x00, 0x40, 0x2f, 0x84] + [UInt8](repeating: 0x55, count: 120)

    @Test("of several programs the first is read, or the one that is asked for")
    func choice() throws {
        var builder = PacketBuilder()
        builder.association([(5, 0x50), (6, 0x60)])
        builder.map(6, pid: 0x60, [(0x81, 0x61, [])])
        builder.map(5, pid: 0x50, [(0x81, 0x51, [0x0a, 4, 0x64, 0x65, 0x75, 0])])
        for index in 0..<Int64(3) {
            builder.pes(0x51, streamID: 0xbd, pts: index * 2_880, Self.ac3)
            builder.pes(0x61, streamID: 0xbd, pts: 900_000 + index * 2_880, Self.ac3)
        }
        let first = try Samples.read(builder.bytes).events
        #expect(Samples.frames(first).map(\.pts) == [0, 2_880, 5_760])
        guard case .program(let program) = first.first else { return #expect(Bool(false)) }
        #expect(program.number == 5 && program.streams.map(\.language) == ["deu"])
        let second = try Samples.read(builder.bytes, program: 6).events
        #expect(Samples.frames(second).map(\.pts) == [900_000, 902_880, 905_760])
        #expect(throws: TSError.noSuchProgram(9, available: [5, 6])) { try Samples.read(builder.bytes, program: 9) }
    }

    @Test("where there are several audio tracks, metadata tells what languages they are in, whenever that changes")
    func languages() throws {
        func descriptor(_ code: String) -> [UInt8] { [0x0a, 4] + Array(code.utf8) + [0] }
        var builder = PacketBuilder()
        builder.association([(1, 0x50)])
        builder.map(1, pid: 0x50, [(0x81, 0x51, descriptor("deu")), (0x81, 0x52, []), (0x81, 0x53, descriptor("eng"))])
        builder.pes(0x51, streamID: 0xbd, pts: 90_000, Self.ac3)
        let frames = try Samples.frames(of: builder.bytes)
        let told = try #require(frames.first)
        #expect(told.kind == .script && told.isConfiguration && frames.filter { $0.kind == .script }.count == 1)
        let tracks = try StreamMetadata.parse(told.body.span)?.audioTracks
        #expect(tracks == [0: .init(language: "deu"), 2: .init(language: "eng")])
        var single = PacketBuilder()
        single.association([(1, 0x50)])
        single.map(1, pid: 0x50, [(0x81, 0x51, descriptor("deu"))])
        single.pes(0x51, streamID: 0xbd, pts: 90_000, Self.ac3)
        #expect(try Samples.frames(of: single.bytes).allSatisfy { $0.kind == .audio }, "one track is no choice")
    }

    @Test("SCTE-35, ID3, teletext and private data come out as data, with their times")
    func data() throws {
        var splice: [UInt8] = [0xfc, 0x30, 0x11, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xf0, 0, 0, 0, 0]
        splice[2] = UInt8(splice.count + 4 - 3)
        splice.append(u32: CRC32.of(splice.span))
        var builder = PacketBuilder()
        builder.association([(1, 0x50)])
        builder.map(
            1, pid: 0x50,
            [
                (0x81, 0x51, []), (0x86, 0x52, []), (0x15, 0x53, []), (0x06, 0x54, [0x56, 0]), (0x06, 0x55, []),
                (0x02, 0x56, []),
            ])
        builder.pes(0x51, streamID: 0xbd, pts: 90_000, Self.ac3)
        builder.unit(0x52, [0] + splice)
        builder.pes(0x53, streamID: 0xbd, pts: 180_000, [0x49, 0x44, 0x33])
        builder.pes(0x54, streamID: 0xbd, pts: nil, [0x10, 2, 3])
        builder.pes(0x55, streamID: 0xbd, pts: 91_000, [7])
        builder.pes(0x56, streamID: 0xe0, pts: 91_000, [7])
        let frames = try Samples.frames(of: builder.bytes).filter { $0.kind == .script }
        let messages = try frames.map { try Samples.message($0.body) }
        #expect(frames.map(\.isConfiguration) == [true, true, true, true, false, false, false, false])
        #expect(messages.map(\.isDeclaration) == frames.map(\.isConfiguration))
        #expect(messages.map(\.track) == [0, 1, 2, 3, 0, 1, 2, 3])
        #expect(messages.map(\.streamType) == [0x86, 0x15, 6, 6, 0x86, 0x15, 6, 6])
        #expect(Array(frames[2].body[messages[2].descriptors]) == [0x56, 0])
        let units = messages.suffix(4)
        #expect(units.map(\.pts) == [nil, 180_000, nil, 90_990])
        #expect(units.map(\.clock) == [90_000, 90_000, 90_000, 90_000])
        #expect(Array(frames[4].body[messages[4].payload]) == splice)
        #expect(Array(frames[5].body[messages[5].payload]) == [0x49, 0x44, 0x33])
    }

    @Test("a table with a wrong checksum is counted and not believed")
    func checksum() throws {
        var builder = PacketBuilder()
        builder.association([(5, 0x50)])
        var damaged = builder.bytes
        damaged[187] ^= 1
        let (events, counters) = try Samples.read(damaged + builder.bytes)
        #expect(events.isEmpty)
        #expect(counters.badChecksums == 1)
    }

    @Test("an audio frame that ends in the next packet has the time at which it began")
    func spanningFrames() throws {
        var builder = PacketBuilder()
        builder.association([(1, 0x50)])
        builder.map(1, pid: 0x50, [(0x81, 0x51, [])])
        let bytes = Self.ac3 + Self.ac3 + Self.ac3 + Self.ac3
        builder.pes(0x51, streamID: 0xbd, pts: 9_000, Array(bytes[0..<200]))
        builder.pes(0x51, streamID: 0xbd, pts: 9_000 + 5_760, Array(bytes[200...]))
        let frames = try Samples.frames(of: builder.bytes)
        #expect(frames.map(\.pts) == [9_000, 11_880, 14_760, 17_640])
        #expect(frames.allSatisfy { Array($0.body.dropFirst(5)) == Self.ac3 })
    }

    @Test("times pass the 33-bit roll-over together, whichever stream is first")
    func unwrapping() {
        var clock = ClockUnwrapper()
        let end = ClockUnwrapper.period
        #expect(clock.unwrap(end - 100) == end - 100)
        #expect(clock.unwrap(50) == end + 50)
        #expect(clock.unwrap(end - 20) == end - 20)
        #expect(clock.nearest(3_000) == end + 3_000)
        #expect(clock.unwrap(200) == end + 200)
    }

    @Test("limits hold: PES packets, streams and programs beyond them are counted")
    func limits() throws {
        var limits = TSLimits()
        limits.otherUnit = 1_000
        limits.streams = 2
        limits.programs = 1
        var builder = PacketBuilder()
        builder.association([(1, 0x50), (2, 0x60)])
        builder.map(1, pid: 0x50, [(0x81, 0x51, []), (0x0f, 0x52, []), (0x0f, 0x53, [])])
        builder.pes(0x51, streamID: 0xbd, pts: 0, [UInt8](repeating: 0, count: 2_000))
        builder.pes(0x51, streamID: 0xbd, pts: 2_880, Self.ac3)
        var reader = TSReader(limits: limits)
        try reader.receive(builder.bytes.span)
        #expect(reader.counters.beyondLimits == 2)
        #expect(reader.counters.oversizeUnits == 1)
        #expect(Samples.frames(Samples.drain(&reader)).count == 1)
    }
}
