/// Which picture is made when, and who gets it.
import Fixtures
import Testing

@testable import Stills

@Suite("The desk for pictures")
struct DeskTests {
    private typealias Desk = StillDesk<Int>

    private static func desk(_ processes: Int = 2) -> Desk { Desk(processes: processes, patience: 5_000) }
    private static func jpeg(_ size: Int = 6) -> [UInt8] {
        [0xff, 0xd8, 0xff] + Array(repeating: 7, count: size - 5) + [0xff, 0xd9]
    }
    private static func mark(_ time: Int64) -> Still.Mark { Still.Mark(epoch: 9, timestamp: time) }

    /// What the desk says, in words.
    private static func words(_ answer: Desk.Answer) -> String {
        switch answer {
        case .still(let still): "still of \(still.mark.timestamp)"
        case .failed(let failure): failure.code
        case .waits: "waits"
        case .looks: "looks"
        case .crowded: "crowded"
        }
    }

    private static func words(_ found: Desk.Found) -> String {
        switch found {
        case .unchanged(let ending): "unchanged for \(ending.answers.map(\.waiter))"
        case .develops: "develops"
        case .waitsForTurn: "waits for its turn"
        }
    }

    /// Makes a picture of a keyframe for one waiter.
    private static func make(_ desk: inout Desk, _ stream: String, _ time: Int64, now: UInt64) {
        #expect(words(desk.ask(stream, 0, cache: 5_000, now: now)) == "looks")
        #expect(words(desk.found(stream, mark(time), now: now)) == "develops")
        _ = desk.developed(stream, .success(jpeg()), now: now)
    }

    @Test("requests that come while a picture is made get that one, and no second program is started")
    func sharesOne() {
        var desk = Self.desk()
        #expect(Self.words(desk.ask("a", 1, cache: 5_000, now: 0)) == "looks")
        #expect(Self.words(desk.ask("a", 2, cache: 5_000, now: 1)) == "waits")
        #expect(Self.words(desk.found("a", Self.mark(40), now: 2)) == "develops")
        #expect(Self.words(desk.ask("a", 3, cache: 5_000, now: 3)) == "waits")
        #expect(desk.developing == 1)
        let ending = desk.developed("a", .success(Self.jpeg()), now: 100)
        #expect(ending.answers.map(\.waiter) == [1, 2, 3])
        #expect(ending.answers.allSatisfy { (try? $0.result.get().mark) == Self.mark(40) })
        #expect(desk.developing == 0)
    }

    @Test("a picture will do for its time, and longer as long as there is no newer keyframe")
    func caches() {
        var desk = Self.desk()
        Self.make(&desk, "a", 40, now: 100)
        #expect(Self.words(desk.ask("a", 1, cache: 5_000, now: 5_099)) == "still of 40")
        #expect(Self.words(desk.ask("a", 2, cache: 5_000, now: 5_100)) == "looks")
        #expect(Self.words(desk.found("a", Self.mark(40), now: 5_101)) == "unchanged for [2]")
        #expect(Self.words(desk.ask("a", 3, cache: 5_000, now: 10_100)) == "still of 40")
        #expect(Self.words(desk.ask("a", 4, cache: 5_000, now: 10_101)) == "looks")
        #expect(Self.words(desk.found("a", Self.mark(80), now: 10_102)) == "develops")
    }

    @Test("the same time in another publish session is another keyframe")
    func tellsEpochsApart() {
        var desk = Self.desk()
        Self.make(&desk, "a", 40, now: 0)
        _ = desk.ask("a", 1, cache: 0, now: 5_000)
        #expect(Self.words(desk.found("a", Still.Mark(epoch: 10, timestamp: 40), now: 5_000)) == "develops")
    }

    @Test("no more programs than allowed run at once; others have their turn in order")
    func takesTurns() {
        var desk = Self.desk(2)
        for (waiter, stream) in ["a", "b", "c", "d"].enumerated() {
            _ = desk.ask(stream, waiter, cache: 5_000, now: 0)
            let expected = waiter < 2 ? "develops" : "waits for its turn"
            #expect(Self.words(desk.found(stream, Self.mark(0), now: 0)) == expected)
        }
        let first = desk.developed("b", .success(Self.jpeg()), now: 10)
        #expect(first.turns == ["c"] && first.answers.map(\.waiter) == [1])
        #expect(desk.developing == 2)
        #expect(desk.developed("a", .success(Self.jpeg()), now: 20).turns == ["d"])
        #expect(desk.developed("c", .success(Self.jpeg()), now: 30).turns == [])
        #expect(desk.developed("d", .success(Self.jpeg()), now: 30).answers.map(\.waiter) == [3])
    }

    @Test("who has waited too long for a turn is told so, and the next one has it")
    func losesPatience() {
        var desk = Self.desk(1)
        _ = desk.ask("a", 1, cache: 0, now: 0)
        _ = desk.found("a", Self.mark(0), now: 0)
        _ = desk.ask("b", 2, cache: 0, now: 0)
        _ = desk.found("b", Self.mark(0), now: 0)
        _ = desk.ask("c", 3, cache: 0, now: 4_000)
        _ = desk.found("c", Self.mark(0), now: 4_000)
        let ending = desk.developed("a", .failure(.tooSlow(milliseconds: 5_000)), now: 5_001)
        #expect(ending.answers.map(\.waiter) == [1, 2])
        #expect(ending.answers[1].result == .failure(.busy))
        #expect(ending.dropped == ["b"] && ending.turns == ["c"])
    }

