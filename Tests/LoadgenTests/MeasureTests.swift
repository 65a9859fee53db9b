import Testing

@testable import loadgen

private func milliseconds(_ count: Int) -> UInt64 { UInt64(count) * nanosecondsPerMillisecond }

@Suite struct MeasureTests {
    @Test("the longest silence is between two pictures, or from the last one until now")
    func silence() {
        var silence = Silence()
        #expect(silence.longest(until: milliseconds(500)) == 0)
        #expect(silence.picture(at: milliseconds(1000)) == 0)
        #expect(silence.picture(at: milliseconds(1040)) == milliseconds(40))
        #expect(silence.picture(at: milliseconds(1140)) == milliseconds(100))
        #expect(silence.picture(at: milliseconds(1180)) == milliseconds(40))
        #expect(silence.longest(until: milliseconds(1200)) == milliseconds(100))
        #expect(silence.longest(until: milliseconds(1400)) == milliseconds(220))
        // The measured time can end within a turn that brings another picture.
        #expect(silence.longest(until: milliseconds(1100)) == milliseconds(100))
    }

    @Test("a silence is seen in each interval that it touches, and a measured time begins anew")
    func intervals() {
        var silence = Silence()
        _ = silence.picture(at: milliseconds(1000))
        #expect(silence.nextInterval(at: milliseconds(1250)) == milliseconds(250))
        #expect(silence.nextInterval(at: milliseconds(1500)) == milliseconds(500))
        _ = silence.picture(at: milliseconds(1600))
        _ = silence.picture(at: milliseconds(1640))
        #expect(silence.nextInterval(at: milliseconds(1650)) == milliseconds(600))
        #expect(silence.nextInterval(at: milliseconds(1660)) == milliseconds(20))
        silence.startMeasuring()
        #expect(silence.longest(until: milliseconds(1670)) == milliseconds(30))
    }

    @Test("numbers that follow each other are whole, and gaps, repetitions and new runs are told apart")
    func numbering() {
        var numbering = Numbering()
        let seen = [(1, 7), (1, 8), (1, 8), (1, 3), (1, 12), (1, 13), (2, 0), (2, 1), (1, 14)].map {
            numbering.take(run: UInt32($0.0), sequence: UInt64($0.1))
        }
        #expect(
            seen == [.next, .next, .doubled, .doubled, .gap(3), .next, .restarted, .next, .restarted])
    }

    @Test("viewers take the URLs in turn, and at each of them every stream has its share")
    func seats() {
        var taken: [Int: Int] = [:]
        for index in 0..<120 {
            let seat = Site.seat(index, sites: 6, streams: 20)
            #expect(seat.site == index % 6)
            taken[seat.site * 20 + seat.stream, default: 0] += 1
        }
        #expect(taken.count == 120)
        #expect((0..<8).map { Site.seat($0, sites: 1, streams: 3).stream } == [0, 1, 2, 0, 1, 2, 0, 1])
    }

    @Test("options that may be repeated add up, and times may carry their unit")
    func options() throws {
        let options = try Options([
            "play", "--url", "http://a/live/s", "--url", "http://b/live/s", "--report-every", "250ms", "--each-viewer",
            "--reconnect", "0.5s",
        ])
        #expect(options.urls == ["http://a/live/s", "http://b/live/s"])
        #expect(options.reportEvery == 0.25)
        #expect(options.reconnect == 0.5)
        #expect(options.eachViewer)
        #expect(throws: Failure.self) { try Site.all([]) }
    }

    @Test("a report on one line is the same JSON, with lists and exact times")
    func line() {
        var report = Report()
        report.add("kind", "", "inter\"val")
        report.add("at", "", .precise(12_345_678.9))
        report.add("stalls", "", .list([0.5, 40, 1234.56]))
        report.add("lost", "", 3)
        #expect(
            report.line
                == #"{"kind": "inter\"val", "at": 12345678.900000, "stalls": [0.5000, 40.000, 1234.6], "lost": 3}"#)
        #expect(report.json.split(separator: "\n").count == 6)
    }
}
