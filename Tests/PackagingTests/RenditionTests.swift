import Fixtures
import HLS
import Media
import StreamLog
import Testing

@testable import Packaging

private let forms: [PlaylistSettings.Form] = [.fragmentedMP4, .lowLatency]

@Suite("Audio tracks as renditions", .timeLimit(.minutes(5))) struct RenditionTests {
    private static func feed(seed: UInt64 = 1, keyframeEvery: Int = 25) -> Feed {
        var feed = Feed(seed: seed, keyframeEvery: keyframeEvery)
        feed.further = [1, 4]
        return feed
    }

    @Test("each keeps the rules, alone and beside the others, and what it names is there", arguments: forms)
    func valid(_ form: PlaylistSettings.Form) throws {
        var feed = Self.feed()
        let node = Node(form, audio: [1, 4])
        let names = ["media.m3u8", "audio-1.m3u8", "audio-4.m3u8"]
        var alone = Dictionary(uniqueKeysWithValues: names.map { ($0, PlaylistChecker()) })
        var together = RenditionChecker()
        for frame in feed.begin() + feed.next(41) {
            node.receive(frame)
            // The tracks come a little behind the pictures.
            guard frame.mark.sequence % 20 == 0, names.allSatisfy({ node.text($0) != nil }) else { continue }
            var lists: [String: ParsedPlaylist] = [:]
            for name in names {
                let bytes = try #require(node.text(name))
                alone[name]?.check(bytes)
                lists[name] = try ParsedPlaylist(bytes)
            }
            together.check(lists)
        }
        for (name, checker) in alone {
            #expect(checker.complaints.isEmpty && checker.reloads > 100, "\(name): \(checker.complaints.prefix(4))")
        }
        #expect(together.complaints.isEmpty, "\(together.complaints)")
        #expect(form != .lowLatency || together.reports > 600)
        for name in names.dropFirst() {
            let (list, contents) = (try #require(node.playlist(name)), node.contents(name))
            #expect(contents.count > 4 && contents.values.allSatisfy { !$0.isEmpty })
            #expect(list.entries.map(\.number) == node.playlist?.entries.map(\.number))
            for entry in list.entries where !entry.parts.isEmpty {
                #expect(
                    entry.parts.flatMap { contents[$0.uri] ?? [] } == contents[entry.uri], "parts make their segment")
            }
        }
        #expect(node.shelf.stats.renditions == 3)
    }

    @Test("are the same bytes under the same names wherever a node began", arguments: forms)
    func identical(_ form: PlaylistSettings.Form) throws {
        for seed in UInt64(1)...4 {
            var feed = Self.feed(seed: seed, keyframeEvery: [25, 50, 33, 12][Int(seed) - 1])
            let frames = feed.begin() + feed.next(24)
            let (one, other) = (Node(form, audio: [1, 4]), Node(form, audio: [1, 4]))
            var generator = SeededGenerator(seed: seed)
            let skipped = Int.random(in: 200...1_200, using: &generator)
            other.learn()
            one.receive(frames)
            other.receive(frames[skipped...])
            for name in ["audio-1.m3u8", "audio-4.m3u8", "media.m3u8"] {
                let (first, second) = (one.contents(name), other.contents(name))
                let common = Set(first.keys).intersection(second.keys)
                #expect(common.count > 3, "seed \(seed): \(name)")
                for name in common { #expect(first[name] == second[name], "seed \(seed): \(name)") }
            }
        }
    }

    @Test("the main rendition is what it is without them, and one track makes no group", arguments: forms)
    func alone(_ form: PlaylistSettings.Form) throws {
        var feed = Self.feed()
        let frames = feed.begin() + feed.next(20)
        let (several, one) = (Node(form, audio: [1, 4]), Node(form))
        several.receive(frames)
        one.receive(frames)
        #expect(one.contents() == several.contents())
        #expect(!one.index.contains("EXT-X-MEDIA") && !one.index.contains("AUDIO"))
        #expect(one.playlist?.reports.isEmpty == true)
        let tags = String(decoding: several.playlistBytes ?? [], as: UTF8.self).split(separator: "\n")
        let plain = String(decoding: one.playlistBytes ?? [], as: UTF8.self).split(separator: "\n")
        #expect(tags.filter { !$0.contains("RENDITION-REPORT") } == plain)
    }

    @Test("are told of with what players choose by")
    func index() throws {
        var feed = Self.feed()
        let node = Node(.lowLatency, audio: [1, 4])
        node.receive(feed.begin() + feed.next(12))
        node.shelf.describe([0: TrackLabel(language: "eng"), 1: TrackLabel(name: "Commentary", language: "deu")])
        let token = ViewerToken(high: 1, low: 2).text
        let lines = node.index.split(separator: "\n").map(String.init)
        #expect(
            lines.contains(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"en\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,"
                    + "CHANNELS=\"2\""), "\(lines)")
        #expect(
            lines.contains(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Commentary\",LANGUAGE=\"de\",DEFAULT=NO,"
                    + "AUTOSELECT=YES,CHANNELS=\"1\",URI=\"audio-1.m3u8?v=\(token)\""), "\(lines)")
        #expect(lines.contains { $0.contains("NAME=\"Audio 3\"") && $0.contains("audio-4.m3u8?v=\(token)") })
        let variant = try #require(lines.first { $0.hasPrefix("#EXT-X-STREAM-INF") })
        #expect(variant.contains("CODECS=\"avc1.64001f,mp4a.40.2\"") && variant.hasSuffix("AUDIO=\"audio\""))
        #expect(lines.last == "media.m3u8?v=\(token)")
        // The main rendition's own, and that of the heavier track.
        let attributes = try ParsedPlaylist.attributes(String(variant.dropFirst("#EXT-X-STREAM-INF:".count)))
        let alone = Node(.lowLatency)
        var again = Self.feed()
        alone.receive(again.begin() + again.next(12))
        let main = try #require(alone.index.split(separator: "\n").first { $0.hasPrefix("#EXT-X-STREAM-INF") })
        let before = try ParsedPlaylist.attributes(String(main.dropFirst("#EXT-X-STREAM-INF:".count)))
        let (sum, own) = (Int(attributes["BANDWIDTH"] ?? "") ?? 0, Int(before["BANDWIDTH"] ?? "") ?? 0)
        // Some 50 bytes of sound and as many of boxes, 43 times a second.
        #expect((sum - own) > 10_000 && (sum - own) < 60_000, "\(own) and \(sum)")
    }

    @Test("sound that comes late, and many frames at once, is in the segment of its time", arguments: forms)
    func late(_ form: PlaylistSettings.Form) throws {
        var feed = Self.feed()
        let node = Node(form, window: 30_000, audio: [1, 4])
        var together = RenditionChecker()
        let frames = feed.begin() + feed.next(21)
        let bursts = Feed.inBursts(frames, of: 700)
        #expect(bursts.map(\.time) != bursts.map(\.time).sorted())
        node.receive(bursts)
        let names = ["media.m3u8", "audio-1.m3u8", "audio-4.m3u8"]
        let lists = try names.map { ($0, try #require(node.playlist($0))) }
        together.check(Dictionary(uniqueKeysWithValues: lists))
        #expect(together.complaints.isEmpty, "\(together.complaints)")
        for (name, list) in lists {
            #expect(list.entries.count > 7 && !list.entries.contains(where: \.isGap), "\(name)")
        }
        for joins in stride(from: 1, to: 1_800, by: 97) {
            let other = Node(form, window: 30_000, audio: [1, 4])
            other.learn()
            other.receive(bursts[joins...])
            for name in names {
                let (one, two) = (node.contents(name), other.contents(name))
                #expect(two.count > 3 && two.allSatisfy { one[$0.key] == $0.value }, "\(name) from \(joins) on")
            }
        }
    }

    @Test("who asks before there is anything is told of all tracks")
    func first() throws {
        var feed = Self.feed()
        let node = Node(.fragmentedMP4, audio: [1, 4])
        var index = ""
        for frame in Feed.inBursts(feed.begin() + feed.next(9), of: 700) where index.isEmpty {
            node.receive(frame)
            index = node.index
        }
        #expect(index.contains("audio-1.m3u8") && index.contains("audio-4.m3u8"))
    }

    @Test("who asks first is told of a track that is heard a segment later, and waits no longer than another")
    func announced() throws {
        for isHeard in [true, false] {
            var feed = Feed()
            let node = Node(.fragmentedMP4, audio: [1])
            var frames = feed.begin() + feed.next(1)
            if isHeard {
                frames.append(feed.configure(1))
                feed.further = [1]
            }
            frames += feed.next(9)
            let index = try #require(
                frames.lazy.compactMap { frame in
                    node.receive(frame)
                    return node.index.isEmpty ? nil : node.index
                }.first)
            #expect(index.contains("audio-1.m3u8") == isHeard)
            #expect(node.playlist?.entries.count == (isHeard ? 2 : 3))
        }
    }

    @Test("the multivariant playlist is made once per change, for every viewer")
    func prepared() throws {
        var feed = Self.feed()
        let node = Node(.lowLatency, audio: [1, 4])
        node.receive(feed.begin() + feed.next(12))
        let made = try #require(node.multivariant)
        let other = ViewerToken(high: .max, low: 7)
        #expect(node.multivariant === made)
        #expect(made.body(for: other).count == node.index.utf8.count)
        let text = String(decoding: made.body(for: other).copy, as: UTF8.self)
        #expect(text == node.index.replacing(ViewerToken(high: 1, low: 2).text, with: other.text))
        #expect(text.split(separator: other.text).count == 4, "one for each playlist")
        node.shelf.describe([1: TrackLabel(language: "fra")])
        #expect(node.multivariant !== made)
        let renamed = node.multivariant
        node.shelf.describe([1: TrackLabel(language: "fra")])
        #expect(node.multivariant === renamed, "nothing new is no change")
    }

    @Test("a track that appears is offered from its first whole segment on, and what is there stays", arguments: forms)
    func appears(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        let node = Node(form, window: 30_000, audio: [1])
        node.receive(feed.begin() + feed.next(9))
        #expect(node.text("audio-1.m3u8") == nil && !node.index.contains("audio-1"))
        let before = try #require(node.playlist)
        node.receive(feed.configure(1))
        feed.further = [1]
        node.receive(feed.next(8))
        let (main, audio) = (try #require(node.playlist), try #require(node.playlist("audio-1.m3u8")))
        #expect(main.entries.map(\.lasting).starts(with: before.entries.map(\.lasting)))
        #expect(Set(main.entries.map(\.discontinuity)).count == 1)
        #expect(audio.entries.allSatisfy { !$0.isGap && $0.duration > 1_900_000 })
        #expect(audio.sequence > main.sequence && audio.entries.last?.number == main.entries.last?.number)
        #expect(node.index.contains("audio-1.m3u8"))
    }

    @Test("a track that falls silent is a row of gaps, then no more; and its numbers never go back", arguments: forms)
    func silence(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        feed.further = [1]
        let node = Node(form, audio: [1])
        var checker = PlaylistChecker()
        node.receive(feed.begin() + feed.next(12))
        let heard = try #require(node.playlist("audio-1.m3u8")?.entries.last?.number)
        feed.further = []
        var (hasGaps, isGone) = (false, false)
        for frame in feed.next(40) {
            node.receive(frame)
            guard frame.kind == .video else { continue }
            if let bytes = node.text("audio-1.m3u8") {
                #expect(!isGone)
                checker.check(bytes)
                if let list = try? ParsedPlaylist(bytes), list.entries.allSatisfy(\.isGap) {
                    hasGaps = true
                    #expect(!node.index.contains("audio-1"), "nobody is sent to silence")
                }
            } else {
                isGone = true
            }
        }
        #expect(checker.complaints.isEmpty, "\(checker.complaints.prefix(4))")
        #expect(hasGaps && isGone && node.shelf.stats.renditions == 1)
        feed.further = [1]
        node.receive(feed.next(13))
        let list = try #require(node.playlist("audio-1.m3u8"))
        #expect(list.sequence > heard && list.entries.last?.number == node.playlist?.entries.last?.number)
        #expect(node.index.contains("audio-1"))
    }

    @Test("another session is a discontinuity of the same number in all", arguments: forms)
    func session(_ form: PlaylistSettings.Form) throws {
        var feed = Self.feed()
        let node = Node(form, window: 30_000, audio: [1, 4])
        node.receive(feed.begin() + feed.next(9))
        feed.further = [1]
        node.receive(feed.begin(avcC: Feed.otherAvcC) + feed.next(9))
        let main = try #require(node.playlist)
        for name in ["audio-1.m3u8", "audio-4.m3u8"] {
            let list = try #require(node.playlist(name))
            // That nothing of a track follows is known when the segment after the next begins.
            #expect(list.entries.count == main.entries.count - (name == "audio-1.m3u8" ? 0 : 1))
            #expect(main.entries.map(\.number).starts(with: list.entries.map(\.number)))
            #expect(main.entries.map(\.discontinuity).starts(with: list.entries.map(\.discontinuity)))
            let gaps = list.entries.filter(\.isGap).map(\.discontinuity)
            #expect(name == "audio-1.m3u8" ? gaps.isEmpty : Set(gaps) == [main.discontinuities.upperBound])
        }
    }

    @Test(
        "parts are cut by the segment's own pictures, whatever rate a node has measured",
        arguments: [24, 25, 30, 50] as [Int64])
    func rates(_ rate: Int64) throws {
        var feed = Feed(keyframeEvery: Int(rate) * 2)
        // The node that packages since before saw another rate, and one that begins now measures what it sees.
        let (old, fresh) = (Node(.lowLatency, window: 60_000), Node(.lowLatency, window: 60_000, rate: rate))
        old.receive(feed.begin() + feed.next(8))
        let before = try #require(old.playlist)
        feed.rate = rate
        let frames = feed.begin() + feed.next(12)
        var checker = PlaylistChecker()
        checker.check(try #require(old.playlistBytes))
        for frame in frames {
            old.receive(frame)
            fresh.receive(frame)
            if let bytes = old.playlistBytes { checker.check(bytes) }
        }
        #expect(checker.complaints.isEmpty, "\(checker.complaints.prefix(4))")
        let (one, other) = (old.contents(), fresh.contents())
        let common = Set(one.keys).intersection(other.keys)
        #expect(common.count > 20, "segments and parts")
        for name in common { #expect(one[name] == other[name], "\(name)") }
        #expect(other.keys.allSatisfy { one[$0] != nil })
        // Raised where it would not be true any more: 24 pictures a second make parts of 208 ms.
        #expect(before.partTarget == 202_000)
        #expect(old.playlist?.partTarget == (rate == 24 ? fresh.playlist?.partTarget : 202_000))
    }
}
