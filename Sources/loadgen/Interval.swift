//! What `--report-every` prints: what happened to the viewers since the last line, one JSON object a line.
//!
//! Its times are of CLOCK_MONOTONIC, so that another program on the machine can tell what it did just then.

struct Interval {
    private let options: Options
    private let length: UInt64
    private var since: UInt64
    private var counts: Counts
    private var losses: [UInt64]
    private(set) var due: UInt64

    init(_ options: Options, every seconds: Double, from time: UInt64, _ audience: Audience?) {
        self.options = options
        length = max(nanosecondsPerMillisecond, nanoseconds(seconds))
        since = time
        due = time + length
        counts = audience?.tally.counts ?? Counts()
        losses = audience?.viewers.map { $0.sight.lost } ?? []
    }

    /// Ends the interval; the line that tells about it.
    mutating func next(at time: UInt64, _ audience: Audience?, _ studio: Studio?) -> String {
        var report = Report()
        report.add("kind", "", "interval")
        report.add("from_s", "", .precise(seconds(since)))
        report.add("until_s", "", .precise(seconds(time)))
        if let studio {
            report.add("publishing", "", studio.publishing)
            report.add("published_pictures", "", studio.pictures)
            report.add("reconnects", "", studio.reconnects)
            report.add("publish_gap_max_ms", "", Double(studio.nextInterval(at: time)) / 1e6)
            report.add("publish_delay_max_ms", "", Double(studio.takeWorstDelay()) / 1e6)
        }
        if let audience { add(audience, at: time, to: &report) }
        since = time
        // An interval that was missed is not made up for.
        due = max(due + length, time)
        return report.line
    }

    private mutating func add(_ audience: Audience, at time: UInt64, to report: inout Report) {
        let stalls = audience.viewers.map { $0.nextInterval(at: time) }
        var histogram = Histogram()
        for stall in stalls { histogram.record(nanoseconds: stall) }
        let seen = audience.tally.counts - counts
        counts = audience.tally.counts
        report.add("viewers", "", audience.viewers.count)
        report.add("playing", "", audience.playing)
        report.add("longest_stall_ms", "", histogram.maximum)
        report.add("stall_p50_ms", "", histogram.percentile(0.5))
        report.add("stall_p99_ms", "", histogram.percentile(0.99))
        report.add("pictures", "", seen.pictures)
        report.add("lost", "", seen.lost)
        report.add("doubled", "", seen.doubled)
        report.add("backwards", "", seen.backwards)
        report.add("unmoved", "", seen.unmoved)
        report.add("disconnects", "", seen.disconnects)
        guard options.eachViewer else { return }
        report.add("stalls_ms", "", .list(stalls.map { Double($0) / 1e6 }))
        let lost = audience.viewers.map { $0.sight.lost }
        let flawed = lost.indices.filter { $0 >= losses.count || lost[$0] != losses[$0] }
        report.add("lost_at", "", .list(flawed.map { Double($0) }))
        losses = lost
    }
}
