import Fixtures
import Testing

@testable import FMP4

@Suite("The clock of a track")
struct TrackClockTests {
    @Test("places audio frame after frame whatever the rounding", arguments: [8_000, 22_050, 44_100, 48_000, 96_000])
    func rounding(rate: Int64) {
        var clock = TrackClock()
        var due: Int64 = -1
        for number in 0..<100_000 as Range<Int64> {
            let time = clock.placeAudio(5_000 + number * 1_024_000 / rate, rate: rate, samples: 1_024)
            #expect(due < 0 || time == due)
            due = time + 1_024
        }
    }

    @Test("bears ten milliseconds of jitter and is anchored anew after a lost frame")
    func jitter() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var clock = TrackClock()
            let first = clock.placeAudio(1_000, rate: 48_000, samples: 1_024)
            for number in 1..<1_000 as Range<Int64> {
                let time = 1_000 + number * 64 / 3 + .random(in: -10...10, using: &random)
                #expect(clock.placeAudio(time, rate: 48_000, samples: 1_024) == first + number * 1_024, "seed \(seed)")
            }
            // One frame is missing.
            let time = clock.placeAudio(1_000 + 1_001 * 64 / 3, rate: 48_000, samples: 1_024)
            #expect(abs(time - first - 1_001 * 1_024) <= 48)
        }
    }

    @Test("never goes back, in audio or video, and owes nothing to what was before it began anew")
    func monotonic() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var (audio, video, bridged) = (TrackClock(), TrackClock(), TrackClock())
            var latest: (Int64, Int64, Int64) = (-1, -1, -1)
            var time: Int64 = 0
            for _ in 0..<1_000 {
                time += .random(in: 0...100, using: &random)
                let next = (
                    audio.placeAudio(time, rate: 44_100, samples: 1_024), video.placeVideo(time, bridging: false),
                    bridged.placeVideo(time, bridging: true)
                )
                #expect(next.0 > latest.0 && next.1 > latest.1 && next.2 > latest.2, "seed \(seed)")
                latest = next
            }
            audio.begin()
            #expect(audio.placeAudio(7, rate: 48_000, samples: 1_024) == 336)
        }
    }
}
