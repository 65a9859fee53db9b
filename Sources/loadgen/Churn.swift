//! Viewers that come, see the first bytes of the stream and leave, many times over.

import CSystem
@preconcurrency import Glibc

final class Churn {
    /// A viewer that has seen nothing by then is given up, and counted.
    private static let patience = 10 * nanosecondsPerSecond

    private let options: Options
    private let poller: Poller
    private let studio: Studio?
    private let audience: Audience
    private var seated: [UInt64] = []
    private var done = 0
    private var failed = 0
    private var begun = 0

    init(_ options: Options) throws(Failure) {
        self.options = options
        poller = try Poller()
        studio = options.file == nil ? nil : try Studio(options, poller: poller)
        audience = try Audience(options, poller: poller)
    }

    func perform() throws(Failure) -> Report {
        try waitForPublishers()
        let before = try sample()
        let start = now()
        var nextProgress = start + nanosecondsPerSecond
        while done + failed < options.count, loadgen_interrupted() == 0 {
            try fillSeats()
            try step(until: now() + 10 * nanosecondsPerMillisecond)
            let time = now()
            if time > nextProgress {
                nextProgress = time + nanosecondsPerSecond
                giveUpOnTheSilent(time)
                if !options.quiet { fputs("\rcame and went \(done)  failed \(failed)  ", stderr) }
            }
        }
        let elapsed = seconds(now() - start)
        // The server needs a moment to see the last of them go.
        let settled = now() + nanosecondsPerSecond
        while now() < settled { try step(until: settled) }
        return report(elapsed, before, try sample())
    }

    var succeeded: Bool { done > 0 && failed == 0 }

    private func waitForPublishers() throws(Failure) {
        guard let studio else { return }
        let end = now() + Churn.patience
        let lead = nanoseconds(options.lead)
        while !studio.isLive, now() < end { try step(until: now() + 5 * nanosecondsPerMillisecond) }
        if !studio.isLive { throw Failure("the server did not accept the publisher") }
        let leadEnd = now() + lead
        while now() < leadEnd { try step(until: leadEnd) }
    }

    private func step(until deadline: UInt64) throws(Failure) {
        let due = min(deadline, studio?.run(at: now()) ?? deadline)
        if let failure = studio?.failures.first { throw Failure(failure) }
        poller.wait(until: due) { owner, events in
            switch owner {
            case .publisher(let index): studio?.handle(index, events)
            case .viewer(let index):
                audience.handle(index, events)
                settle(index)
            default: break
            }
        }
    }

    private func fillSeats() throws(Failure) {
        while begun < options.count, seated.count < options.parallel {
            try audience.seat(seated.count, turn: begun)
            seated.append(now())
            begun += 1
        }
        for index in seated.indices where audience.viewers[index].phase == .closed && begun < options.count {
            try audience.seat(index, turn: begun)
            seated[index] = now()
            begun += 1
        }
    }

    private func settle(_ index: Int) {
        let viewer = audience.viewers[index]
        if seated[index] == 0 { return }
        if viewer.phase == .closed {
            failed += 1
            seated[index] = 0
        } else if viewer.sight.hasMedia {
            viewer.leave(byReset: done % 2 == 1)
            done += 1
            seated[index] = 0
        }
    }

    private func giveUpOnTheSilent(_ time: UInt64) {
        for index in seated.indices where seated[index] != 0 && time - seated[index] > Churn.patience {
            audience.viewers[index].leave(byReset: true)
            audience.tally.reasons["nothing for 10 s", default: 0] += 1
            failed += 1
            seated[index] = 0
        }
    }

    private func sample() throws(Failure) -> ProcessSample? {
        guard let pid = options.serverPID else { return nil }
        return try ProcessSample(pid: pid)
    }

    private func report(_ elapsed: Double, _ before: ProcessSample?, _ after: ProcessSample?) -> Report {
        if !options.quiet { fputs("\r\u{1b}[K", stderr) }
        var report = Report()
        report.add("mode", "mode", options.mode)
        report.add("done", "came and went", done)
        report.add("failed", "failed", failed)
        report.add("elapsed_s", "time, s", elapsed)
        report.add("per_s", "visits per second", Double(done) / max(elapsed, 1e-9))
        for (reason, count) in audience.tally.reasons.sorted(by: { $0.value > $1.value }).prefix(3) {
            report.add("reason: \(reason)", "  \(reason)", count)
        }
        report.add("first_bytes", "time to first media", audience.tally.firstBytes)
        if let before, let after {
            report.add("rss_before_kb", "server RSS before, KB", before.residentKB)
            report.add("rss_after_kb", "server RSS after, KB", after.residentKB)
            report.add("server_cpu_s", "server CPU, s", after.cpu - before.cpu)
            report.add(
                "cpu_ms_per_visit", "server CPU ms per visit", (after.cpu - before.cpu) * 1000 / Double(max(done, 1)))
        }
        return report
    }
}
