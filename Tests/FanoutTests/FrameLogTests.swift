import RelayProtocol
import Testing

@testable import Fanout

/// Which logs a stream keeps.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FrameLogTests {
    private func show(_ studio: Studio, _ numbers: Range<UInt32>, size: Int = 400) throws {
        let stream = studio.stream()
        for number in numbers {
            let body = Body.video(number, keyframe: number % 10 == 0, size: size)
            try stream.append(.video, timestamp: number * 33, body: body)
            stream.flushIfDue()
        }
        studio.settle()
    }

    private func kinds(_ studio: Studio) -> [WireKind] { studio.stream().channels.map(\.kind) }

    @Test("a stream that is relayed and not watched is kept once, and viewers who come find it all the same")
    func relayedOnly() throws {
        let studio = Studio()
        _ = studio.publish()
        try studio.stream().append(.video, timestamp: 0, body: Body.videoConfiguration)
        try show(studio, 0..<15)
        let handle = studio.hub.find(Studio.name)!
        let child = try Child(studio)
        defer { child.leave() }
        child.subscribe(handle, .keyframe)
        #expect(kinds(studio) == [.frames, .relay])
        try show(studio, 15..<25)
        #expect(kinds(studio) == [.relay])
        // One that had the stream from elsewhere finds every frame in it.
        let other = try Child(studio)
        defer { other.leave() }
        other.subscribe(handle, .at(FrameNumber(epoch: studio.stream().epoch, sequence: 2)))
        let screen = Screen(studio)
        defer { screen.leave() }
        let rtmp = Screen(studio, kind: WireKind(.rtmp))
        defer { rtmp.leave() }
        try show(studio, 25..<40)
        try screen.read()
        #expect(screen.frames.first?.payload == Body.videoConfiguration)
        #expect(screen.pictures == Array(20..<40))
        #expect(try rtmp.read(asFLV: false) > 20 * 400)
        try child.readAll()
        try other.readAll()
        #expect(child.sequences == Array(12...41))
        #expect(other.sequences == Array(2...41))
        #expect(kinds(studio) == [.relay, .frames, WireKind(.rtmp)])
    }

    @Test("what a frame log's join point says of the tracks is the same in either format")
    func prologues() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        try stream.append(.audio, timestamp: 0, body: Body.audioConfiguration)
        try stream.append(.video, timestamp: 0, body: Body.videoConfiguration)
        try show(studio, 0..<3)
        let child = try Child(studio)
        defer { child.leave() }
        child.subscribe(studio.hub.find(Studio.name)!, .keyframe)
        for channel in stream.channels {
            let point = try #require(channel.writer.joinPoint)
            let bodies = Prologue.bodies(point.prologue, channel.kind.format)
            #expect(bodies.map(\.kind) == [.video, .audio], "\(channel.kind)")
            #expect(bodies.map(\.body) == [Body.videoConfiguration, Body.audioConfiguration], "\(channel.kind)")
        }
        #expect(stream.channels.count == 2)
    }

    @Test("when only viewers are left, the log that they read is kept, once it reaches back as far")
    func watchedOnly() throws {
        var settings = FanoutSettings()
        settings.retention = .init(milliseconds: 2_000, bytes: 64 << 20)
        let studio = Studio(settings: settings)
        _ = studio.publish()
        try show(studio, 0..<25)
        let loop = studio.fanouts[0].loop
        let feed = LogFeed(LogView(on: loop, trunks: TrunkRound(on: loop)), on: loop)
        studio.stream().subscribe(.relay, feed)
        try show(studio, 25..<45)
        #expect(kinds(studio) == [.relay])
        let screen = Screen(studio)
        defer { screen.leave() }
        studio.stream().unsubscribe(.relay, feed, bytesOut: 0)
        // The relay log reaches back to the first picture: the other has to grow first.
        try show(studio, 45..<65)
        #expect(kinds(studio) == [.relay, .frames])
        // Pictures large enough to fill segments, which are what is let go of.
        for number in stride(from: 65 as UInt32, to: 1_600, by: 5) {
            try show(studio, number..<(number + 5), size: 9_000)
            try screen.read()
        }
        #expect(kinds(studio) == [.frames])
        try screen.read()
        #expect(screen.pictures == Array(40..<1_600))
    }
}
