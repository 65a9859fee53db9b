import EventLoop
import HLS
import Packaging
import Testing

@testable import Fanout

struct EndedShelvesTests {
    private let time = Lock<UInt64>(1_000)
    private let name = StreamName(app: "live", name: "a")!

    private func shelf(window: Int64) -> Shelf {
        let time = time
        return Shelf(PackageSettings(form: .fragmentedMP4, window: window, idle: 5_000), clock: { time.with { $0 } })
    }

    private func ended() -> EndedShelves {
        let time = time
        return EndedShelves(clock: { time.with { $0 } })
    }

    private func pass(_ milliseconds: UInt64) { time.with { $0 += milliseconds } }

    @Test("what nobody has asked for is given back, though nobody asks for it either, and nothing else ends")
    func isGivenBack() {
        let ended = ended()
        #expect(!ended.tidy())
        weak var kept: Shelf?
        do {
            let shelf = shelf(window: 3_000)
            ended.keep(shelf, of: name)
            kept = shelf
        }
        pass(4_999)
        #expect(ended.tidy())
        #expect(kept != nil && ended.find(name) === kept)
        pass(1)
        #expect(ended.find(name) == nil)
        #expect(!ended.tidy())
        #expect(kept == nil, "its memory")
        #expect(ended.all.isEmpty)
    }

    @Test("who is far back in a long window finds the rest of it while it is asked for, and no longer than the window")
    func staysForViewers() throws {
        let ended = ended()
        ended.keep(shelf(window: 60_000), of: name)
        let loop = Loop(index: 0)
        for _ in 0..<14 {
            pass(4_000)
            _ = try #require(ended.find(name)).take(.playlist(.main), query: [], from: loop.mailbox, nil)
            #expect(ended.tidy())
        }
        pass(3_999)
        #expect(ended.find(name) != nil)
        pass(1)
        #expect(ended.find(name) == nil)
        #expect(!ended.tidy())
    }

    @Test("a long window that nobody looks at goes as soon as a short one")
    func goesUnwatched() {
        let ended = ended()
        ended.keep(shelf(window: 60_000), of: name)
        pass(5_000)
        #expect(!ended.tidy())
    }

    @Test("a stream that ends twice leaves its last shelf")
    func endsTwice() {
        let ended = ended()
        ended.keep(shelf(window: 3_000), of: name)
        let second = shelf(window: 3_000)
        pass(4_000)
        ended.keep(second, of: name)
        pass(4_000)
        #expect(ended.tidy())
        #expect(ended.find(name) === second)
    }
}
