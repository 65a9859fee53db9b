import Testing

@testable import RelayProtocol

struct ClockOffsetTests {
    /// A ping over a link with these delays to a peer whose clock is `offset` ahead.
    private func exchange(_ clock: inout ClockOffset, at: Int64, out: Int64, held: Int64, back: Int64, offset: Int64) {
        let ping = Ping(token: 1, clock: at)
        let pong = ping.answered(received: at + out + offset, sent: at + out + held + offset)
        #expect(clock.add(pong, now: at + out + held + back) == true)
    }

    @Test("on a symmetrical link the offset is exact, however long the peer takes to answer")
    func exact() {
        for offset in [0, 1, -1, 250_000, -86_400_000_000] as [Int64] {
            var clock = ClockOffset()
            #expect(clock.offset == nil && clock.roundTrip == nil)
            exchange(&clock, at: 1_000_000, out: 700, held: 90_000, back: 700, offset: offset)
            #expect(clock.offset == offset && clock.roundTrip == 1400 && clock.uncertainty == 700)
        }
    }

    @Test("with noise on one direction only, the estimate stays near the truth")
    func asymmetricNoise() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            var clock = ClockOffset()
            let truth = Int64(random.below(2_000_000)) - 1_000_000
            for i in 0..<200 as Range<Int64> {
                // One way always near 10 ms; the other queues for up to 200 ms, and is free one time in five.
                let queue = random.chance(20) ? random.below(300) : random.below(200_000)
                exchange(
                    &clock, at: i * 200_000, out: 10_000 + Int64(random.below(100)), held: Int64(random.below(5_000)),
                    back: 10_000 + Int64(queue), offset: truth)
                guard i >= 31 else { continue }
                let error = abs(clock.offset! - truth)
                #expect(error <= clock.uncertainty! && error < 15_000, "seed \(seed), ping \(i): off by \(error) us")
            }
        }
    }

    @Test("an old sample is forgotten, so that a drifting clock or a longer route is followed")
    func window() {
        var clock = ClockOffset()
        exchange(&clock, at: 0, out: 100, held: 0, back: 100, offset: 5)
        for i in 1...Int64(ClockOffset.window) {
            #expect(clock.offset == 5)
            exchange(&clock, at: i * 200_000, out: 900, held: 0, back: 900, offset: 77)
        }
        #expect(clock.offset == 77 && clock.roundTrip == 1800 && clock.lastRoundTrip == 1800)
    }

    @Test("answers that make no sense are passed over")
    func nonsense() {
        var clock = ClockOffset()
        let answers: [(Pong, Int64)] = [
            (Pong(token: 1, pingClock: 1000, received: 5, sent: 5), 999),
            (Pong(token: 1, pingClock: 1000, received: 5, sent: 4), 2000),
            (Pong(token: 1, pingClock: 1000, received: 0, sent: 1500), 2000),
            (Pong(token: 1, pingClock: .min, received: 0, sent: 0), .max),
            (Pong(token: 1, pingClock: 0, received: .min, sent: .max), 10),
            (Pong(token: 1, pingClock: 0, received: .min, sent: .min), 10),
            (Pong(token: 1, pingClock: 0, received: 0, sent: 0), 61_000_000),
        ]
        for (pong, now) in answers { #expect(clock.add(pong, now: now) == false) }
        #expect(clock.offset == nil)
    }
}
