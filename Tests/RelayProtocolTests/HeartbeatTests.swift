import Testing

@testable import RelayProtocol

struct HeartbeatTests {
    private static let ms: UInt64 = 1_000_000
    private let start: UInt64 = 5_000 * ms
    private func make() -> Heartbeat {
        Heartbeat(interval: 200 * Self.ms, deadAfter: 600 * Self.ms, now: start)
    }

    @Test("a ping goes each interval, and the deadlines do not drift when ticks are late")
    func pings() {
        var heart = make()
        var tokens: [UInt64] = []
        for i in 0..<10 as Range<UInt64> {
            let due = start + i * 200 * Self.ms
            #expect(heart.deadline == due)
            let now = due + i * Self.ms
            heart.heard(now: now)
            guard case .ping(let token) = heart.tick(now: now) else {
                Issue.record("no ping at \(i)")
                return
            }
            tokens.append(token)
            #expect(heart.tick(now: now) == .none)
        }
        #expect(tokens == Array(1...10))
    }

    @Test("a silent peer is dead when the time has passed, not before")
    func silence() {
        var heart = make()
        var now = start
        var pings = 0
        while true {
            now = heart.deadline
            switch heart.tick(now: now) {
            case .ping: pings += 1
            case .none: Issue.record("a tick at the deadline does something")
            case .dead(let error):
                #expect(now == start + 600 * Self.ms && pings == 3)
                #expect(error == .silent(milliseconds: 600))
                return
            }
        }
    }

    @Test("any byte is life")
    func life() {
        var heart = make()
        _ = heart.tick(now: start)
        heart.heard(now: start + 599 * Self.ms)
        guard case .ping = heart.tick(now: start + 600 * Self.ms) else {
            Issue.record("the peer lives")
            return
        }
        #expect(heart.silence(now: start + 600 * Self.ms) == Self.ms)
        #expect(heart.lastHeard + heart.deadAfter == start + 1199 * Self.ms)
    }

    @Test("a peer that is silent when it should not be is asked out of turn, once")
    func hurry() {
        var heart = make()
        _ = heart.tick(now: start)
        let now = start + 60 * Self.ms
        #expect(heart.tick(now: now) == .none)
        heart.hurry(now: now)
        #expect(heart.deadline == now)
        guard case .ping = heart.tick(now: now) else {
            Issue.record("not asked")
            return
        }
        #expect(heart.tick(now: now) == .none && heart.deadline == now + heart.interval)
    }

    @Test("a process that was stopped itself does not blame its peers, but learns of real silence soon")
    func ownPause() {
        var heart = make()
        _ = heart.tick(now: start)
        let waking = start + 30_000 * Self.ms
        guard case .ping = heart.tick(now: waking) else {
            Issue.record("the silence was our own")
            return
        }
        // Nothing in the socket either: one interval later it is the peer's.
        #expect(heart.deadline == waking + 200 * Self.ms)
        #expect(heart.tick(now: heart.deadline) == .dead(.silent(milliseconds: 600)))
    }
}
