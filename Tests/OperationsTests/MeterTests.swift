import Operations
import Testing

@Suite struct MeterTests {
    @Test("a steady flow reads as its rate, from the first second on", arguments: [1_000, 5_000, 60_000])
    func steady(_ duration: UInt64) {
        var meter = RateMeter()
        for now in stride(from: 7_000_000 as UInt64, through: 7_000_000 + duration, by: 40) {
            meter.add(bytes: 11_000, at: now)
        }
        #expect(abs(meter.bitsPerSecond(at: 7_000_000 + duration) / 2_200_000 - 1) < 0.05)
    }

    @Test("a counter that is looked at once a second reads as its rate", arguments: [2, 3, 5, 6, 100])
    func sampled(_ looks: UInt64) {
        var meter = RateMeter()
        for look in 1...looks { meter.add(bytes: 275_000, at: look * 1000) }
        #expect(meter.bitsPerSecond(at: looks * 1000) == 2_200_000)
    }

    @Test("a flow that stops reads zero once the window has passed")
    func stops() {
        var meter = RateMeter(window: 5000)
        for now in stride(from: 0 as UInt64, to: 10_000, by: 40) { meter.add(bytes: 11_000, at: now) }
        let half = meter.bitsPerSecond(at: 12_500)
        #expect(half > 800_000 && half < 1_500_000)
        #expect(meter.bitsPerSecond(at: 14_900) < 200_000)
        #expect(meter.bitsPerSecond(at: 16_000) == 0)
        #expect(meter.bitsPerSecond(at: 1 << 60) == 0)
    }

    @Test("one burst at the start is not taken for a rate")
    func burst() {
        var meter = RateMeter(window: 5000)
        meter.add(bytes: 100_000, at: 1_000_000)
        #expect(meter.bitsPerSecond(at: 1_000_000) == 0)
        #expect(meter.bitsPerSecond(at: 1_000_500) == 0)
    }

    @Test("an untouched meter, a clock that stands still or goes back, and odd windows are harmless")
    func odd() {
        var meter = RateMeter(window: 0)
        #expect(meter.bitsPerSecond(at: 5) == 0)
        meter.add(bytes: 10, at: 100)
        meter.add(bytes: -10, at: 50)
        #expect(meter.bitsPerSecond(at: 0) >= 0)
    }
}
