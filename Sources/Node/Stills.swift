/// The pictures of a node's streams: who waits for which, and the threads on which programs make them.
///
/// The desk behind the lock decides; this does what it says. Looking for keyframes is the loops' (`StillLook`), making
/// pictures of them a thread's that lives as long as its program, so that no loop waits for either.
import Configuration
import EventLoop
import Fanout
import Operations
import Stills
import Threads

final class Stills: Sendable {
    typealias Answer = @Sendable (Loop, Result<Still, StillFailure>) -> Void

    private struct Waiter: Sendable {
        let mailbox: Mailbox
        let answer: Answer
    }

    /// What a program is to make a picture of.
    private struct Source: Sendable {
        let name: StreamName
        let keyframe: KeyframeOutlet.Keyframe
    }

    private struct Table {
        var desk: StillDesk<Waiter>
        /// Of jobs that wait for their turn.
        var sources: [String: Source] = [:]
        var made: UInt64 = 0
        var failures: [String: UInt64] = [:]
    }

    /// What a request comes to that need not wait.
    enum Decision {
        case answered(Result<Still, StillFailure>)
        case waits
        /// It waits, and somebody has to look for the keyframe.
        case looks
        case crowded
    }

    private let settings: Settings
    private let log: EventLog
    private let table: Lock<Table>

    init(_ settings: Settings, _ log: EventLog) {
        self.settings = settings
        self.log = log
        table = Lock(
            Table(
                desk: StillDesk(
                    processes: settings.snapshot.processes, patience: UInt64(settings.snapshot.timeout))))
    }

    private var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    private func own(_ name: StreamName) -> Settings.Snapshot { settings.of(app: name.app, stream: name.name).snapshot }

    // MARK: Requests

    /// `answer` comes on `loop`, unless the decision says that it does not.
    func ask(_ name: StreamName, on loop: Loop, _ answer: @escaping Answer) -> Decision {
        let (now, cache) = (now, UInt64(own(name).cache))
        let waiter = Waiter(mailbox: loop.mailbox, answer: answer)
        return table.with { table in
            switch table.desk.ask("\(name)", waiter, cache: cache, now: now) {
            case .still(let still): .answered(.success(still))
            case .failed(let failure): .answered(.failure(failure))
            case .waits: .waits
            case .looks: .looks
            case .crowded: .crowded
            }
        }
    }

    // MARK: Jobs

    func found(_ name: StreamName, _ keyframe: KeyframeOutlet.Keyframe) {
        let now = now
        let mark = Still.Mark(epoch: keyframe.epoch, timestamp: keyframe.timestamp)
        let source = Source(name: name, keyframe: keyframe)
        let found = table.with { table in
            let found = table.desk.found("\(name)", mark, now: now)
            if case .waitsForTurn = found { table.sources["\(name)"] = source }
            return found
        }
        switch found {
        case .unchanged(let ending): settle(ending)
        case .develops: develop(source)
        case .waitsForTurn: break
        }
    }

    func giveUp(_ name: StreamName, _ failure: StillFailure) {
        let now = now
        settle(
            table.with { table in
                table.failures[failure.code, default: 0] += 1
                return table.desk.giveUp("\(name)", failure, now: now)
            })
    }

    private func settle(_ ending: StillDesk<Waiter>.Ending) {
        for (waiter, result) in ending.answers { waiter.mailbox.post { waiter.answer($0, result) } }
        let turns = table.with { table in
            for stream in ending.dropped {
                table.sources[stream] = nil
                table.failures[StillFailure.busy.code, default: 0] += 1
            }
            return ending.turns.compactMap { table.sources.removeValue(forKey: $0) }
        }
        for source in turns { develop(source) }
    }

    private func develop(_ source: Source) {
        let settings = own(source.name)
        let started = Thread.detached("snapshot") { [self] in developed(source, Stills.run(source, settings)) }
        if !started { developed(source, .failure(.failed("the system refuses another thread"))) }
    }

    private func developed(_ source: Source, _ result: Result<[UInt8], StillFailure>) {
        let now = now
        if case .failure(let failure) = result {
            log.write(
                .warning, "snapshot.failed",
                [("stream", "\(source.name)"), ("code", failure.code), ("reason", "\(failure)")])
        }
        settle(
            table.with { table in
                switch result {
                case .success: table.made += 1
                case .failure(let failure): table.failures[failure.code, default: 0] += 1
                }
                return table.desk.developed("\(source.name)", result, now: now)
            })
    }

    /// On a thread of its own: it waits for the program.
    private static func run(_ source: Source, _ settings: Settings.Snapshot) -> Result<[UInt8], StillFailure> {
        let frame = source.keyframe.frame.copy
        guard let file = KeyframeFile(prologue: source.keyframe.prologue, keyframe: frame) else {
            return .failure(.noPictures)
        }
        guard let path = ChildProgram.find(settings.ffmpeg) else { return .failure(.noProgram(settings.ffmpeg)) }
        let program = ChildProgram(
            path: path, arguments: DevelopCommand.arguments(file.container, width: settings.width),
            patience: UInt64(settings.timeout), mostOutput: DevelopCommand.mostBytes,
            mostErrors: DevelopCommand.mostWords, mostMemory: DevelopCommand.mostMemory)
        switch program.run(file.bytes) {
        case .ended(let output, let errors):
            return Still.isWhole(output) ? .success(output) : .failure(.failed(DevelopCommand.lastWords(errors)))
        case .killedForTime: return .failure(.tooSlow(milliseconds: settings.timeout))
        case .killedForSize: return .failure(.tooLarge(bytes: DevelopCommand.mostBytes))
        case .failed(let reason): return .failure(.failed("\(path) cannot be run: \(reason)"))
        }
    }

    // MARK: Reports

    var totals: SnapshotTotals {
        table.with { table in
            var totals = SnapshotTotals()
            totals.running = table.desk.developing
            totals.made = table.made
            totals.failures = table.failures
            return totals
        }
    }
}
