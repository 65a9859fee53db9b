import EventLoop
import Fixtures
import HLS
import MPEGTS
import Media
import Packaging
import RelayProtocol
import StreamLog
import Testing

@testable import Fanout

private let forms: [PlaylistSettings.Form] = [.transportStream, .fragmentedMP4, .lowLatency]

private func publish(_ studio: Studio, _ seconds: Range<Int>, headers: Bool = true) throws {
    let stream = studio.stream()
    for (kind, time, body) in (headers ? Broadcast.headers : []) + Broadcast.seconds(seconds) {
        try stream.append(kind, timestamp: time, body: body)
    }
}

private func relay(_ studio: Studio, _ frames: some Sequence<(RelayFrame.Header, [UInt8])>) throws {
    let stream = studio.stream()
    for (header, body) in frames { try stream.append(relayed: header, body: body) }
}

/// Frames come faster than time passes here: segments are as long as they may be, because numbers wait for the clock.
@Suite("Streams that are packaged", .serialized, .timeLimit(.minutes(5))) struct PackagingStreamTests {
    @Test("published frames get numbers of segments, from the clock's on")
    func numbers() throws {
        let studio = Studio(settings: Studio.patient)
        let before = SegmentNumbering.clockNumber(at: Int64(Clock.unixMilliseconds))
        _ = studio.publish()
        try publish(studio, 0..<21)
        let after = SegmentNumbering.clockNumber(at: Int64(Clock.unixMilliseconds))
        let numbers = Broadcast.relayed(studio.stream()).map(\.0.segment.number)
        #expect((before...after).contains(numbers[0]) && numbers == numbers.sorted())
        // On a machine that takes as long to publish as the stream lasts they are as short as asked for.
        #expect((3...11).contains(Set(numbers).count))
    }

    @Test("a stream packaged here and on nodes that joined later is the same, byte for byte", arguments: forms)
    func identical(_ form: PlaylistSettings.Form) throws {
        let settings = PackageSettings(form: form, window: 120_000)
        let (origin, early, late) = (
            Studio(settings: Studio.patient), Studio(settings: Studio.patient), Studio(settings: Studio.patient)
        )
        _ = origin.publish()
        let shelf = origin.shelf(settings)
        try publish(origin, 0..<64)
        let frames = Broadcast.relayed(origin.stream())
        early.follow()
        let near = early.shelf(settings)
        try relay(early, frames)
        #expect(Broadcast.relayed(early.stream()).map(\.0.segment) == frames.map(\.0.segment), "numbers are kept")
        // Behind a prologue, in the middle; its packaging begins in the middle of that.
        late.follow()
        try relay(late, Self.prologue(frames, at: 602))
        try relay(late, frames[602..<1_500])
        let far = late.shelf(settings)
        try relay(late, frames[1_500...])
        let made = [shelf, near, far].enumerated().map { [origin, early, late][$0.offset].contents($0.element) }
        try #require(made[0].count > 2)
        #expect(made[0] == made[1])
        #expect(made[2].count > 2)
        for (name, bytes) in made[2] { #expect(made[0][name] == bytes, "\(name)") }
    }

    @Test("tracks of sound that come in turns of many frames keep their times")
    func turns() throws {
        let studio = Studio(settings: Studio.patient)
        _ = studio.publish()
        let stream = studio.stream()
        for (kind, time, body) in Broadcast.headers { try stream.append(kind, timestamp: time, body: body) }
        try stream.append(.audio, timestamp: 0, body: Broadcast.further(1, header: true))
        var times: [UInt32] = []
        for turn in stride(from: 0 as UInt32, to: 1_700, by: 340) {
            let turn = stride(from: turn, to: turn + 336, by: 21)
            for time in turn { try stream.append(.audio, timestamp: time, body: Broadcast.audio(1)) }
            for time in turn { try stream.append(.audio, timestamp: time, body: Broadcast.further(1, header: false)) }
            times += Array(turn) + Array(turn)
        }
        #expect(Broadcast.relayed(stream, from: 4).map(\.0.timestamp) == times)
        #expect(stream.corrections.backwards == 0)
    }

    @Test(
        "further audio tracks are renditions, the same on every node, from the first segment behind their first frame on",
        arguments: [PlaylistSettings.Form.fragmentedMP4, .lowLatency])
    func renditions(_ form: PlaylistSettings.Form) throws {
        let settings = PackageSettings(form: form, window: 120_000)
        let (origin, early, late) = (
            Studio(settings: Studio.patient), Studio(settings: Studio.patient), Studio(settings: Studio.patient)
        )
        _ = origin.publish()
        let shelf = origin.shelf(settings)
        let stream = origin.stream()
        for (kind, time, body) in Broadcast.headers + [(.audio, 0, Broadcast.further(1, header: true))]
            + Broadcast.seconds(0..<24, further: [1])
        { try stream.append(kind, timestamp: time, body: body) }
        // Another one comes in the middle of a segment, and is of a codec that says what it is with each frame.
        let mp3 = Broadcast.mp3(track: 3, 0)
        for frame in Broadcast.seconds(24..<64, further: [1]) {
            try stream.append(frame.kind, timestamp: frame.time, body: frame.body)
            // Long after a keyframe: wherever the clock has segments begin, it is not there.
            if frame.kind == .audio, frame.time > 24_600 {
                try stream.append(.audio, timestamp: frame.time, body: mp3)
            }
        }
        let frames = Broadcast.relayed(stream)
        early.follow()
        let near = early.shelf(settings)
        try relay(early, frames)
        late.follow()
        try relay(late, Self.prologue(frames, at: 1_000, count: 3))
        try relay(late, frames[1_000..<1_900])
        let far = late.shelf(settings)
        try relay(late, frames[1_900...])
        for name in ["media.m3u8", "audio-1.m3u8", "audio-3.m3u8"] {
            let made = [origin.contents(shelf, name), early.contents(near, name), late.contents(far, name)]
            try #require(made.allSatisfy { $0.count > 1 }, "\(name): \(made.map(\.count))")
            #expect(made[0] == made[1], "\(name)")
            for (file, bytes) in made[2] { #expect(made[0][file] == bytes, "\(file)") }
        }
        let first = try #require(origin.contents(shelf, "media.m3u8").keys.compactMap { UInt64($0.dropLast(4)) }.min())
        #expect(origin.contents(shelf, "audio-1.m3u8").keys.contains("audio-1-\(first).m4s"))
        #expect(!origin.contents(shelf, "audio-3.m3u8").keys.contains("audio-3-\(first).m4s"))
        #expect([shelf, near, far].allSatisfy { $0.stats.renditions == 3 })
    }

    @Test("a transport stream's segments have all audio tracks, and no playlist of their own")
    func transport() throws {
        let studio = Studio(settings: Studio.patient)
        _ = studio.publish()
        let shelf = studio.shelf(PackageSettings(form: .transportStream, window: 120_000))
        let stream = studio.stream()
        for (kind, time, body) in Broadcast.headers + [(.audio, 0, Broadcast.further(1, header: true))]
            + Broadcast.seconds(0..<24, further: [1])
        { try stream.append(kind, timestamp: time, body: body) }
        #expect(shelf.stats.renditions == 1)
        guard case .missing = studio.offer(shelf, "audio-1.m3u8") else {
            Issue.record("there is no such playlist")
            return
        }
        for (name, bytes) in studio.contents(shelf) {
            var reader = TSReader()
            try reader.receive(bytes.span)
            reader.finish()
            var codecs: [String] = []
            while let event = reader.next() {
                if case .program(let program) = event { codecs = program.streams.map(\.codec.name) }
            }
            #expect(codecs == ["h264", "aac", "aac"], "\(name)")
        }
    }

    private static func prologue(
        _ frames: [(RelayFrame.Header, [UInt8])], at index: Int, count: Int = 2
    ) -> [(RelayFrame.Header, [UInt8])] {
        frames[0..<count].map { header, body in
            var header = header
            header.flags = .prologue
            header.number = frames[index].0.number
            header.segment = .none
            return (header, body)
        }
    }

    @Test("a relay whose timeline is moved packages by the ingest node's", arguments: forms)
    func shifted(_ form: PlaylistSettings.Form) throws {
        let settings = PackageSettings(form: form, window: 120_000)
        let (origin, moved) = (Studio(settings: Studio.patient), Studio(settings: Studio.patient))
        _ = origin.publish()
        let shelf = origin.shelf(settings)
        try publish(origin, 0..<44)
        let frames = Broadcast.relayed(origin.stream())
        moved.follow()
        // Another publisher was here before, far ahead in time.
        for (kind, time, body) in Broadcast.headers + Broadcast.seconds(500..<501) {
            let sequence = UInt64(time == 0 ? (kind == .video ? 1 : 2) : 3 + (time - 500_000) / 10)
            let header = RelayFrame.Header(
                stream: 1, number: FrameNumber(epoch: 1, sequence: sequence), kind: kind, timestamp: time + 500_000,
                wallClock: 0, segment: SegmentNumber(number: 5, discontinuity: 5, target: 2))
            try moved.stream().append(relayed: header, body: body)
        }
        try relay(moved, frames)
        let times = Broadcast.relayed(moved.stream(), from: 3).suffix(10).map(\.0.timestamp)
        #expect(times != frames.suffix(10).map(\.0.timestamp), "the timeline is moved")
        let far = moved.shelf(settings)
        try relay(moved, [])
        try Self.appendSilence(moved, after: frames)
        let (one, other) = (origin.contents(shelf), moved.contents(far))
        let common = Set(one.keys).intersection(other.keys)
        #expect(common.count > 2)
        for name in common { #expect(one[name] == other[name], "\(name)") }
        #expect(other.keys.filter { !$0.hasPrefix("init") }.allSatisfy { one[$0] != nil || $0.contains(".") })
    }

    /// One more frame: packaging begins with a frame.
    private static func appendSilence(_ studio: Studio, after frames: [(RelayFrame.Header, [UInt8])]) throws {
        guard var (header, _) = frames.last else { return }
        header.number = FrameNumber(epoch: header.number.epoch, sequence: header.number.sequence + 1)
        header.timestamp += 10
        try studio.stream().append(relayed: header, body: Broadcast.audio(0))
    }

    @Test("frames of a node that does not cut streams are cut here")
    func oldNode() throws {
        let (origin, relay) = (Studio(settings: Studio.patient), Studio(settings: Studio.patient))
        _ = origin.publish()
        try publish(origin, 0..<3)
        relay.follow()
        for (header, body) in Broadcast.relayed(origin.stream()) {
            var header = header
            header.segment = .none
            try relay.stream().append(relayed: header, body: body)
        }
        let numbers = Broadcast.relayed(relay.stream()).map(\.0.segment)
        #expect(numbers.allSatisfy { $0.number > 0 })
        let shelf = relay.shelf(PackageSettings(form: .fragmentedMP4))
        try Self.appendSilence(relay, after: Broadcast.relayed(origin.stream()))
        guard case .missing = relay.offer(shelf, "1.m4s") else {
            Issue.record("there is no such segment")
            return
        }
    }

    @Test(
        "what an encoder tells among its first frames is in the first initialisation section, also when it comes back")
    func opening() throws {
        let studio = Studio(settings: Studio.patient)
        studio.follow()
        let shelf = studio.shelf(PackageSettings(form: .fragmentedMP4, window: 120_000))
        for session in UInt64(1)...2 {
            // The header of the sound comes behind the first pictures.
            let frames =
                Broadcast.headers.prefix(1) + Broadcast.seconds(0..<1).filter { $0.kind == .video }.prefix(5)
                + Broadcast.headers.suffix(1) + Broadcast.seconds(0..<5).filter { $0.time > 200 }
            for (index, frame) in frames.enumerated() {
                let number = UInt32(session * 3) + frame.time / 2_000
                let header = RelayFrame.Header(
                    stream: 1, number: FrameNumber(epoch: session, sequence: UInt64(index) + 1), kind: frame.kind,
                    timestamp: UInt32(session) * 10_000 + frame.time, wallClock: 0,
                    segment: SegmentNumber(number: number, discontinuity: UInt32(session), target: 2))
                try studio.stream().append(relayed: header, body: frame.body)
            }
        }
        let playlist = studio.text(shelf, "media.m3u8")
        #expect(["3.m4s", "6.m4s"].allSatisfy(playlist.contains), "\(playlist)")
        let sections = studio.contents(shelf).filter { $0.key.hasPrefix("init") }
        let tracks = try sections.values.map { try Box.parse($0).flatMap { $0["trak", "tkhd"] }.count }
        #expect(tracks == [2], "one for all segments of both sessions")
    }

    @Test("who packages after a change of the tracks does not say the new of the old")
    func changed() throws {
        let settings = PackageSettings(form: .fragmentedMP4, window: 120_000)
        let (origin, late) = (Studio(settings: Studio.patient), Studio(settings: Studio.patient))
        _ = origin.publish()
        let shelf = origin.shelf(settings)
        try publish(origin, 0..<10)
        try origin.stream().append(.video, timestamp: 9_999, body: Broadcast.otherVideoHeader)
        try publish(origin, 10..<54, headers: false)
        let frames = Broadcast.relayed(origin.stream())
        late.follow()
        try relay(late, Self.prologue(frames, at: 102))
        try relay(late, frames[102..<900])
        let far = late.shelf(settings)
        try relay(late, frames[900...])
        let (one, other) = (origin.contents(shelf), late.contents(far))
        #expect(other.count > 2 && one.keys.filter { $0.hasPrefix("init") }.count == 2)
        for (name, bytes) in other { #expect(one[name] == bytes, "\(name)") }
        #expect(other.keys.filter { $0.hasPrefix("init") }.count == 1)
    }

    @Test("what was held back before it was taken has the time at which it came")
    func held() throws {
        let studio = Studio(settings: Studio.patient)
        _ = studio.publish()
        let before = Clock.unixMicroseconds
        try studio.stream().append(.video, timestamp: 0, body: Body.videoConfiguration, held: 1_500)
        try studio.stream().append(.audio, timestamp: 0, body: Body.audioConfiguration)
        let after = Clock.unixMicroseconds
        studio.stream().flushIfDue()
        let origins = Broadcast.relayed(studio.stream()).map(\.0.wallClock)
        #expect(origins.count == 2)
        #expect((before - 1_500_000...after - 1_500_000).contains(origins[0]))
        #expect((before...after).contains(origins[1]))
    }

    @Test("a stream that nobody asks for is packaged no longer, and again when somebody does")
    func idle() throws {
        let studio = Studio(settings: Studio.patient)
        _ = studio.publish()
        let shelf = studio.shelf(PackageSettings())
        try publish(studio, 0..<5)
        #expect(studio.stream().isRead)
        studio.stream().tidyPackaging(idle: 60_000)
        #expect(studio.hub.find(Studio.name)?.shelfIfAny === shelf)
        _ = studio.wait { shelf.idle > 1 }
        studio.stream().tidyPackaging(idle: 0)
        #expect(studio.hub.find(Studio.name)?.shelfIfAny == nil && !studio.stream().isRead)
        let again = studio.shelf(PackageSettings())
        #expect(again !== shelf && studio.stream().isRead)
    }
}