    @Test("a failure is told again for a while before it is tried again")
    func remembersFailures() {
        var desk = Self.desk()
        _ = desk.ask("a", 1, cache: 0, now: 0)
        #expect(desk.giveUp("a", .noKeyframe, now: 10).answers.map(\.waiter) == [1])
        #expect(Self.words(desk.ask("a", 2, cache: 0, now: 1_009)) == "no_keyframe")
        #expect(Self.words(desk.ask("a", 3, cache: 0, now: 1_010)) == "looks")
    }

    @Test("jobs and waiters have a limit, and kept pictures answer all the same")
    func hasLimits() {
        var desk = Self.desk()
        Self.make(&desk, "kept", 0, now: 0)
        for index in 0..<Desk.mostJobs {
            #expect(Self.words(desk.ask("\(index)", index, cache: 5_000, now: 1)) == "looks")
        }
        #expect(Self.words(desk.ask("one more", 0, cache: 5_000, now: 1)) == "crowded")
        #expect(Self.words(desk.ask("kept", 0, cache: 5_000, now: 1)) == "still of 0")
        for index in Desk.mostJobs..<Desk.mostWaiting {
            #expect(Self.words(desk.ask("0", index, cache: 5_000, now: 1)) == "waits")
        }
        #expect(Self.words(desk.ask("0", 0, cache: 5_000, now: 1)) == "crowded")
        let all = desk.giveUp("0", .ended, now: 2).answers.count
        #expect(all == Desk.mostWaiting - Desk.mostJobs + 1)
        #expect(Self.words(desk.ask("one more", 0, cache: 5_000, now: 3)) == "looks")
    }

    @Test("pictures that nobody asks for are let go of, and all together take no more than their limit")
    func letsGo() {
        var desk = Self.desk()
        Self.make(&desk, "old", 0, now: 0)
        Self.make(&desk, "new", 0, now: 5_000 + Desk.keep)
        #expect(desk.keptCount == 1)
        let large = Desk.mostBytes / 2
        for index in 0..<4 {
            let now = 100_000 + UInt64(index)
            _ = desk.ask("large \(index)", 0, cache: 5_000, now: now)
            _ = desk.found("large \(index)", Self.mark(0), now: now)
            _ = desk.developed("large \(index)", .success(Self.jpeg(large)), now: now)
        }
        #expect(desk.keptCount == 2)
        #expect(Self.words(desk.ask("large 3", 0, cache: 5_000, now: 100_010)) == "still of 0")
        #expect(Self.words(desk.ask("large 0", 0, cache: 5_000, now: 100_010)) == "looks")
    }

    @Test("whatever happens in whatever order, everybody is answered once, and programs keep to their number")
    func keepsItsInvariants() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var desk = Self.desk(3)
        var looking: Set<String> = []
        var running: Set<String> = []
        var open: Set<Int> = []
        var now: UInt64 = 0
        func settle(_ ending: Desk.Ending) {
            for answer in ending.answers { #expect(open.remove(answer.waiter) != nil, "seed \(seed)") }
            for stream in ending.turns { #expect(running.insert(stream).inserted, "seed \(seed)") }
        }
        for waiter in 0..<3_000 {
            now += UInt64.random(in: 0...400, using: &random)
            let stream = "\(Int.random(in: 0..<12, using: &random))"
            switch desk.ask(stream, waiter, cache: UInt64.random(in: 0...2_000, using: &random), now: now) {
            case .waits: open.insert(waiter)
            case .looks:
                open.insert(waiter)
                #expect(looking.insert(stream).inserted, "seed \(seed)")
            case .still, .failed, .crowded: break
            }
            if let one = looking.sorted().randomElement(using: &random), Bool.random(using: &random) {
                looking.remove(one)
                if Int.random(in: 0..<5, using: &random) == 0 {
                    settle(desk.giveUp(one, .ended, now: now))
                } else {
                    switch desk.found(one, Self.mark(Int64.random(in: 0..<3, using: &random)), now: now) {
                    case .unchanged(let ending): settle(ending)
                    case .develops: running.insert(one)
                    case .waitsForTurn: break
                    }
                }
            }
            if let one = running.sorted().randomElement(using: &random), Int.random(in: 0..<3, using: &random) == 0 {
                running.remove(one)
                let isGood = Bool.random(using: &random)
                settle(desk.developed(one, isGood ? .success(Self.jpeg()) : .failure(.failed("")), now: now))
            }
            #expect(running.count == desk.developing && running.count <= 3, "seed \(seed)")
        }
        for one in looking { settle(desk.giveUp(one, .ended, now: now)) }
        while let one = running.popFirst() { settle(desk.developed(one, .success(Self.jpeg()), now: now)) }
        #expect(open.isEmpty, "seed \(seed)")
    }
}
