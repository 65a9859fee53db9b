import FLV
import Fixtures
import Media
import Testing

@testable import MPEGTS

/// SCTE 35 from one transport stream into another, in all the shapes that sections come in.
@Suite("Splice information in MPEG-TS")
struct SpliceTests {
    /// A splice_insert of the program or of components, each with its own time, and descriptors of that size.
    static func insert(_ event: UInt32, components: [(tag: UInt8, time: Int64)], size: Int = 0) -> [UInt8] {
        var command: [UInt8] = []
        command.append(u32: event)
        // Out of the network, for a duration.
        command += [0x7f, 0xaf, UInt8(components.count)]
        for (tag, time) in components {
            command += [tag, 0xfe | UInt8(time >> 32 & 1)]
            command.append(u32: UInt32(truncatingIfNeeded: time))
        }
        command += [0xfe, 0, 0x29, 0x32, 0xe0, 0, 1, 0, 0]
        var bytes: [UInt8] = [0xfc, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0 | UInt8(command.count >> 8)]
        bytes += [UInt8(command.count & 0xff), 5] + command
        bytes.append(u16: UInt16(size))
        return DataTests.sealed(bytes + (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    }

    /// The time of each component, as a receiver computes it.
    private static func componentTimes(_ section: [UInt8]) -> [Int64] {
        let adjustment = Int64(section[4] & 1) << 32 | Int64(section.span.u32(at: 5))
        return (0..<Int(section[20])).map { index in
            let at = 22 + 6 * index
            return (Int64(section[at] & 1) << 32 | Int64(section.span.u32(at: at + 1))) + adjustment & (1 << 33 - 1)
        }
    }

    /// AC-3 at every 32 ms, and what is between: behind which frame, on which PID.
    private struct Source {
        var builder = PacketBuilder()
        private(set) var frames: Int64 = 0
        private(set) var sent: [(track: UInt8, behind: Int64, section: [UInt8])] = []
        static let base: Int64 = 8_589_000_000
        static let interval: Int64 = 2_880

        var time: Int64 { Self.base + frames * Self.interval }

        mutating func sound() {
            builder.pes(0x51, streamID: 0xbd, pts: time & (1 << 33 - 1), ProgramTests.ac3)
            frames += 1
        }

        mutating func splice(_ pid: UInt16, track: UInt8, _ sections: [[UInt8]]) {
            builder.sections(pid, sections)
            for section in sections { sent.append((track, frames, section)) }
        }
    }

    /// Into another transport stream, whose time is another, and out of it.
    private static func through(_ bytes: [UInt8]) throws -> (bytes: [UInt8], events: [TSEvent]) {
        var muxer = TSMuxer()
        var out: [UInt8] = []
        for frame in try Samples.frames(of: bytes) {
            out += Samples.mux(frame.kind, Int64(frame.timestamp) - 90_000, frame.body, &muxer)
        }
        #expect(TransportStreamCheck.complaints(out) == [])
        return (out, try Samples.read(out).events)
    }

    private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && a[..<4] == b[..<4] && a[9..<(a.count - 4)] == b[9..<(b.count - 4)]
            && CRC32.of(b.span) == 0
    }

    private static func check(_ source: Source, _ events: [TSEvent]) throws {
        var behind: Int64 = 0
        var got: [(track: UInt8, behind: Int64, section: [UInt8])] = []
        for frame in Samples.frames(events) where !frame.isConfiguration {
            guard frame.kind == .script else {
                behind += 1
                continue
            }
            let message = try Samples.message(frame.body)
            got.append((message.track, behind, Array(frame.body[message.payload])))
        }
        try #require(got.map(\.track) == source.sent.map(\.track))
        #expect(got.map(\.behind) == source.sent.map(\.behind))
        for (sent, got) in zip(source.sent, got) { #expect(isSame(sent.section, got.section)) }
    }

    @Test(
        "sections come through whole: several in a packet, over many packets, and where a pointer says that they begin")
    func shapes() throws {
        var source = Source()
        source.builder.association([(1, 0x50)])
        source.builder.map(1, pid: 0x50, [(0x81, 0x51, []), (0x86, 0x52, [0x8a, 1, 1]), (0x86, 0x53, [])])
        let null = DataTests.sealed([0xfc, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xf0, 0, 0, 0, 0])
        for round in 0..<40 {
            source.sound()
            let soon = source.time + 90_000
            func signal(_ size: Int) -> [UInt8] { DataTests.splice(at: soon & (1 << 33 - 1), size: size) }
            switch round % 8 {
            case 1: source.splice(0x52, track: 0, [signal(round)])
            case 2: source.splice(0x52, track: 0, [null, signal(3), signal(4), null])
            // Past the first packet, and the next one begins in its middle.
            case 3: source.splice(0x53, track: 1, [signal(150 + round), signal(20), signal(500)])
            case 4: source.splice(0x52, track: 0, [signal(4_000)])
            case 5:
                // 3 bytes at the end of a packet, and nothing but stuffing behind.
                source.splice(0x53, track: 1, [signal(183 - 26 - 3), null])
                source.splice(0x52, track: 0, [null])
            case 6:
                let components: [(UInt8, Int64)] = (0..<4).map { (UInt8($0), soon + Int64($0) * 1_800) }
                source.splice(0x53, track: 1, [Self.insert(UInt32(round), components: components, size: round * 9)])
            default: break
            }
        }
        let (bytes, events) = try Self.through(source.builder.bytes)
        try Self.check(source, events)
        guard case .program(let program)? = events.last(where: { if case .program = $0 { true } else { false } }) else {
            Issue.record("there is no map")
            return
        }
        #expect(program.streams.map(\.streamType) == [0, 0x86, 0x86])
        #expect(program.streams.map(\.descriptors) == [[], [0x8a, 1, 1], []])
        // Once for the program, however many streams it is about.
        let loop: [UInt8] = [0xf0, 6, 5, 4, 0x43, 0x55, 0x45, 0x49, 0x81]
        #expect(bytes.indices.contains { bytes[$0...].starts(with: loop) })
    }

    @Test("each component keeps its distance to the sound, over the end of the clock's circle too")
    func components() throws {
        var source = Source()
        source.builder.association([(1, 0x50)])
        source.builder.map(1, pid: 0x50, [(0x81, 0x51, []), (0x86, 0x52, [])])
        var due: [[Int64]] = []
        // The circle ends 10.4 s behind the base.
        for round in 0..<400 {
            source.sound()
            guard round % 20 == 10 else { continue }
            let times = [0, 33, 70].map { source.time + Source.interval * $0 }
            due.append(times.map { $0 - Source.base })
            let circle: Int64 = 1 << 33 - 1
            let components = times.enumerated().map { (tag: UInt8($0.offset), time: $0.element & circle) }
            source.splice(0x52, track: 0, [Self.insert(7, components: components)])
        }
        #expect(source.time > 1 << 33)
        let (_, events) = try Self.through(source.builder.bytes)
        try Self.check(source, events)
        let frames = Samples.frames(events)
        let start = try #require(frames.first { $0.kind == .audio && !$0.isConfiguration }).pts
        let got = try DataTests.messages(frames).map { Self.componentTimes($0.payload) }
        #expect(got.map { $0.map { ($0 - start) & (1 << 33 - 1) } } == due)
    }

    @Test("a map that adds data in the middle of a stream is followed by one that does, and nothing else changes")
    func added() throws {
        var source = Source()
        source.builder.association([(1, 0x50)])
        source.builder.map(1, pid: 0x50, [(0x81, 0x51, [])])
        for round in 0..<60 {
            source.sound()
            if round == 20 {
                source.builder.map(1, pid: 0x50, version: 1, [(0x81, 0x51, []), (0x86, 0x52, [])])
                source.splice(0x52, track: 0, [DataTests.splice(at: source.time & (1 << 33 - 1))])
            }
            if round == 40 {
                let streams: [(UInt8, UInt16, [UInt8])] = [
                    (0x81, 0x51, []), (0x86, 0x52, []), (0x86, 0x5f, [0x8a, 1, 2]),
                ]
                source.builder.map(1, pid: 0x50, version: 2, streams)
            }
            if round > 20 && round % 5 == 0 {
                source.splice(0x52, track: 0, [DataTests.splice(at: source.time & (1 << 33 - 1), size: round)])
            }
            if round > 40 && round % 7 == 0 {
                source.splice(0x5f, track: 1, [DataTests.splice(at: source.time & (1 << 33 - 1), size: 300)])
            }
        }
        let (_, events) = try Self.through(source.builder.bytes)
        try Self.check(source, events)
        let programs = events.compactMap { if case .program(let program) = $0 { program } else { nil } }
        #expect(programs.map { $0.streams.map(\.streamType) } == [[0], [0, 0x86], [0, 0x86, 0x86]])
        #expect(programs.map { $0.streams.map(\.pid) } == [[0x100], [0x100, 0x180], [0x100, 0x180, 0x181]])
        #expect(Samples.frames(events).filter { $0.kind == .audio && !$0.isConfiguration }.count == 60)
    }

    @Test("components without a time are moved as a whole")
    func noComponents() throws {
        let section = Self.insert(1, components: [])
        let shift = SpliceSection(section.span, shift: 90_001, clock: 0)?.shift
        #expect(shift == 90_001)
    }
}
