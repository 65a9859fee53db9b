import RelayProtocol
import Testing

struct LossMeterTests {
    @Test("the share of packets sent again, whatever their number")
    func share() {
        var meter = LossMeter()
        #expect(meter.perMillion == 0)
        meter.add(segments: 1_000, again: 10)
        #expect(meter.perMillion == 10_000)
        for round in 2...50 as ClosedRange<UInt64> { meter.add(segments: round * 1_000, again: round * 10) }
        #expect((9_900...10_100).contains(meter.perMillion))
        meter.add(segments: 50_000, again: 500)
        #expect((9_900...10_100).contains(meter.perMillion), "silence changes nothing")
    }

    @Test("what was lost long ago fades")
    func fading() {
        var meter = LossMeter()
        meter.add(segments: 2_000, again: 200)
        for round in 1...40 as ClosedRange<UInt64> { meter.add(segments: 2_000 + round * 1_000, again: 200) }
        #expect(meter.perMillion < 100)
    }

    @Test("counters that wrap, or tell of more lost than sent, do no harm")
    func extremes() {
        var meter = LossMeter()
        meter.add(segments: 0xFFFF_FF00, again: 0)
        meter.add(segments: 0x1_0000_0100, again: 5)
        #expect(meter.perMillion < 1_000_000)
        meter.add(segments: 0x1_0000_0101, again: 500)
        #expect(meter.perMillion <= 1_000_000)
    }
}
