import FLV
import Media
import Testing

@testable import MPEGTS

@Suite("The opening of a program")
struct OpeningTests {
    private static func frame(
        _ kind: MediaKind, _ pid: UInt16, at milliseconds: Int64, isConfiguration: Bool = false, size: Int = 10
    ) -> TSFrame {
        TSFrame(
            kind: kind, pid: pid, pts: milliseconds * 90, dts: milliseconds * 90, isConfiguration: isConfiguration,
            body: [UInt8](repeating: 0, count: size))
    }

    private static func drain(_ opening: inout ProgramOpening) -> [TSFrame] {
        var frames: [TSFrame] = []
        while let frame = opening.next() { frames.append(frame) }
        return frames
    }

    /// Of the streams of one map.
    private static func program(_ streams: [(type: UInt8, pid: UInt16, descriptors: [UInt8])]) throws -> TSEvent {
        var builder = PacketBuilder()
        builder.association([(1, 0x50)])
        builder.map(1, pid: 0x50, streams)
        return try Samples.read(builder.bytes).events[0]
    }

    private static let both: [(type: UInt8, pid: UInt16, descriptors: [UInt8])] = [(0x1b, 1, []), (0x0f, 2, [])]

    @Test("what says how to decode comes before all frames, however late it came, and no frame is lost or moved")
    func order() throws {
        let frames = try Samples.frames(of: Samples.h264AndAAC)
        let program = try Samples.read(Samples.h264AndAAC).events[0]
        let configurations = frames.filter(\.isConfiguration)
        #expect(
            frames.firstIndex { $0.isConfiguration && $0.kind == .audio }! > 1, "the sample tells of its sound late")
        var opening = ProgramOpening()
        opening.take(program)
        var got: [TSFrame] = []
        for frame in frames {
            opening.take(.frame(frame))
            got += Self.drain(&opening)
        }
        #expect(got.prefix(configurations.count).map(\.body) == configurations.map(\.body))
        let start = frames.first { !$0.isConfiguration }!.dts
        #expect(got.prefix(configurations.count).allSatisfy { $0.dts == start })
        #expect(Array(got.dropFirst(configurations.count)) == frames.filter { !$0.isConfiguration })
    }

    @Test("sound that needs no configuration is heard of by its first frame")
    func selfDescribing() throws {
        var opening = ProgramOpening()
        opening.take(try Self.program([(0x1b, 1, []), (0x81, 2, []), (0x03, 3, [])]))
        let configuration = Self.frame(.video, 1, at: 0, isConfiguration: true)
        let pictures = (0..<4).map { Self.frame(.video, 1, at: 40 * $0) }
        let sounds = (0..<2).map { Self.frame(.audio, 2, at: 30 + 32 * $0) }
        let other = Self.frame(.audio, 3, at: 90)
        for frame in [configuration, pictures[0], pictures[1], sounds[0], sounds[1], pictures[2]] {
            opening.take(.frame(frame))
            #expect(opening.next() == nil)
        }
        opening.take(.frame(other))
        opening.take(.frame(pictures[3]))
        let expected = [configuration, sounds[0], other, pictures[0], pictures[1], sounds[1], pictures[2], pictures[3]]
        #expect(Self.drain(&opening) == expected)
    }

    @Test("a stream that never comes is waited for no longer than the limits say")
    func limits() throws {
        for (interval, size, count) in [(Int64(40), 10, 51), (0, 10, ProgramOpening.frames), (1, 1 << 20, 8)] {
            var opening = ProgramOpening()
            opening.take(try Self.program(Self.both))
            opening.take(.frame(Self.frame(.video, 1, at: 0, isConfiguration: true, size: 0)))
            var fed = 0
            while opening.next() == nil && fed < 10_000 {
                opening.take(.frame(Self.frame(.video, 1, at: Int64(fed) * interval, size: size)))
                fed += 1
            }
            #expect(fed == count)
            #expect(Self.drain(&opening).count == count)
            // What comes late is passed on as it comes.
            let late = Self.frame(.audio, 2, at: 9_000, isConfiguration: true)
            opening.take(.frame(late))
            #expect(Self.drain(&opening) == [late])
        }
        // A clock that jumps back has moved on, too.
        var opening = ProgramOpening()
        opening.take(try Self.program(Self.both))
        opening.take(.frame(Self.frame(.video, 1, at: 90_000)))
        opening.take(.frame(Self.frame(.video, 1, at: 10)))
        #expect(Self.drain(&opening).count == 2)
    }

    @Test("a later map is heeded while it is waited, and holds nothing up afterwards")
    func maps() throws {
        var opening = ProgramOpening()
        opening.take(try Self.program([(0x1b, 1, []), (0x0f, 2, []), (0x0f, 3, [])]))
        for pid in UInt16(1)...2 {
            opening.take(.frame(Self.frame(pid == 1 ? .video : .audio, pid, at: 0, isConfiguration: true)))
        }
        opening.take(.frame(Self.frame(.video, 1, at: 0)))
        #expect(opening.next() == nil)
        opening.take(try Self.program(Self.both + [(0x86, 4, [])]))
        #expect(Self.drain(&opening).count == 3)
        opening.take(try Self.program(Self.both + [(0x0f, 5, [])]))
        let frame = Self.frame(.video, 1, at: 40)
        opening.take(.frame(frame))
        #expect(opening.next() == frame)
    }

    @Test("what was held back is told how long it was, and nothing else is told to have been")
    func delays() throws {
        var opening = ProgramOpening()
        opening.take(try Self.program(Self.both))
        opening.take(.frame(Self.frame(.video, 1, at: 1_000, isConfiguration: true)))
        for at in [Int64(1_000), 1_040, 1_080] { opening.take(.frame(Self.frame(.video, 1, at: at))) }
        #expect(opening.delay == 0)
        opening.take(.frame(Self.frame(.audio, 2, at: 1_060, isConfiguration: true)))
        var delays: [Int64] = []
        func drain() {
            while case let delay = opening.delay, opening.next() != nil { delays.append(delay) }
        }
        drain()
        #expect(delays == [80, 80, 80, 40, 0])
        opening.take(.frame(Self.frame(.audio, 2, at: 1_060)))
        drain()
        #expect(delays.last == 0 && delays.count == 6)
    }

    @Test("the end of a stream gives out what is held, and one program of data alone holds nothing")
    func ends() throws {
        var opening = ProgramOpening()
        opening.take(try Self.program(Self.both))
        let configuration = Self.frame(.audio, 2, at: 5, isConfiguration: true)
        opening.take(.frame(configuration))
        opening.finish()
        #expect(Self.drain(&opening) == [configuration])
        var data = ProgramOpening()
        data.take(try Self.program([(0x86, 4, [])]))
        data.take(.frame(configuration))
        #expect(data.next() == configuration)
    }
}
