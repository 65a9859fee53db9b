//! One run of `publish`, `play` or `both`: its phases in time, and its report.

import CSystem
@preconcurrency import Glibc

final class Run {
    /// Publishers that are not all accepted by then never will be.
    private static let publishPatience = 10 * nanosecondsPerSecond

    private enum Phase {
        case opening(since: UInt64)
        case leading(until: UInt64)
        case connecting
        case warming(until: UInt64)
        case measuring(since: UInt64, until: UInt64)
        case over
    }

    private let options: Options
    private let poller: Poller
    private let studio: Studio?
    private let audience: Audience?
    private var phase: Phase
    private var nextProgress: UInt64 = 0
    private var interval: Interval?
    private var measured: UInt64 = 0

    private var before: ProcessSample?
    private var windowStart: ProcessSample?
    private var windowEnd: ProcessSample?
    private var countsAtStart = Counts()
    private var ownAtStart = 0.0
    private var machineAtStart = 0.0
    private var own = 0.0
    private var machine = 0.0
    private var window = 0.0

    init(_ options: Options) throws(Failure) {
        self.options = options
        poller = try Poller()
        studio = options.mode == "play" ? nil : try Studio(options, poller: poller)
        audience = options.mode == "publish" ? nil : try Audience(options, poller: poller)
        phase = .opening(since: now())
    }

    func perform() throws(Failure) -> Report {
        while true {
            if case .over = phase { break }
            let time = now()
            var due = studio?.run(at: time) ?? UInt64.max
            due = min(due, try advance(time))
            if let audience { due = min(due, try audience.reconnect(at: time)) }
            due = min(due, reportInterval(at: time))
            if loadgen_interrupted() != 0 { interrupt() }
            if !options.quiet, time > nextProgress { progress(time) }
            poller.wait(until: due) { owner, events in
                switch owner {
                case .publisher(let index): studio?.handle(index, events)
                case .viewer(let index): audience?.handle(index, events)
                default: break
                }
            }
        }
        audience?.finish(at: now())
        return try report()
    }

    /// Moves on to the next phase when its time has come; says when to look again.
    private func advance(_ time: UInt64) throws(Failure) -> UInt64 {
        switch phase {
        case .opening(let since):
            if let studio {
                if let failure = studio.failures.first { throw Failure(failure) }
                guard studio.isLive else {
                    if time - since > Run.publishPatience {
                        throw Failure(studio.lastReason ?? "the server did not accept the publisher")
                    }
                    return time + 5 * nanosecondsPerMillisecond
                }
            }
            phase = .leading(until: audience == nil || studio == nil ? time : time + nanoseconds(options.lead))
        case .leading(let end):
            guard time >= end else { return end }
            try sample(&before)
            phase = audience == nil ? try measuring(time) : .connecting
        case .connecting:
            guard let audience else { return time }
            let due = try audience.connect(at: time)
            guard audience.isComplete else { return due }
            phase = .warming(until: time + nanoseconds(options.warmup))
        case .warming(let end):
            guard time >= end else { return end }
            phase = try measuring(time)
        case .measuring(let since, let end):
            guard time >= end || studio.map({ $0.failures.count == $0.publishers.count }) == true else { return end }
            try sample(&windowEnd)
            own = ProcessSample.own() - ownAtStart
            machine = ProcessSample.machine() - machineAtStart
            window = seconds(time - since)
            measured = time
            phase = .over
        case .over: return time
        }
        return time
    }

    private func measuring(_ time: UInt64) throws(Failure) -> Phase {
        try sample(&windowStart)
        ownAtStart = ProcessSample.own()
        machineAtStart = ProcessSample.machine()
        if let audience {
            audience.tally.publishedWith = studio?.negotiated ?? 0
            countsAtStart = audience.tally.counts
            audience.startMeasuring()
        }
        interval = options.reportEvery.map { Interval(options, every: $0, from: time, audience) }
        let end = options.seconds.isFinite ? time + nanoseconds(options.seconds) : UInt64.max
        return .measuring(since: time, until: end)
    }

    private func reportInterval(at time: UInt64) -> UInt64 {
        guard let due = interval?.due else { return UInt64.max }
        guard time >= due, case .measuring = phase, let line = interval?.next(at: time, audience, studio) else {
            return due
        }
        print(line)
        fflush(stdout)
        return interval?.due ?? UInt64.max
    }

    private func sample(_ place: inout ProcessSample?) throws(Failure) {
        if let pid = options.serverPID { place = try ProcessSample(pid: pid) }
    }

    private func interrupt() {
        if case .measuring(let since, _) = phase {
            phase = .measuring(since: since, until: 0)
        } else {
            phase = .over
        }
    }

    private func progress(_ time: UInt64) {
        let first = nextProgress == 0
        nextProgress = time + nanosecondsPerSecond
        if first { return }
        var line = "\r"
        if let studio { line += "publishing \(studio.publishers.count - studio.failures.count)  " }
        if let audience {
            let counts = audience.tally.counts
            line += "viewers \(audience.viewers.count)  playing \(audience.playing)  "
            line += "MB \(counts.bytes / 1_000_000)  lost \(counts.lost)  doubled \(counts.doubled)  "
            line += "disconnects \(counts.disconnects)  "
        }
        fputs(line, stderr)
    }

