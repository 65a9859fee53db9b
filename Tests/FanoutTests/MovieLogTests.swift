import EventLoop
import Fixtures
import Media
import StreamLog
import Testing

@testable import Fanout

/// The boxes of what a reader of fragmented MP4 gets, in order.
private struct Boxes {
    private(set) var types: [String] = []
    private(set) var sequences: [UInt32] = []
    /// Payloads of `mdat`.
    private(set) var media: [[UInt8]] = []
    private(set) var initialisations: [[UInt8]] = []
    let isWhole: Bool

    init(_ bytes: [UInt8]) {
        var at = 0
        while at + 8 <= bytes.count {
            let size = Int(bytes.span.u32(at: at))
            let type = String(decoding: bytes[at + 4..<at + 8], as: UTF8.self)
            guard size >= 8, at + size <= bytes.count else { break }
            types.append(type)
            if type == "mdat" { media.append(Array(bytes[at + 8..<at + size])) }
            if type == "moov" { initialisations.append(Array(bytes[at..<at + size])) }
            at += size
        }
        isWhole = at == bytes.count
    }

    var isPlayable: Bool { types.starts(with: ["ftyp", "moov"]) && types.contains("moof") }
}

@Suite("Logs of fragmented MP4", .serialized, .timeLimit(.minutes(5))) struct MovieLogTests {
    private static let flvHead = 13

    private static func append(_ studio: Studio, _ frames: [(kind: MediaKind, time: UInt32, body: [UInt8])]) throws {
        let stream = studio.stream()
        for (kind, time, body) in frames {
            try stream.append(kind, timestamp: time, body: body)
            stream.flushIfDue()
        }
        studio.settle()
    }

    /// What the viewer got, without what the tests' own screen writes before it.
    private static func bytes(_ screen: Screen) throws -> [UInt8] {
        while try screen.read(asFLV: false) > 0 {}
        return Array(screen.bytes.dropFirst(flvHead))
    }

    /// Payloads of WebSocket messages, each whole.
    private static func messages(_ bytes: [UInt8]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var at = 0
        while at + 2 <= bytes.count {
            guard bytes[at] == 0x82 else { return [] }
            var (size, head) = (Int(bytes[at + 1]), 2)
            if size == 126 { (size, head) = (Int(bytes.span.u16(at: at + 2)), 4) }
            if size == 127 { (size, head) = (Int(bytes.span.u64(at: at + 2)), 10) }
            guard at + head + size <= bytes.count else { return [] }
            messages.append(Array(bytes[at + head..<at + head + size]))
            at += head + size
        }
        return at == bytes.count ? messages : []
    }

    @Test("are joined at the newest keyframe, behind an initialisation section", arguments: [false, true])
    func join(inMessages: Bool) throws {
        let studio = Studio()
        _ = studio.publish()
        try Self.append(studio, Broadcast.headers + Broadcast.seconds(0..<3))
        let kind = WireKind(inMessages ? .webSocketMP4 : .mp4)
        let first = Screen(studio, kind: kind)
        try Self.append(studio, Broadcast.seconds(3..<5))
        let second = Screen(studio, kind: kind)
        try Self.append(studio, Broadcast.seconds(5..<6))
        for (screen, start) in [(first, 2), (second, 4)] {
            defer { screen.leave() }
            let bytes = try Self.bytes(screen)
            let messages = inMessages ? Self.messages(bytes) : [bytes]
            #expect(!messages.isEmpty && messages.allSatisfy { Boxes($0).isWhole }, "each message is whole boxes")
            let boxes = Boxes(messages.flatMap { $0 })
            #expect(boxes.isPlayable && boxes.isWhole)
            #expect(boxes.initialisations.count == 1)
            let expected = Broadcast.seconds(start..<6).map { Array($0.body.dropFirst($0.kind == .video ? 5 : 2)) }
            // The last frame of sound may still wait for a picture.
            #expect(expected.starts(with: boxes.media) && boxes.media.count >= expected.count - 1)
        }
    }

    @Test("say it when the tracks change, and who comes later is told only the new", arguments: [false, true])
    func change(inMessages: Bool) throws {
        let studio = Studio()
        _ = studio.publish()
        let kind = WireKind(inMessages ? .webSocketMP4 : .mp4)
        try Self.append(studio, Broadcast.headers + Broadcast.seconds(0..<1))
        let first = Screen(studio, kind: kind)
        try Self.append(studio, [(.video, 1_000, Broadcast.otherVideoHeader)] + Broadcast.seconds(1..<2))
        let second = Screen(studio, kind: kind)
        try Self.append(studio, Broadcast.seconds(2..<3))
        let made = try [first, second].map { screen in
            defer { screen.leave() }
            let bytes = try Self.bytes(screen)
            return Boxes(inMessages ? Self.messages(bytes).flatMap { $0 } : bytes)
        }
        #expect(made[0].initialisations.count == 2)
        #expect(made[0].isPlayable && made[1].isPlayable && made[0].isWhole && made[1].isWhole)
        // At the start of a keyframe's fragment the log says it for those who were there; the prologue for the others.
        #expect(Set(made[1].initialisations) == [made[0].initialisations[1]])
        #expect(made[0].initialisations[0] != made[0].initialisations[1])
    }

    @Test("hold one kind of track for who wants one", arguments: [WireKind.Tracks.audio, .video])
    func tracks(_ tracks: WireKind.Tracks) throws {
        let studio = Studio()
        _ = studio.publish()
        try Self.append(studio, Broadcast.headers + Broadcast.seconds(0..<1))
        let screen = Screen(studio, kind: WireKind(.mp4, tracks))
        defer { screen.leave() }
        try Self.append(studio, Broadcast.seconds(1..<2))
        let boxes = Boxes(try Self.bytes(screen))
        #expect(boxes.isPlayable && boxes.isWhole && !boxes.media.isEmpty)
        let bodies = Set(
            Broadcast.seconds(0..<2).filter { ($0.kind == .audio) == (tracks == .audio) }
                .map { Array($0.body.dropFirst($0.kind == .video ? 5 : 2)) })
        #expect(boxes.media.allSatisfy { bodies.contains($0) })
    }

    @Test("fit H.264 and AAC; what has no place is told of once")
    func fit() throws {
        let studio = Studio()
        _ = studio.publish()
        try Self.append(studio, Broadcast.headers + Broadcast.seconds(0..<1))
        for format in [WireKind.Format.mp4, .webSocketMP4, .ts, .flv] {
            let fit = studio.stream().fit(of: WireKind(format))
            #expect(fit.held.count == 2 && fit.leftOut.isEmpty && fit.isSettled && !fit.isNothing)
        }
        let audio = studio.stream().fit(of: WireKind(.mp4, .audio))
        #expect(audio.held.count == 1 && audio.isSettled)
        let other = Studio()
        _ = other.publish()
        let av1 = [0x90] + Array("av01".utf8) + hex("812500000a0e2000002d4d55bfddaf92021a0040")
        try Self.append(other, [(.video, 0, av1), (.audio, 0, Broadcast.audioHeader)])
        #expect(other.stream().fit(of: WireKind(.mp4)).held.count == 2)
        let fit = other.stream().fit(of: WireKind(.ts))
        #expect(fit.leftOut.count == 1 && fit.held.count == 1 && !fit.isNothing)
        #expect(fit.news == fit.leftOut && other.stream().fit(of: WireKind(.ts)).news.isEmpty)
        #expect(other.stream().fit(of: WireKind(.ts, .video)).isNothing)
    }
}
