import Fixtures
import HLS
import MPEGTS
import Media
import StreamLog
import Testing

@testable import Packaging

private let forms: [PlaylistSettings.Form] = [.transportStream, .fragmentedMP4, .lowLatency]

@Suite("The packager", .timeLimit(.minutes(5))) struct PackagerTests {
    @Test("makes playlists that keep the rules, and everything that they name is there", arguments: forms)
    func valid(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        let node = Node(form)
        var checker = PlaylistChecker()
        for frame in feed.begin() + feed.next(40) {
            node.receive(frame)
            guard frame.mark.sequence % 7 == 0, let bytes = node.playlistBytes else { continue }
            checker.check(bytes)
        }
        #expect(checker.complaints.isEmpty, "\(checker.complaints.prefix(4))")
        #expect(checker.reloads > 100)
        let contents = node.contents()
        #expect(contents.count > 4 && contents.values.allSatisfy { !$0.isEmpty })
        guard form == .lowLatency else { return }
        let list = try #require(node.playlist)
        let target = try #require(list.partTarget)
        for entry in list.entries where !entry.parts.isEmpty {
            #expect(entry.parts.allSatisfy { $0.duration <= target })
            #expect(entry.parts.reduce(0) { $0 + $1.duration } == entry.duration)
            #expect(entry.parts.flatMap { contents[$0.uri] ?? [] } == contents[entry.uri], "parts make their segment")
        }
    }

    @Test("makes the same bytes under the same names wherever it began", arguments: forms)
    func identical(_ form: PlaylistSettings.Form) throws {
        for seed in UInt64(1)...4 {
            var feed = Feed(seed: seed, keyframeEvery: [25, 50, 33, 12][Int(seed) - 1])
            let frames = feed.begin() + feed.next(24)
            let (one, other) = (Node(form), Node(form))
            var generator = SeededGenerator(seed: seed)
            let skipped = Int.random(in: 200...800, using: &generator)
            other.learn()
            one.receive(frames)
            other.receive(frames[skipped...])
            let torn = frames[skipped].mark.segment.number
            #expect(
                other.playlist?.entries.allSatisfy { $0.number > torn } == true, "seed \(seed): the torn one is told")
            let (first, second) = (one.contents(), other.contents())
            let common = Set(first.keys).intersection(second.keys)
            #expect(common.count > 3, "seed \(seed)")
            for name in common { #expect(first[name] == second[name], "seed \(seed): \(name)") }
        }
    }

    @Test("leaves out a segment of which a frame is missing, and the next is whole", arguments: forms)
    func gap(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        let frames = feed.begin() + feed.next(20)
        let (whole, torn) = (Node(form, window: 30_000), Node(form, window: 30_000))
        whole.receive(frames)
        torn.receive(frames[..<600])
        torn.receive(frames[601...])
        let missing = UInt64(frames[600].mark.segment.number)
        let list = try #require(torn.playlist)
        #expect(list.entries.first { $0.number == missing }.map(\.isGap) ?? true)
        #expect(list.entries.contains { $0.number == missing + 1 && !$0.isGap })
        #expect(torn.contents().allSatisfy { whole.bytes($0.key) == $0.value })
        // Over the end of a segment: the one that follows was not seen from its start.
        let next = try #require(frames.firstIndex { $0.mark.segment.number == frames[600].mark.segment.number + 1 })
        let late = Node(form, window: 30_000)
        late.receive(frames[..<(next - 5)])
        late.receive(frames[(next + 5)...])
        for number in [missing, missing + 1] {
            #expect(late.playlist?.entries.first { $0.number == number }.map(\.isGap) ?? true)
        }
        #expect(late.contents().allSatisfy { whole.bytes($0.key) == $0.value })
    }

    @Test("marks another session as a discontinuity, with an initialisation section of its own", arguments: forms)
    func session(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        let node = Node(form, window: 30_000)
        node.receive(feed.begin() + feed.next(6))
        node.receive(feed.begin(avcC: Feed.otherAvcC) + feed.next(7))
        try check(node, form)
        let second = Node(form, window: 30_000)
        var again = Feed()
        _ = again.begin() + again.next(6)
        second.receive(again.begin(avcC: Feed.otherAvcC) + again.next(7))
        #expect(second.contents().count > 2)
        #expect(second.contents().allSatisfy { node.bytes($0.key) == $0.value })
    }

    @Test("cuts where the tracks change, and what was before keeps its initialisation section", arguments: forms)
    func configuration(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        let node = Node(form, window: 30_000)
        node.receive(feed.begin() + feed.next(5))
        node.receive(feed.change(avcC: Feed.otherAvcC))
        node.receive(feed.next(7))
        try check(node, form)
    }

    private func check(_ node: Node, _ form: PlaylistSettings.Form) throws {
        let list = try #require(node.playlist)
        let discontinuities = list.entries.map(\.discontinuity)
        #expect(discontinuities == discontinuities.sorted() && Set(discontinuities).count == 2)
        guard form != .transportStream else { return }
        let maps = list.entries.map { "\($0.discontinuity) \($0.map ?? "none")" }
        #expect(Set(maps).count == 2 && Set(list.entries.map(\.map)).count == 2, "\(maps)")
        let sections = try Set(list.entries.map { try #require($0.map.flatMap { node.bytes($0) }) })
        for avcC in [Feed.avcC, Feed.otherAvcC] {
            #expect(sections.contains { section in section.indices.contains { section[$0...].starts(with: avcC) } })
        }
        let old = try #require(list.entries.first?.map.flatMap { node.bytes($0) })
        #expect(old.indices.contains { old[$0...].starts(with: Feed.avcC) }, "the first is the first session's")
    }

    @Test("a stream without pictures is cut by its sound", arguments: forms)
    func audio(_ form: PlaylistSettings.Form) throws {
        var feed = Feed(hasVideo: false)
        let node = Node(form, hasVideo: false)
        var checker = PlaylistChecker()
        for frame in feed.begin() + feed.next(20) {
            node.receive(frame)
            if let bytes = node.playlistBytes { checker.check(bytes) }
        }
        #expect(checker.complaints.isEmpty, "\(checker.complaints.prefix(4))")
        #expect(node.contents().count > 3 && node.contents().values.allSatisfy { !$0.isEmpty })
    }

    @Test("writes transport stream segments that read back, each alone")
    func transport() throws {
        var feed = Feed()
        let node = Node(.transportStream)
        node.receive(feed.begin() + feed.next(12))
        for (name, bytes) in node.contents() {
            var reader = TSReader()
            try reader.receive(bytes.span)
            reader.finish()
            var pictures = 0
            var first: TSFrame?
            while let event = reader.next() {
                guard case .frame(let frame) = event, frame.kind == .video, !frame.isConfiguration else { continue }
                first = first ?? frame
                pictures += 1
            }
            #expect(pictures == 50 && first?.isKeyframe == true, "\(name) has \(pictures)")
            #expect(reader.counters.discontinuities == 0 && reader.counters.malformedPackets == 0)
        }
    }

    @Test("data is in transport stream segments, each of which tells of it, and in no others", arguments: forms)
    func data(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        var frames = feed.begin() + [feed.data(nil)]
        for number in UInt8(0)..<10 { frames += feed.next(1) + [feed.data(number)] }
        let (node, late) = (Node(form), Node(form))
        node.receive(frames)
        late.learn()
        let declaration = frames[2].body
        declaration.withUnsafeBytes { late.packager.learn(.script, $0) }
        late.receive(frames[100...])
        let contents = node.contents()
        #expect(late.contents().count > 2 && late.contents().allSatisfy { contents[$0.key] == $0.value })
        guard form == .transportStream else {
            let tag: [UInt8] = [0x49, 0x44, 0x33]
            #expect(!contents.values.contains { bytes in bytes.indices.contains { bytes[$0...].starts(with: tag) } })
            return
        }
        #expect(contents.count > 2)
        for (name, bytes) in contents {
            var reader = TSReader()
            try reader.receive(bytes.span)
            reader.finish()
            var data = 0
            var codecs: [String] = []
            while let event = reader.next() {
                if case .program(let program) = event { codecs = program.streams.map(\.codec.name) }
                if case .frame(let frame) = event, frame.kind == .script, !frame.isConfiguration { data += 1 }
            }
            #expect(codecs == ["h264", "aac", "id3"] && (1...3).contains(data), "\(name) has \(data)")
        }
    }

    @Test("the end of the stream is the end of the playlist, and its last segment is there", arguments: forms)
    func end(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        let node = Node(form)
        let frames = feed.begin() + feed.next(9)
        node.receive(frames)
        node.end()
        let list = try #require(node.playlist)
        #expect(list.isEnded && list.hint == nil)
        #expect(list.entries.last?.number == frames.last.map { UInt64($0.mark.segment.number) })
        #expect(node.contents().values.allSatisfy { !$0.isEmpty })
    }
}