    private func report() throws(Failure) -> Report {
        if !options.quiet { fputs("\r\u{1b}[K", stderr) }
        var report = Report()
        if options.reportEvery != nil { report.add("kind", "kind", "report") }
        report.add("mode", "mode", options.mode)
        report.add("window_s", "measured time, s", window)
        report.add("streams", "streams", options.streams)
        if let studio {
            report.add("published_pictures", "pictures published", studio.pictures)
            report.add("published_bytes", "bytes published", studio.bytesSent)
            report.add("publish_delay_max_ms", "publishing late, max, ms", Double(studio.worstDelay) / 1e6)
            report.add("reconnects", "times that publishers connected again", studio.reconnects)
            report.add("publisher_failures", "publishers lost", studio.failures.count)
            if let failure = studio.failures.first { report.add("publisher_failure", "first failure", failure) }
            if let counts = studio.srtCounts {
                report.add("srt_publish_latency_ms", "SRT latency to the server, ms", Double(studio.negotiated) / 1e6)
                counts.addPublished(to: &report)
            }
        }
        if let audience { add(audience, to: &report) }
        if let start = windowStart, let end = windowEnd { add(start, end, to: &report) }
        report.add("loadgen_cpu", "load generator's CPU share", own / max(window, 1e-9))
        if let start = windowStart, let end = windowEnd {
            let others = max(0, machine - own - (end.cpu - start.cpu))
            report.add("others_cpu", "CPU share of all others on the machine", others / max(window, 1e-9))
        }
        return report
    }

    private var counts: Counts { (audience?.tally.counts ?? Counts()) - countsAtStart }

    private func add(_ audience: Audience, to report: inout Report) {
        let tally = audience.tally
        report.add("viewers", "viewers", options.viewers)
        report.add("connected", "viewers connected", tally.connected)
        report.add("first_frames", "viewers with a first frame", tally.withFirstFrame)
        report.add("playing", "viewers playing at the end", audience.playing)
        report.add("not_reading", "viewers not reading at the end", audience.refusing)
        report.add("pictures", "pictures received", counts.pictures)
        report.add("megabytes_per_s", "MB/s received", Double(counts.bytes) / 1e6 / max(window, 1e-9))
        report.add("lost", "pictures lost", counts.lost)
        report.add("gaps", "gaps", counts.gaps)
        report.add("doubled", "pictures doubled", counts.doubled)
        report.add("stalls", "stalls over 500 ms", counts.stalls)
        report.add("longest_stall", "longest stall of a viewer", audience.longestSilences(until: measured))
        report.add("backwards", "timestamps going back", counts.backwards)
        report.add("unmoved", "timestamps standing still", counts.unmoved)
        report.add("restarts", "publisher restarts seen", counts.restarts)
        report.add("unstamped", "pictures without a stamp", counts.unstamped)
        report.add("unmeasured", "RTMP aggregates, not looked into", counts.unmeasured)
        report.add("lost_whole_run", "pictures lost, whole run", tally.counts.lost)
        report.add("doubled_whole_run", "pictures doubled, whole run", tally.counts.doubled)
        report.add("disconnects", "disconnects, whole run", tally.counts.disconnects)
        for (reason, count) in tally.reasons.sorted(by: { $0.value > $1.value }).prefix(3) {
            report.add("reason: \(reason)", "  \(reason)", count)
        }
        report.add("first_frame", "time to first frame", tally.firstFrame)
        report.add("latency", "latency", tally.latency)
        if tally.beyond.count > 0 { report.add("beyond", "latency beyond SRT's own", tally.beyond) }
        guard tally.negotiated > 0 else { return }
        report.add("srt_latency_ms", "SRT latency to the viewers, ms", Double(tally.negotiated) / 1e6)
        report.add("damaged", "pictures damaged", counts.damaged)
        report.add("damaged_whole_run", "pictures damaged, whole run", tally.counts.damaged)
        tally.srt.addPlayed(to: &report)
    }

    private func add(_ start: ProcessSample, _ end: ProcessSample, to report: inout Report) {
        let cpu = end.cpu - start.cpu
        report.add("server_cpu_s", "server CPU, s", cpu)
        report.add("server_cpu", "server CPU share", cpu / max(window, 1e-9))
        report.add("server_rss_kb", "server RSS, KB", end.residentKB)
        if let pss = end.proportionalKB { report.add("server_pss_kb", "server PSS, KB", pss) }
        guard audience != nil, let before else { return }
        let viewerSeconds = Double(options.viewers) * max(window, 1e-9)
        report.add("cpu_ms_per_viewer_s", "server CPU ms per viewer and second", cpu * 1000 / viewerSeconds)
        report.add("cpu_s_per_gb", "server CPU s per GB delivered", cpu / max(Double(counts.bytes) / 1e9, 1e-9))
        let grown = Double(end.residentKB - before.residentKB)
        report.add("rss_before_kb", "server RSS before the viewers, KB", before.residentKB)
        report.add("rss_kb_per_viewer", "server RSS KB per viewer", grown / Double(options.viewers))
        if let pss = end.proportionalKB, let old = before.proportionalKB {
            report.add("pss_kb_per_viewer", "server PSS KB per viewer", Double(pss - old) / Double(options.viewers))
        }
    }

    /// Whether the run itself worked; with `--strict`, whether it went without a flaw.
    var succeeded: Bool {
        if let studio, !studio.failures.isEmpty { return false }
        guard let audience else { return true }
        if audience.tally.withFirstFrame == 0 { return false }
        let whole = audience.tally.counts
        return !options.strict || whole.lost + whole.doubled + whole.disconnects == 0
    }
}
