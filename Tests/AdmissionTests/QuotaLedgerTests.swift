/// What a node lets in of quotas over the whole network.
import Testing

@testable import Admission

struct QuotaLedgerTests {
    private let live = Allowances.Scope(app: "live")
    private let final = Allowances.Scope(app: "live", stream: "final")
    private let viewer = Claim(rank: .viewer, app: "live", stream: "final", kilobits: 2_000)
    private let other = Claim(rank: .viewer, app: "live", stream: "other", kilobits: 1_000)
    private let publisher = Claim(rank: .publisher, app: "live", stream: "final", kilobits: 2_000)

    private func ledger() -> Ledger { Ledger(Capacity(), loops: 1) }

    private func lack(
        _ scope: Allowances.Scope, _ resource: Allowances.Resource, used: Int, hard: Int
    ) -> Shortage { .quota(QuotaLack(scope: scope, resource: resource, used: used, hard: hard)) }

    @Test("viewers are let in up to what a dispatcher has said, of a stream and of its application")
    func viewers() {
        var ledger = ledger()
        ledger.allowances.keep([.viewers: .init(limit: 1, used: 1, hard: 9)], of: final, by: 0)
        ledger.allowances.keep([.viewers: .init(limit: 2, used: 20, hard: 20)], of: live, by: 0)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == nil)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == lack(final, .viewers, used: 1, hard: 9))
        #expect(ledger.enter(other, loop: 0, now: 0) == nil)
        let short = ledger.enter(other, loop: 0, now: 0)
        #expect(short == lack(live, .viewers, used: 20, hard: 20))
        #expect(short?.description == "the quota of application live is used up: 20 of 20 viewers")
        #expect(
            lack(final, .viewers, used: 1, hard: 9).description
                == "this node's part of the quota of stream live/final is used up: 1 of 9 viewers over the network")
        #expect(short?.isOfThisNode == false && short?.label == "full_quota")
        ledger.leave(viewer)
        #expect(ledger.enter(other, loop: 0, now: 0) == nil, "room again")
        #expect(ledger.use(of: live) == [.viewers: 2, .kilobits: 2_000, .publishers: 0])
    }

    @Test("a quota of Mbit/s counts by the rates as they are now, and presumes a usual one")
    func kilobits() {
        var ledger = ledger()
        ledger.allowances.keep([.kilobits: .init(limit: 6_000, used: 0, hard: 6_000)], of: live, by: 0)
        var unknown = viewer
        unknown.kilobits = 0
        #expect(ledger.enter(unknown, loop: 0, now: 0) == nil)
        #expect(ledger.use(of: live)[.kilobits] == Ledger.presumed)
        ledger.measured(kilobits: 5_000, of: "final", app: "live")
        #expect(ledger.use(of: live)[.kilobits] == 5_000 && ledger.use(of: final)[.kilobits] == 5_000)
        #expect(ledger.enter(other, loop: 0, now: 0) == nil)
        #expect(ledger.enter(other, loop: 0, now: 0) == lack(live, .kilobits, used: 0, hard: 6_000))
        ledger.measured(kilobits: 1_000, of: "final", app: "live")
        #expect(ledger.enter(other, loop: 0, now: 0) == nil)
        for claim in [unknown, other, other] { ledger.leave(claim) }
        #expect(ledger.use(of: live) == [.viewers: 0, .kilobits: 0, .publishers: 0])
        #expect(ledger.isForgetful)
    }

    @Test("publishers of an application are counted; one that takes another's place is not asked, relay children never")
    func publishers() {
        var ledger = ledger()
        ledger.allowances.keep([.publishers: .init(limit: 1, used: 1, hard: 1)], of: live, by: 0)
        #expect(ledger.enter(publisher, loop: 0, now: 0) == nil)
        #expect(ledger.enter(publisher, loop: 0, now: 0) == lack(live, .publishers, used: 1, hard: 1))
        ledger.replace(publisher, now: 0)
        ledger.leave(publisher)
        #expect(ledger.use(of: live)[.publishers] == 1)
        ledger.allowances.keep([.viewers: .init(limit: 0, used: 0, hard: 1)], of: live, by: 0)
        #expect(ledger.enter(Claim(rank: .relay, app: "live", stream: "final"), loop: 0, now: 0) == nil)
        #expect(ledger.enter(publisher, loop: 0, now: 0) == nil, "no quota of publishers any more")
    }

    @Test("of two dispatchers the lower word counts; one that is lost counts for ten seconds more")
    func dispatchers() {
        var ledger = ledger()
        ledger.allowances.keep([.viewers: .init(limit: 2, used: 0, hard: 9)], of: live, by: 0)
        ledger.allowances.keep([.viewers: .init(limit: 1, used: 0, hard: 9)], of: live, by: 1)
        #expect(ledger.enter(viewer, loop: 0, now: 0) == nil)
        #expect(ledger.enter(viewer, loop: 0, now: 0) != nil)
        ledger.allowances.lost(1, now: 1_000)
        #expect(ledger.enter(viewer, loop: 0, now: 1_000 + Allowances.lasts - 1) != nil)
        #expect(ledger.enter(viewer, loop: 0, now: 1_000 + Allowances.lasts) == nil)
        #expect(ledger.enter(viewer, loop: 0, now: 20_000) != nil, "the other's word")
        ledger.allowances.expire(now: 20_000)
        #expect(ledger.allowances.scopes(by: 1) == [] && ledger.allowances.scopes(by: 0) == [live])
        // Another dispatcher in the place of the first asks, and has not heard of all yet.
        ledger.allowances.lost(0, now: 20_000)
        ledger.allowances.ask(live, by: 0, now: 25_000)
        #expect(ledger.enter(viewer, loop: 0, now: 34_999) != nil)
        ledger.allowances.forget(live, by: 0)
        #expect(ledger.allowances.isEmpty && ledger.enter(viewer, loop: 0, now: 34_999) == nil)
    }
}
