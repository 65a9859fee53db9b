import EventLoop
import Fixtures
import MPEGTS
import Media
import RelayProtocol
import Testing

@testable import Fanout

/// Transport streams out of the fan-out, from pictures and sounds that a real encoder made.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct TransportTests {
    private typealias Sent = (kind: MediaKind, time: Int64, body: [UInt8])

    /// Configurations first, and once, as encoders send them.
    private static func media(seconds: Int64) throws -> [Sent] {
        let all = try Samples.long(Samples.h264AndAAC, seconds: seconds, length: 960)
        let configurations = [MediaKind.video, .audio].compactMap { kind -> Sent? in
            all.first { $0.kind == kind && !isCoded($0) }.map { (kind: kind, time: 0, body: $0.body) }
        }
        return configurations + all.filter(isCoded)
    }

    private static func isCoded(_ frame: Sent) -> Bool { frame.body[1] == 1 }

    private static func send(
        _ frames: some Sequence<Sent>, to stream: Fanout.Stream, by studio: Studio, after time: Int64 = 0
    ) throws {
        for frame in frames {
            try stream.append(frame.kind, timestamp: UInt32(frame.time + time), body: frame.body)
            stream.flushIfDue()
        }
        // What the flush clock still holds back goes out.
        stream.leaveLoop()
        studio.settle()
    }

    /// What the viewer has had so far, behind the header of the screen's own.
    private static func bytes(_ screen: Screen, _ studio: Studio) throws -> [UInt8] {
        var quiet = 0
        while quiet < 2 {
            quiet = try screen.read(asFLV: false) == 0 ? quiet + 1 : 0
            studio.settle()
        }
        return Array(screen.bytes.dropFirst(13))
    }

    private static func isTable(_ bytes: [UInt8], _ packet: Int, pid: UInt16) -> Bool {
        bytes.span.u16(at: packet * 188 + 1) == 0x4000 | pid
    }

    private static func coded(_ frames: [TSFrame], _ kind: MediaKind) -> [[UInt8]] {
        frames.filter { $0.kind == kind && !$0.isConfiguration }.map(\.body)
    }

    @Test("a viewer that joins late starts at a keyframe, with the tables first, and misses nothing from there on")
    func joinsLate() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let media = try Self.media(seconds: 8)
        let half = media.count / 2
        try Self.send(media[..<half], to: stream, by: studio)
        let screen = Screen(studio, kind: WireKind(.ts))
        defer { screen.leave() }
        try Self.send(media[half...], to: stream, by: studio)
        let bytes = try Self.bytes(screen, studio)
        #expect(Self.isTable(bytes, 0, pid: 0))
        #expect(Self.isTable(bytes, 1, pid: 0x1000))
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let got = try Samples.frames(of: bytes)
        let first = try #require(got.first { $0.kind == .video && !$0.isConfiguration })
        #expect(first.isKeyframe)
        for kind in [MediaKind.video, .audio] {
            let sent = media.filter { $0.kind == kind && Self.isCoded($0) }.map(\.body)
            let part = Self.coded(got, kind)
            #expect(part.count > sent.count / 3)
            #expect(part == sent.suffix(part.count))
        }
    }

    @Test("two viewers on two loops have the same bytes, and each a whole number of packets")
    func sameOnAllLoops() throws {
        let studio = Studio(loops: 2)
        _ = studio.publish()
        let stream = studio.stream()
        let media = try Self.media(seconds: 4)
        try Self.send(media[..<40], to: stream, by: studio)
        let screens = [0, 1].map { Screen(studio, on: $0, kind: WireKind(.ts)) }
        defer { for screen in screens { screen.leave() } }
        var sizes: Set<Int> = []
        for frame in media[40...] {
            try Self.send([frame], to: stream, by: studio)
            for screen in screens { sizes.insert(try Self.bytes(screen, studio).count % 188) }
        }
        #expect(sizes == [0])
        let all = try screens.map { try Self.bytes($0, studio) }
        #expect(all[0].count > 50_000)
        #expect(all[0] == all[1])
        #expect(TransportStreamCheck.complaints(all[0]) == [])
    }

    @Test("a second viewer of the log starts at a packet with tables, in the middle of the first one's bytes")
    func secondViewer() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let media = try Self.media(seconds: 6)
        let early = Screen(studio, kind: WireKind(.ts))
        try Self.send(media[..<(media.count / 2)], to: stream, by: studio)
        let late = Screen(studio, kind: WireKind(.ts))
        defer { for screen in [early, late] { screen.leave() } }
        try Self.send(media[(media.count / 2)...], to: stream, by: studio)
        let whole = try Self.bytes(early, studio)
        let part = try Self.bytes(late, studio)
        #expect(part.count < whole.count * 3 / 4)
        #expect(whole.suffix(part.count) == part[...])
        #expect(Self.isTable(part, 0, pid: 0))
        #expect(TransportStreamCheck.complaints(part) == [])
    }

    @Test("publish sessions follow one another on one clock, with counters that go on and tables of what is there")
    func sessions() throws {
        let studio = Studio()
        var session = studio.publish()
        let stream = studio.stream()
        let media = try Self.media(seconds: 3)
        try Self.send(media, to: stream, by: studio)
        let screen = Screen(studio, kind: WireKind(.ts))
        defer { screen.leave() }
        var epochs = [stream.epoch]
        for (round, kinds) in [[MediaKind.video, .audio], [.video], [.video, .audio]].enumerated() {
            stream.endPublish(session: session.session)
            session = studio.publish()
            epochs.append(stream.epoch)
            try Self.send(
                media.filter { kinds.contains($0.kind) }, to: stream, by: studio, after: Int64(round) * 1_000_000)
        }
        #expect(Set(epochs).count == 4)
        let bytes = try Self.bytes(screen, studio)
        #expect(TransportStreamCheck.complaints(bytes) == [])
        let events = try Samples.read(bytes)
        #expect(events.counters.discontinuities == 0)
        let got = Samples.frames(events.events)
        let pictures = media.filter { $0.kind == .video && Self.isCoded($0) }.count
        #expect(Self.coded(got, .video).count > pictures * 3)
        let maps = events.events.compactMap { if case .program(let program) = $0 { program } else { nil } }
        #expect(maps.map(\.streams.count) == [2, 1, 2])
    }

    @Test("a log that starts in one publish session and goes on in the next has the parameter sets of each")
    func madeFromTwoSessions() throws {
        let studio = Studio()
        let session = studio.publish()
        let stream = studio.stream()
        let media = try Self.media(seconds: 3)
        try Self.send(media, to: stream, by: studio)
        stream.endPublish(session: session.session)
        _ = studio.publish()
        // No more than the configurations: the newest keyframe is the last session's.
        try Self.send(media.prefix { !Self.isCoded($0) }, to: stream, by: studio)
        let screen = Screen(studio, kind: WireKind(.ts))
        defer { screen.leave() }
        let before = Self.coded(try Samples.frames(of: Self.bytes(screen, studio)), .video)
        let sent = media.filter { $0.kind == .video && Self.isCoded($0) }.map(\.body)
        #expect(!before.isEmpty && before == sent.suffix(before.count))
        try Self.send(media, to: stream, by: studio)
        let bytes = try Self.bytes(screen, studio)
        #expect(TransportStreamCheck.complaints(bytes) == [])
    }

    @Test("audio alone, with pictures in the stream or without, starts with the tables", arguments: [true, false])
    func audioAlone(_ hasVideo: Bool) throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let media = try Self.media(seconds: 6).filter { hasVideo || $0.kind == .audio }
        let half = media.count / 2
        try Self.send(media[..<half], to: stream, by: studio)
        let screen = Screen(studio, kind: hasVideo ? WireKind(.ts, .audio) : WireKind(.ts))
        try Self.send(media[half...(half + 60)], to: stream, by: studio)
        let late = Screen(studio, kind: hasVideo ? WireKind(.ts, .audio) : WireKind(.ts))
        defer { for screen in [screen, late] { screen.leave() } }
        try Self.send(media[(half + 61)...], to: stream, by: studio)
        for screen in [screen, late] {
            let bytes = try Self.bytes(screen, studio)
            #expect(Self.isTable(bytes, 0, pid: 0))
            #expect(TransportStreamCheck.complaints(bytes) == [])
            let got = Self.coded(try Samples.frames(of: bytes), .audio)
            let sent = media.filter { $0.kind == .audio && Self.isCoded($0) }.map(\.body)
            #expect(got.count > 20)
            #expect(got == sent.suffix(got.count))
        }
    }

    @Test("video alone has no sound in its tables")
    func videoAlone() throws {
        let studio = Studio()
        _ = studio.publish()
        let media = try Self.media(seconds: 4)
        try Self.send(media[..<60], to: studio.stream(), by: studio)
        let screen = Screen(studio, kind: WireKind(.ts, .video))
        defer { screen.leave() }
        try Self.send(media[60...], to: studio.stream(), by: studio)
        let bytes = try Self.bytes(screen, studio)
        #expect(TransportStreamCheck.complaints(bytes) == [])
        #expect(try Samples.frames(of: bytes).allSatisfy { $0.kind == .video })
    }

    @Test("pictures that a transport stream cannot hold are left out and counted, and the sound starts without them")
    func leavesOut() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let head: [UInt8] = [0x76, 0x70, 0x30, 0x39]
        try stream.append(.video, timestamp: 0, body: [0x90] + head + [1, 0, 0, 0, 0, 31, 0x82, 2, 2, 2, 0, 0])
        let waiting = Screen(studio, kind: WireKind(.ts))
        defer { waiting.leave() }
        let audio = try Self.media(seconds: 6).filter { $0.kind == .audio }
        for (index, sound) in audio.enumerated() {
            try Self.send([sound], to: stream, by: studio)
            let picture = [index % 20 == 0 ? 0x91 : 0xa1] + head + [0x82, 0x49, 0x83, 0x42]
            try stream.append(.video, timestamp: UInt32(sound.time), body: picture)
        }
        let late = Screen(studio, kind: WireKind(.ts))
        defer { late.leave() }
        #expect(stream.unwritableFrames >= UInt64(audio.count))
        for screen in [waiting, late] {
            let bytes = try Self.bytes(screen, studio)
            #expect(Self.isTable(bytes, 0, pid: 0))
            #expect(TransportStreamCheck.complaints(bytes) == [])
        }
        #expect(try Self.coded(Samples.frames(of: Self.bytes(waiting, studio)), .audio).count > audio.count * 9 / 10)
        let fit = stream.fit(of: WireKind(.ts))
        #expect(fit.held == ["aac"] && fit.leftOut == ["vp9"] && fit.news == ["vp9"])
        #expect(fit.isSettled && !fit.isNothing)
        let again = stream.fit(of: WireKind(.ts, .video))
        #expect(again.isNothing && again.news == [])
    }

    @Test("what a relay repeats for those who come later changes nothing")
    func repeated() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let screen = Screen(studio, kind: WireKind(.ts))
        defer { screen.leave() }
        var sequence: UInt64 = 0
        var configurations: [Sent] = []
        let epoch = stream.epoch + 1
        for (index, frame) in try Self.media(seconds: 6).enumerated() {
            sequence += 1
            if !Self.isCoded(frame) { configurations.append(frame) }
            func take(_ frame: Sent, _ flags: RelayFrame.Flags) throws {
                let header = RelayFrame.Header(
                    stream: 1, number: FrameNumber(epoch: epoch, sequence: sequence), kind: frame.kind, flags: flags,
                    timestamp: UInt32(frame.time), wallClock: 0, bodyCount: frame.body.count)
                try stream.append(relayed: header, body: frame.body)
            }
            if index % 50 == 49 {
                for known in configurations { try take(known, [.prologue, .configuration]) }
            }
            try take(frame, [])
            stream.flushIfDue()
        }
        try Self.send([], to: stream, by: studio)
        let bytes = try Self.bytes(screen, studio)
        #expect(bytes.count > 50_000)
        #expect(TransportStreamCheck.complaints(bytes) == [])
    }
}
