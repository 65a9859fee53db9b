import EventLoop
import FLV
import Fixtures
import MPEGTS
import Media
import RelayProtocol
import Testing

@testable import Fanout

/// Data beside sound and pictures: who has a place for it gets it, and to all others the stream is what it is without.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct DataTests {
    private typealias Sent = (kind: MediaKind, time: Int64, body: [UInt8])

    private static let declaration: [UInt8] = {
        var message = DataMessage(track: 0, streamType: 0x15)
        message.isDeclaration = true
        return message.encode(descriptors: [0x26, 4, 0, 1, 2, 3], payload: [UInt8]().span)
    }()

    /// Due 100 ms after its place.
    private static func data(_ number: UInt8, at time: Int64) -> Sent {
        var message = DataMessage(track: 0, streamType: 0x15)
        message.streamID = 0xbd
        message.clock = time * 90
        message.pts = (time + 100) * 90
        let payload = payload(number)
        return (.script, time, message.encode(payload: payload.span))
    }

    private static func payload(_ number: UInt8) -> [UInt8] { [0x49, 0x44, 0x33, number, 1, 2] }

    /// Sound and pictures, and behind every twentieth frame from `start` on a tag.
    private static func media(seconds: Int64, dataFrom start: Int = 0, declaredAt: Int = 0) throws -> [Sent] {
        var frames: [Sent] = []
        var number: UInt8 = 0
        for (index, frame) in try Samples.long(Samples.h264AndAAC, seconds: seconds, length: 960).enumerated() {
            if index == declaredAt { frames.append((.script, frame.time, declaration)) }
            frames.append(frame)
            // Configurations that say nothing new are not in the stream: behind a frame.
            guard index >= start, index % 20 == 10, frame.body[1] == 1 else { continue }
            frames.append(data(number, at: frame.time))
            number += 1
        }
        return frames
    }

    private static func send(_ frames: some Sequence<Sent>, to stream: Fanout.Stream, by studio: Studio) throws {
        for frame in frames {
            try stream.append(frame.kind, timestamp: UInt32(frame.time), body: frame.body)
            stream.flushIfDue()
        }
        stream.leaveLoop()
        studio.settle()
    }

    private static func read(_ screen: Screen, _ studio: Studio, asFLV: Bool) throws {
        var quiet = 0
        while quiet < 2 {
            quiet = try screen.read(asFLV: asFLV) == 0 ? quiet + 1 : 0
            studio.settle()
        }
    }

    /// The data in a transport stream: the number of each, and by how much it is due after the frame before it.
    private static func tags(_ screen: Screen) throws -> [(number: UInt8, lead: Int64)] {
        let bytes = Array(screen.bytes.dropFirst(13))
        #expect(TransportStreamCheck.complaints(bytes) == [])
        return try Samples.frames(of: bytes).compactMap { frame in
            guard frame.kind == .script, !frame.isConfiguration else { return nil }
            let message = try Samples.message(frame.body)
            #expect(message.payload.count == 6)
            return (frame.body[message.payload.lowerBound + 3], (try #require(message.pts) - message.clock) / 90)
        }
    }

    @Test("viewers of transport streams and other nodes have it, and viewers of FLV and RTMP do not")
    func whoHasIt() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let child = try Child(studio)
        let screens = [WireKind(.flv), WireKind(.rtmp), WireKind(.ts), WireKind(.ts, .audio)].map {
            Screen(studio, kind: $0)
        }
        defer {
            child.leave()
            for screen in screens { screen.leave() }
        }
        child.subscribe(studio.hub.find(Studio.name)!, .keyframe)
        let media = try Self.media(seconds: 6)
        try Self.send(media, to: stream, by: studio)
        for (index, screen) in screens.enumerated() { try Self.read(screen, studio, asFLV: index == 0) }
        try child.readAll()
        let sent = media.filter { $0.kind == .script && $0.body != Self.declaration }
        #expect(sent.count > 10)
        #expect(screens[0].frames.count > 200 && screens[0].frames.allSatisfy { $0.kind != .script })
        #expect(screens[0].endsAtABoundary)
        let name = Array("onSluiceData".utf8)
        #expect(!screens[1].bytes.indices.contains { screens[1].bytes[$0...].starts(with: name) })
        let tags = try Self.tags(screens[2])
        #expect(tags.map(\.number) == Array(0..<UInt8(sent.count)))
        #expect(Set(tags.map(\.lead)) == [100])
        #expect(try Self.tags(screens[3]).isEmpty)
        let relayed = child.frames.filter { $0.header.kind == .script }
        #expect(relayed.map { $0.header.flags.contains(.prologue) } == [true] + sent.map { _ in false })
        #expect(relayed.map(\.body) == [Self.declaration] + sent.map(\.body))
        #expect(child.sequences == Array(child.sequences[0]...child.sequences.last!))
        #expect(stream.fit(of: WireKind(.flv)).news == ["id3"])
        #expect(stream.fit(of: WireKind(.flv)).news.isEmpty && stream.fit(of: WireKind(.ts)).news.isEmpty)
    }

    @Test("that begins in mid-stream moves viewers of FLV to nothing else, and nothing is lost for other nodes")
    func beginsLate() throws {
        let studio = Studio()
        _ = studio.publish()
        let stream = studio.stream()
        let screen = Screen(studio)
        let media = try Self.media(seconds: 8, dataFrom: 240, declaredAt: 240)
        let half = media.firstIndex { $0.kind == .script }!
        try Self.send(media[..<half], to: stream, by: studio)
        #expect(stream.channels.map(\.kind) == [.frames])
        try Self.send(media[half...], to: stream, by: studio)
        #expect(stream.channels.map(\.kind) == [.relay, .frames])
        let child = try Child(studio)
        let late = Screen(studio, kind: WireKind(.ts))
        defer {
            child.leave()
            for screen in [screen, late] { screen.leave() }
        }
        child.subscribe(studio.hub.find(Studio.name)!, .at(FrameNumber(epoch: stream.epoch, sequence: 2)))
        try Self.send([media[media.count - 1]], to: stream, by: studio)
        try child.readAll()
        #expect(child.sequences == Array(2...child.sequences.last!))
        try Self.read(screen, studio, asFLV: true)
        let bodies = media.filter { $0.kind == .video && $0.body[1] == 1 }.map(\.body)
        let pictures = screen.frames.filter { $0.kind == .video && $0.payload[1] == 1 }.map(\.payload)
        #expect(pictures.count > 150 && pictures == Array(bodies.prefix(pictures.count)))
        #expect(bodies.count - pictures.count <= 1)
        // Who joins late is told of the track before there is anything on it.
        try Self.read(late, studio, asFLV: false)
        let events = try Samples.read(Array(late.bytes.dropFirst(13))).events
        let maps = events.compactMap { if case .program(let program) = $0 { program } else { nil } }
        #expect(maps.map { $0.streams.map(\.codec.name) } == [["h264", "aac", "id3"]])
        screen.leave()
        studio.settle()
        try Self.send(media.prefix(1), to: stream, by: studio)
        #expect(stream.channels[0].kind == .relay)
    }

    @Test("goes on over a relay link, where it came from another node, with the same distance to the frames")
    func relayed() throws {
        let (origin, edge) = (Studio(), Studio())
        _ = origin.publish()
        let child = try Child(origin)
        defer { child.leave() }
        child.subscribe(origin.hub.find(Studio.name)!, .keyframe)
        try Self.send(try Self.media(seconds: 5), to: origin.stream(), by: origin)
        try child.readAll()
        let publisher = Publisher(
            session: "up", label: "relay", address: "a", agent: "", identity: "relay", since: 0, isUpstream: true,
            end: { _ in })
        edge.hub.publish(Studio.name, publisher, on: edge.fanouts[0]) { _, _ in }
        edge.settle()
        let screens = [WireKind(.ts), WireKind(.flv)].map { Screen(edge, kind: $0) }
        defer { for screen in screens { screen.leave() } }
        let stream = edge.stream()
        for frame in child.frames {
            var header = frame.header
            // The edge's timeline is another one.
            header.timestamp &+= 1_000_000
            try stream.append(relayed: header, body: frame.body)
            stream.flushIfDue()
        }
        stream.leaveLoop()
        edge.settle()
        for (index, screen) in screens.enumerated() { try Self.read(screen, edge, asFLV: index == 1) }
        let tags = try Self.tags(screens[0])
        #expect(tags.count > 8 && Set(tags.map(\.lead)) == [100])
        #expect(screens[1].frames.count > 150 && screens[1].frames.allSatisfy { $0.kind != .script })
    }
}
