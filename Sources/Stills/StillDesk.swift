/// Decides what is done for a request for a stream's picture: whether one that is kept will do, whether to wait for one
/// that is being made, whether to make one, now or in turn. It makes none itself and reads no clock.
///
/// A picture on its way is a job, first `looking` for the newest keyframe, then `queued`, then `developing`. Invariants:
/// a stream has one job at most, and no more than `processes` are developing; whoever waits is given back once, when the
/// job is over. Jobs, waiters and kept bytes have limits. `Waiter` is whatever the caller knows who asks by; times are
/// milliseconds of a clock that only rises.
public struct StillDesk<Waiter> {
    public enum Answer {
        case still(Still)
        case failed(StillFailure)
        /// It will be given back by what ends the job.
        case waits
        /// The same, and the caller has to look for the newest keyframe: `found` or `giveUp` follows.
        case looks
        /// There are too many jobs, or too many that wait.
        case crowded
    }

    public enum Found {
        /// The picture that is kept shows it.
        case unchanged(Ending)
        /// The caller has to make the picture: `developed` follows.
        case develops
        /// An `Ending` of another job will say when.
        case waitsForTurn
    }

    /// Who is told what, and whose turn it is.
    public struct Ending {
        public fileprivate(set) var answers: [(waiter: Waiter, result: Result<Still, StillFailure>)] = []
        /// Streams that are to be developed now.
        public fileprivate(set) var turns: [String] = []
        /// Streams whose turn will never come.
        public fileprivate(set) var dropped: [String] = []
    }

    private enum Phase: Equatable {
        case looking
        case queued(Still.Mark, since: UInt64)
        case developing(Still.Mark)
    }

    private struct Job {
        var phase = Phase.looking
        /// Milliseconds for which its result will do.
        let cache: UInt64
        var waiters: [Waiter]
    }

    private struct Kept {
        var result: Result<Still, StillFailure>
        /// When it was last known to be of the newest keyframe, and until when that is good enough.
        var checked: UInt64
        var until: UInt64

        var bytes: Int { (try? result.get().jpeg.count) ?? 0 }
    }

    /// Programs at one time.
    public let processes: Int
    /// Milliseconds that a job waits for its turn.
    public let patience: UInt64
    private var jobs: [String: Job] = [:]
    /// Oldest first.
    private var queue: [String] = []
    private var kept: [String: Kept] = [:]
    private var waiting = 0
    private var keptBytes = 0

    /// Streams whose pictures are being made or waited for: a page of thumbnails, but not a list of everything.
    public static var mostJobs: Int { 64 }
    /// Requests that wait for any picture.
    public static var mostWaiting: Int { 1_000 }
    /// Bytes of all pictures that are kept: some hundreds.
    public static var mostBytes: Int { 64 << 20 }
    /// Milliseconds for which a failure is told again before it is tried again, at least.
    public static var pause: UInt64 { 1_000 }
    /// Milliseconds that a picture is kept behind its time, in case no newer keyframe has come.
    public static var keep: UInt64 { 60_000 }

    public init(processes: Int, patience: UInt64) {
        self.processes = max(1, processes)
        self.patience = patience
    }

    /// Programs that run now.
    public var developing: Int {
        jobs.values.count { if case .developing = $0.phase { true } else { false } }
    }

    // MARK: Requests

    /// `cache`: for how many milliseconds a picture of the stream will do, whatever has come since.
    public mutating func ask(_ stream: String, _ waiter: Waiter, cache: UInt64, now: UInt64) -> Answer {
        if let kept = kept[stream], now < kept.until {
            switch kept.result {
            case .success(let still): return .still(still)
            case .failure(let failure): return .failed(failure)
            }
        }
        guard waiting < Self.mostWaiting else { return .crowded }
        if jobs[stream] != nil {
            jobs[stream]?.waiters.append(waiter)
            waiting += 1
            return .waits
        }
        guard jobs.count < Self.mostJobs else { return .crowded }
        tidy(now: now)
        jobs[stream] = Job(cache: cache, waiters: [waiter])
        waiting += 1
        return .looks
    }

    // MARK: Jobs

    /// The stream's newest keyframe is that one.
    public mutating func found(_ stream: String, _ mark: Still.Mark, now: UInt64) -> Found {
        guard let job = jobs[stream], job.phase == .looking else { preconditionFailure("nobody looks for a keyframe") }
        if case .success(let still) = kept[stream]?.result, still.mark == mark {
            return .unchanged(end(stream, .success(still), now: now))
        }
        guard developing < processes else {
            jobs[stream]?.phase = .queued(mark, since: now)
            queue.append(stream)
            return .waitsForTurn
        }
        jobs[stream]?.phase = .developing(mark)
        return .develops
    }

    /// There is no keyframe to make a picture of.
    public mutating func giveUp(_ stream: String, _ failure: StillFailure, now: UInt64) -> Ending {
        guard jobs[stream]?.phase == .looking else { preconditionFailure("nobody looks for a keyframe") }
        return end(stream, .failure(failure), now: now)
    }

    /// The program is through.
    public mutating func developed(
        _ stream: String, _ result: Result<[UInt8], StillFailure>, now: UInt64
    ) -> Ending {
        guard case .developing(let mark) = jobs[stream]?.phase else { preconditionFailure("no picture is being made") }
        return end(stream, result.map { Still(jpeg: $0, mark: mark) }, now: now)
    }

    private mutating func end(
        _ stream: String, _ result: Result<Still, StillFailure>, now: UInt64
    ) -> Ending {
        var ending = Ending()
        close(stream, result, now: now, into: &ending)
        while !queue.isEmpty, developing < processes {
            let next = queue.removeFirst()
            guard case .queued(let mark, let since) = jobs[next]?.phase else { continue }
            if now - min(now, since) > patience {
                ending.dropped.append(next)
                close(next, .failure(.busy), now: now, into: &ending)
            } else {
                jobs[next]?.phase = .developing(mark)
                ending.turns.append(next)
            }
        }
        return ending
    }

    private mutating func close(
        _ stream: String, _ result: Result<Still, StillFailure>, now: UInt64, into ending: inout Ending
    ) {
        guard let job = jobs.removeValue(forKey: stream) else { return }
        waiting -= job.waiters.count
        ending.answers += job.waiters.map { ($0, result) }
        let good = if case .success = result { job.cache } else { max(job.cache, Self.pause) }
        keep(Kept(result: result, checked: now, until: now + good), for: stream)
    }

    // MARK: What is kept

    private mutating func keep(_ entry: Kept, for stream: String) {
        keptBytes += entry.bytes - (kept.updateValue(entry, forKey: stream)?.bytes ?? 0)
        while keptBytes > Self.mostBytes, let oldest = kept.min(by: { $0.value.checked < $1.value.checked })?.key {
            drop(oldest)
        }
    }

    private mutating func tidy(now: UInt64) {
        for (stream, entry) in kept where now >= entry.until {
            if case .success = entry.result, now < entry.until + Self.keep { continue }
            drop(stream)
        }
    }

    private mutating func drop(_ stream: String) {
        keptBytes -= kept.removeValue(forKey: stream)?.bytes ?? 0
    }

    /// Streams of which something is kept.
    var keptCount: Int { kept.count }
}
