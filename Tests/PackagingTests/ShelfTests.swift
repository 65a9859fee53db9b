import EventLoop
import Fixtures
import HLS
import Media
import Testing

@testable import Packaging
@testable import StreamLog

@Suite("The shelf", .timeLimit(.minutes(5))) struct ShelfTests {
    private static func ticket(_ offer: Offer) -> Shelf.Ticket? {
        if case .waits(let ticket, _) = offer { ticket } else { nil }
    }

    @Test("who asks while it is filled with what there is already waits for all of it")
    func fills() {
        var feed = Feed()
        let node = Node(.fragmentedMP4)
        let asked = Lock(0)
        let frames = feed.begin() + feed.next(9)
        node.shelf.fill {
            node.receive(frames)
            #expect(node.playlist == nil && node.index.isEmpty)
            let offer = node.offer("media.m3u8") { _, answer in
                #expect(answer == nil)
                asked.with { $0 += 1 }
            }
            guard case .waits = offer else {
                Issue.record("a playlist of a part of it")
                return
            }
        }
        node.loop.turn()
        #expect(asked.with { $0 } == 1)
        #expect((node.playlist?.entries.count ?? 0) > 3)
    }

    @Test("wakes who waits for a part or a playlist once, on the loop where it waits")
    func waiters() throws {
        var feed = Feed()
        let node = Node(.lowLatency)
        let other = Loop(index: 1)
        let woken = Lock<[String]>([])
        func note(_ what: String) -> Shelf.Wake {
            { loop, offer in
                let answer =
                    switch offer {
                    case .file: "part"
                    case .playlist(_, let isSettled): isSettled ? "list" : "new"
                    case nil: "again"
                    default: "?"
                    }
                woken.with { $0.append("\(what) \(loop.index) \(answer)") }
            }
        }
        // Before there is anything: the playlist is on its way.
        #expect(Self.ticket(node.offer("media.m3u8", wake: note("ready"))) != nil)
        #expect(Self.ticket(node.offer("index.m3u8", wake: note("index"))) != nil)
        node.receive(feed.begin() + feed.next(4))
        node.loop.turn()
        #expect(woken.with { $0 }.sorted() == ["index 0 again", "ready 0 new"])
        woken.with { $0 = [] }
        let list = try #require(node.playlist)
        let hint = try #require(list.hint)
        let number = list.open.number
        let part = list.open.parts.count
        let wait = "_HLS_msn=\(number)&_HLS_part=\(part)"
        #expect(Self.ticket(node.offer(hint, wake: note("part"))) != nil)
        #expect(Self.ticket(node.offer("media.m3u8", query: wait, wake: note("list"))) != nil)
        let name = try #require(ResourceName(hint))
        for _ in 0..<3 {
            #expect(
                Self.ticket(node.shelf.take(name, query: [], from: other.mailbox, note("part"))) != nil)
        }
        let gone = try #require(Self.ticket(node.offer(hint, wake: note("gone"))))
        #expect(node.shelf.stats.waiting == 6)
        node.shelf.stopWaiting(gone)
        node.receive(feed.next(3))
        #expect(node.shelf.stats.waiting == 0)
        for _ in 0..<3 {
            node.loop.turn()
            other.turn()
        }
        #expect(
            woken.with { $0 }.sorted()
                == ["list 0 list", "part 0 part", "part 1 part", "part 1 part", "part 1 part"])
        #expect(node.bytes(hint)?.isEmpty == false)
    }

    @Test("whose wait the end overtakes is woken, and nobody waits afterwards")
    func end() throws {
        var feed = Feed()
        let node = Node(.lowLatency)
        node.receive(feed.begin() + feed.next(6))
        let woken = Lock(0)
        let count: Shelf.Wake = { _, _ in woken.with { $0 += 1 } }
        let list = try #require(node.playlist)
        let hint = try #require(list.hint)
        #expect(Self.ticket(node.offer(hint, wake: count)) != nil)
        #expect(
            Self.ticket(node.offer("media.m3u8", query: "_HLS_msn=\(list.open.number)", wake: count)) != nil)
        node.end()
        node.loop.turn()
        #expect(woken.with { $0 } == 2)
        #expect(Self.ticket(node.offer("media.m3u8", query: "_HLS_msn=\(list.open.number + 1)", wake: count)) == nil)
        #expect(Self.ticket(node.offer("\(list.open.number + 1).0.m4s", wake: count)) == nil)
        let empty = Shelf(PackageSettings())
        empty.end()
        guard case .missing = empty.take(.multivariant, query: [], from: node.loop.mailbox, count) else {
            Issue.record("nothing will come")
            return
        }
    }

    @Test("is idle while nobody asks, and not while somebody waits")
    func idle() throws {
        let node = Node(.lowLatency)
        func pass(_ milliseconds: UInt64) { node.time.with { $0 += milliseconds } }
        pass(5_000)
        #expect(node.shelf.idle == 5_000)
        let ticket = try #require(Self.ticket(node.offer("media.m3u8") { _, _ in }))
        pass(7_000)
        #expect(node.shelf.idle == 0)
        node.shelf.stopWaiting(ticket)
        #expect(node.shelf.idle == 7_000)
        _ = node.offer("1.ts")
        #expect(node.shelf.idle == 0)
    }

    @Test(
        "whoever keeps segments gets each of them, as it was on the shelf, and is told of the end",
        arguments: [PlaylistSettings.Form.transportStream, .fragmentedMP4, .lowLatency])
    func keepers(_ form: PlaylistSettings.Form) throws {
        let kept = Lock<[FinishedSegment?]>([])
        let node = Node(form) { segment in kept.with { $0.append(segment) } }
        var feed = Feed()
        var seen: [String: [UInt8]] = [:]
        node.receive(feed.begin())
        for _ in 0..<20 {
            node.receive(feed.next(1))
            seen.merge(node.contents()) { one, _ in one }
        }
        node.end()
        seen.merge(node.contents()) { one, _ in one }
        let all = kept.with { $0 }
        #expect(try #require(all.last) == nil && all.dropLast().allSatisfy { $0 != nil })
        let segments = all.compactMap(\.self)
        let numbers = segments.map(\.number.number)
        #expect(numbers.count >= 9 && numbers == Array(numbers[0]..<numbers[0] + UInt32(numbers.count)))
        #expect(zip(segments, segments.dropFirst()).allSatisfy { $0.date + $0.duration == $1.date })
        for segment in segments {
            let container: ResourceName.Container = form == .transportStream ? .transportStream : .fragmentedMP4
            let name = ResourceName.segment(.main, segment.number.number, container)
            #expect(seen[name.text] == segment.bytes.copy, "\(name.text)")
            #expect(segment.target == 2 && segment.duration <= 2_499_000)
            guard form != .transportStream else {
                #expect(segment.initialisation == 0 && segment.initialisationBytes.count == 0)
                continue
            }
            let initialisation = ResourceName.initialisation(segment.initialisation)
            #expect(seen[initialisation.text] == segment.initialisationBytes.copy)
        }
    }

    @Test(
        "holds no more after ten minutes than after one, and lets go of everything at the end",
        arguments: [PlaylistSettings.Form.transportStream, .fragmentedMP4, .lowLatency])
    func memory(_ form: PlaylistSettings.Form) throws {
        var feed = Feed()
        feed.further = form == .transportStream ? [] : [1]
        var held: [WeakSegment] = []
        do {
            let node = Node(form, audio: feed.further)
            node.receive(feed.begin())
            var most: [Int] = []
            for minute in 0..<10 {
                var peak = 0
                for second in 0..<60 {
                    // Tracks that change all the time are no reason to grow either.
                    if second % 10 == 0 {
                        var avcC = Feed.avcC
                        avcC[3] = UInt8(minute * 6 + second / 10)
                        node.receive(feed.change(avcC: avcC))
                    }
                    node.receive(feed.next(1))
                    peak = max(peak, node.shelf.stats.bytes)
                }
                most.append(peak)
                if let list = node.playlist, case .file(let file) = node.offer(list.entries[0].uri) {
                    held += file.bytes.owners.map { WeakSegment(segment: $0) }
                }
            }
            #expect(most[1...].allSatisfy { $0 < most[1] * 5 / 4 }, "\(most)")
            #expect(node.shelf.state.with { $0.initialisations.count } < 16)
            #expect(node.shelf.stats.renditions == 1 + feed.further.count)
            #expect(held.contains { $0.segment != nil } && held.contains { $0.segment == nil })
        }
        #expect(held.allSatisfy { $0.segment == nil }, "a segment outlives its shelf")
    }
}

private struct WeakSegment {
    weak var segment: Segment?
}
