import Fixtures
import Testing

@testable import Admission

struct LedgerTests {
    private func ledger(_ change: (inout Capacity) -> Void) -> Ledger {
        var capacity = Capacity()
        change(&capacity)
        return Ledger(capacity, loops: 2)
    }

    private let viewer = Claim(rank: .viewer, app: "live", stream: "a", kilobits: 2_000)
    private let child = Claim(rank: .relay, app: "live", stream: "a", kilobits: 2_000, idc: "fra")
    private let publisher = Claim(rank: .publisher, app: "live", stream: "b", kilobits: 2_000)

    @Test("without limits everybody is admitted")
    func unlimited() {
        var ledger = ledger { _ in }
        for _ in 0..<10_000 { #expect(ledger.enter(viewer, loop: 0, now: 0) == nil) }
        #expect(ledger.sessions == 10_000)
        #expect(ledger.fullness == 0)
    }

    @Test("viewers leave room for relay children, and both for publishers")
    func ranks() {
        var ledger = ledger { $0.sessions = 100 }
        for _ in 0..<90 { #expect(ledger.enter(viewer, loop: 0, now: 0) == nil) }
        #expect(ledger.enter(viewer, loop: 0, now: 0) == .sessions(limit: 100))
        for _ in 0..<5 { #expect(ledger.enter(child, loop: 0, now: 0) == nil) }
        #expect(ledger.enter(child, loop: 1, now: 0) == .sessions(limit: 100))
        for _ in 0..<5 { #expect(ledger.enter(publisher, loop: 0, now: 0) == nil) }
        #expect(ledger.enter(publisher, loop: 0, now: 0) == .sessions(limit: 100))
        #expect(ledger.fullness == 1000)
        ledger.leave(publisher)
        #expect(ledger.enter(publisher, loop: 0, now: 0) == nil)
    }

    @Test("a limit too small to have a reserve is reached exactly")
    func small() {
        var ledger = ledger { $0.sessions = 2 }
        #expect(ledger.enter(viewer, loop: 0, now: 0) == nil)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == nil)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == .sessions(limit: 2))
    }

    @Test("a crowd within one second is counted as it claims, and then as it is measured")
    func crowd() {
        var ledger = ledger {
            $0.out = 20_000
            $0.reserve = 0
        }
        for _ in 0..<10 { #expect(ledger.enter(viewer, loop: 0, now: 1_000) == nil) }
        #expect(ledger.enter(viewer, loop: 1, now: 1_900) == .out(limit: 20_000))
        // The first measurement may have seen little of them: the claims stand for one more round.
        ledger.measured(LoopUse(out: 1_000), loop: 0, now: 2_000)
        #expect(ledger.enter(viewer, loop: 1, now: 2_100) == .out(limit: 20_000))
        ledger.measured(LoopUse(out: 10_000), loop: 1, now: 3_000)
        #expect(ledger.out == 11_000)
        for _ in 0..<4 { #expect(ledger.enter(viewer, loop: 1, now: 3_100) == nil) }
        #expect(ledger.enter(viewer, loop: 1, now: 3_200) == .out(limit: 20_000))
        #expect(ledger.enter(publisher, loop: 1, now: 3_200) == nil, "what goes out is no concern of who brings in")
        // Without a single measurement, as on loops that sleep, claims are forgotten by the clock.
        #expect(ledger.enter(viewer, loop: 1, now: 9_000) == nil)
        #expect(ledger.out == 13_000)
    }

    @Test("a stream that was not measured yet is taken for a usual one")
    func unknownRate() {
        var ledger = ledger {
            $0.out = 3 * Ledger.presumed
            $0.reserve = 0
        }
        var unknown = viewer
        unknown.kilobits = 0
        for _ in 0..<3 { #expect(ledger.enter(unknown, loop: 0, now: 0) == nil) }
        #expect(ledger.enter(unknown, loop: 0, now: 0) == .out(limit: 7_500))
    }

    @Test("who replaces another is counted, and not asked")
    func replacement() {
        var ledger = ledger { $0.sessions = 1 }
        #expect(ledger.enter(publisher, loop: 0, now: 0) == nil)
        #expect(ledger.enter(publisher, loop: 0, now: 0) == .sessions(limit: 1))
        ledger.replace(publisher, now: 0)
        #expect(ledger.sessions == 2)
        ledger.leave(publisher)
        #expect(ledger.sessions == 1)
    }

    @Test("what comes in refuses publishers alone")
    func incoming() {
        var ledger = ledger { $0.in = 3_000 }
        #expect(ledger.enter(publisher, loop: 0, now: 0) == nil)
        #expect(ledger.enter(publisher, loop: 0, now: 0) == .in(limit: 3_000))
        #expect(ledger.enter(viewer, loop: 0, now: 0) == nil)
    }

    @Test("the processor of the loop that a client has come to decides, in steps of rank")
    func processor() {
        var ledger = ledger { $0.cpu = 1_000 }
        ledger.measured(LoopUse(busy: 920), loop: 1, now: 0)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == nil)
        #expect(ledger.enter(viewer, loop: 1, now: 0) == .cpu(permille: 920, limit: 1_000))
        #expect(ledger.enter(child, loop: 1, now: 0) == nil)
        ledger.measured(LoopUse(busy: 960), loop: 1, now: 0)
        #expect(ledger.enter(child, loop: 1, now: 0) == .cpu(permille: 960, limit: 1_000))
        #expect(ledger.enter(publisher, loop: 1, now: 0) == nil)
        #expect(ledger.fullness == 960 && ledger.position == 900)
        ledger.measured(LoopUse(busy: 400), loop: 1, now: 0)
        #expect(ledger.position == 250)
    }

    @Test("memory and connections have limits of their own")
    func others() {
        var ledger = ledger {
            $0.memory = 100 << 20
            $0.connections = 1
        }
        #expect(ledger.connect() == nil)
        #expect(ledger.connect() == .connections(limit: 1))
        ledger.disconnect()
        #expect(ledger.connect() == nil)
        ledger.measured(memory: 91 << 20)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == .memory(limit: 100 << 20))
        #expect(ledger.enter(child, loop: 0, now: 0) == nil)
    }

    @Test("a stream, an application and the way to a data centre have quotas; publishers have none")
    func quotas() {
        var ledger = ledger { _ in }
        let stream = Quota(viewers: 2)
        let app = Quota(viewers: 3, out: 9_000)
        var other = viewer
        other.stream = "b"
        for _ in 0..<2 { #expect(ledger.enter(viewer, loop: 0, now: 0, stream: stream, app: app) == nil) }
        #expect(ledger.enter(viewer, loop: 0, now: 0, stream: stream, app: app) == .streamViewers(limit: 2))
        #expect(ledger.enter(other, loop: 0, now: 0, stream: stream, app: app) == nil)
        #expect(ledger.enter(other, loop: 0, now: 0, stream: stream, app: app) == .appViewers(limit: 3))
        #expect(ledger.enter(child, loop: 0, now: 0, stream: stream, app: app, idcOut: 2_500) == nil)
        #expect(
            ledger.enter(child, loop: 0, now: 0, stream: stream, app: Quota(), idcOut: 2_500)
                == .idcOut(idc: "fra", limit: 2_500))
        #expect(ledger.enter(child, loop: 0, now: 0, stream: stream, app: app) == .appOut(limit: 9_000))
        #expect(ledger.enter(child, loop: 0, now: 0, stream: Quota(out: 7_000)) == .streamOut(limit: 7_000))
        #expect(ledger.enter(publisher, loop: 0, now: 0, stream: stream, app: app) == nil)
    }

    @Test("who has left is forgotten, in whatever order they came and went", arguments: 1...8 as ClosedRange<UInt64>)
    func forgetting(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var ledger = ledger {
            $0.sessions = 40
            $0.out = 60_000
        }
        var inside: [Claim] = []
        for _ in 0..<2_000 {
            if !inside.isEmpty, random.next() % 2 == 0 {
                ledger.leave(inside.remove(at: Int(random.next() % UInt64(inside.count))))
            } else {
                let claim = Claim(
                    rank: Rank(rawValue: Int(random.next() % 3))!, app: "a\(random.next() % 3)",
                    stream: "s\(random.next() % 5)", kilobits: Int(random.next() % 4_000),
                    idc: random.next() % 2 == 0 ? "fra" : "")
                if ledger.enter(claim, loop: 0, now: 0) == nil { inside.append(claim) }
            }
            if random.next() % 7 == 0 { ledger.measured(LoopUse(), loop: 0, now: 0) }
            #expect(ledger.sessions == inside.count && inside.count <= 40, "seed \(seed)")
        }
        for claim in inside { ledger.leave(claim) }
        #expect(ledger.sessions == 0 && ledger.isForgetful, "seed \(seed)")
    }
}
