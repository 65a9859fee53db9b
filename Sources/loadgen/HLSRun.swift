//! One run of `hls`: viewers that fetch playlists and media over HTTP, and how soon they are answered.

import CSystem
@preconcurrency import Glibc

final class HLSRun {
    /// Bytes read at once.
    private static let readSize = 256 << 10
    /// Questions asked in a row; what has come is read first.
    private static let asksPerTurn = 64
    /// How often it is looked whose rest is over.
    private static let look = 2 * nanosecondsPerMillisecond
    /// For so long answers gather before they are read. The kernel says when each came, so nothing is lost by it; and the
    /// server does not pay for waking this program with each of its sends, as it does not pay for viewers elsewhere.
    private static let nap = nanosecondsPerMillisecond
    private static let patience = 15 * nanosecondsPerSecond
    /// Between two comparisons of clocks that nobody has set.
    private static let clockNoise: UInt64 = 50_000

    private let options: Options
    private let course: HLSCourse
    private let poller: Poller
    private let studio: Studio?
    private let tally = HLSTally()
    private let address: Address
    private let host: String
    private let path: String
    private var viewers: [HLSViewer] = []
    private var due: [Int] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: HLSRun.readSize, alignment: 64)

    private var measuredFrom: UInt64 = 0
    private var measuredTo: UInt64 = 0

    init(_ options: Options) throws(Failure) {
        self.options = options
        course = options.follow
        poller = try Poller()
        _ = loadgen_compare_clocks()
        guard let url = options.urls.first, options.urls.count == 1 else {
            throw Failure("hls needs one --url http://HOST:PORT/APP/STREAM or the URL of a playlist")
        }
        let target = try Target(url)
        guard target.transport == .http else { throw Failure("\(url): HLS goes over http") }
        host = "\(target.host):\(target.port)"
        path = HLSRun.playlistPath(target)
        address = try Address(host: target.host, port: target.port)
        studio = options.file == nil ? nil : try Studio(options, poller: poller)
    }

    deinit { buffer.deallocate() }

    /// A stream's playlist has a name of its own below the stream's.
    static func playlistPath(_ target: Target) -> String {
        let name = target.prefix.hasSuffix(".m3u8") ? target.prefix : target.prefix + "/index.m3u8"
        return "/\(target.app)/\(name)\(target.query)"
    }

    func perform() throws(Failure) -> Report {
        try publish()
        let before = try sample()
        try connect()
        try turn(until: now() + nanoseconds(options.warmup))
        let start = try sample()
        let own = ProcessSample.own()
        let bytes = tally.bytes
        tally.isMeasuring = true
        measuredFrom = now()
        try turn(until: measuredFrom + nanoseconds(options.seconds))
        measuredTo = now()
        tally.isMeasuring = false
        let end = try sample()
        var report = Report()
        add(to: &report, bytes: tally.bytes - bytes)
        let window = seconds(measuredTo - measuredFrom)
        if let before, let start, let end {
            let cpu = end.cpu - start.cpu
            report.add("server_cpu", "server CPU share", cpu / window)
            report.add("cpu_s_per_gb", "server CPU s per GB delivered", cpu / (Double(tally.bytes - bytes) / 1e9))
            report.add("rss_before_kb", "server RSS before the viewers, KB", before.residentKB)
            report.add("server_rss_kb", "server RSS, KB", end.residentKB)
        }
        report.add("loadgen_cpu", "load generator's CPU share", (ProcessSample.own() - own) / window)
        return report
    }

    // MARK: Phases

    private func publish() throws(Failure) {
        guard let studio else { return }
        let end = now() + HLSRun.patience
        while !studio.isLive, now() < end { try step(until: now() + 5 * nanosecondsPerMillisecond) }
        guard studio.isLive else { throw Failure(studio.lastReason ?? "the server did not accept the publisher") }
        try turn(until: now() + nanoseconds(options.lead))
    }

    private func connect() throws(Failure) {
        let first = now()
        while viewers.count < options.viewers, loadgen_interrupted() == 0 {
            let next = first + nanoseconds(Double(viewers.count) / options.connectRate)
            try turn(until: next)
            viewers.append(
                try HLSViewer(viewers.count, address, host: host, path: path, course, tally, poller))
        }
    }

    private func turn(until end: UInt64) throws(Failure) {
        while now() < end, loadgen_interrupted() == 0 { try step(until: end) }
    }

    private var nextComparison: UInt64 = 0
    /// Times that somebody has set the wall clock, which answers are dated by: one that came just then is misdated.
    private var clockSteps = 0

    private func compareClocks(_ time: UInt64) {
        guard time >= nextComparison else { return }
        nextComparison = time + nanosecondsPerSecond / 10
        if loadgen_compare_clocks().magnitude > HLSRun.clockNoise { clockSteps += 1 }
    }

    private var nextLook: UInt64 = 0
    /// Events wait that the last turn did not take.
    private var hasMore = false

    private func step(until deadline: UInt64) throws(Failure) {
        let time = now()
        if let failure = studio?.failures.first { throw Failure(failure) }
        compareClocks(time)
        let wanted = min(deadline, studio?.run(at: time) ?? deadline, wakeResting(time))
        var isQuiet = true
        if due.isEmpty, !hasMore, wanted > time { loadgen_sleep(min(wanted - time, HLSRun.nap)) }
        hasMore = poller.wait(until: due.isEmpty ? wanted : 0) { owner, events in
            switch owner {
            case .publisher(let index): studio?.handle(index, events)
            case .viewer(let index):
                isQuiet = false
                if viewers[index].handle(events, buffer) { due.append(index) }
            default: break
            }
        }
        guard isQuiet, !due.isEmpty else { return }
        let asking = due.prefix(HLSRun.asksPerTurn)
        for index in asking { viewers[index].ask(now()) }
        due.removeFirst(asking.count)
    }

    private func wakeResting(_ time: UInt64) -> UInt64 {
        guard course == .segments || tally.failures > 0 else { return .max }
        guard time >= nextLook else { return nextLook }
        nextLook = time + HLSRun.look
        for (index, viewer) in viewers.enumerated() where viewer.wakes(at: time) { due.append(index) }
        return nextLook
    }

    private func sample() throws(Failure) -> ProcessSample? {
        guard let pid = options.serverPID else { return nil }
        return try ProcessSample(pid: pid)
    }

    // MARK: The report

    private func add(to report: inout Report, bytes: UInt64) {
        report.add("mode", "mode", options.mode)
        report.add("viewers", "viewers", viewers.count)
        report.add(
            "megabytes_per_s", "MB/s received", Double(bytes) / 1e6 / max(seconds(measuredTo - measuredFrom), 1e-9))
        report.add("failures", "failures, whole run", tally.failures)
        for (reason, count) in tally.reasons.sorted(by: { $0.value > $1.value }).prefix(3) {
            report.add("reason: \(reason)", "  \(reason)", count)
        }
        report.add("reconnects", "connections made again", tally.reconnects)
        if clockSteps > 0 { report.add("clock_steps", "times that the wall clock was set", clockSteps) }
        if tally.misdated > 0 { report.add("misdated", "answers dated before their questions", tally.misdated) }
        report.add("playlist_answers", "playlists, whole run", tally.playlists)
        if tally.playlistTime.count > 0 { report.add("playlist_time", "time to a playlist", tally.playlistTime) }
        guard course != .segments else {
            report.add("segments", "segments, whole run", tally.segments)
            report.add("segment_time", "time to a segment", tally.segmentTime)
            return
        }
        let result = tally.parts.result(from: measuredFrom, to: measuredTo - min(measuredTo, nanosecondsPerSecond))
        report.add("parts_fetched", "parts fetched, whole run", tally.partsFetched)
        report.add("hints_missed", "parts announced that never came", tally.hintsMissed)
        report.add("parts", "parts that were waited for", result.parts)
        report.add("waiting_fewest", "viewers that waited for a part, fewest", result.fewest)
        report.add("waiting_most", "viewers that waited for a part, most", result.most)
        report.add("asked_late", "viewers that asked when it was there", result.late)
        report.add("answer", "from the part's end to an answer", result.answers)
        report.add("last_answer", "from the part's end to its last answer", result.last)
    }

    /// With `--strict` a failure is one of the run.
    var succeeded: Bool {
        let hasMedia = tally.segments + tally.partsFetched > 0
        return hasMedia && (!options.strict || tally.failures == 0)
    }
}
