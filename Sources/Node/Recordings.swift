/// What the node records: the disk thread, the applications' libraries, and on which loop each stream is recorded.
///
/// Invariant: a stream has one recording at a time, whichever loops it is published on and asked for from. The thread
/// begins with the first library, so that a node that records nothing has none.
import Configuration
import EventLoop
import Fanout
import Operations
import Recording

final class Recordings: Sendable {
    private let settings: Settings
    private let writer: DiskWriter
    private let log: EventLog
    private let tally: RecordingTally
    private let table = Lock(Table())

    private struct Table {
        var libraries: [Place: RecordingLibrary] = [:]
        var seats: [StreamName: Seat] = [:]
        /// Streams, by name and number, whose recording an operator has ended: it does not begin again by itself.
        var silenced: [StreamName: UInt32] = [:]
        /// Of recordings that run, and of those whose last bytes are on their way.
        var lanes: [RecordingLane] = []
        /// Bytes of those that are through.
        var settled: UInt64 = 0
    }

    private struct Place: Hashable {
        var app: String
        var root: String
    }

    /// Where a recording lives.
    private struct Seat: Sendable {
        var id: ObjectIdentifier
        var stream: UInt32
        var isRequested: Bool
        var mailbox: Mailbox
        var recording: LoopBound<StreamRecording>
    }

    /// Files that one request lists.
    static let listLimit = 1000
    /// Milliseconds that the end of the process waits for the disk. What it has not taken is adopted at the next start.
    private static let patience = 10_000

    init(_ settings: Settings, _ log: EventLog) {
        self.settings = settings
        self.log = log
        let tally = RecordingTally(log)
        self.tally = tally
        writer = DiskWriter { tally.heard($0) }
    }

    /// Finishes what a crash has left, and keeps to the limits of what is there.
    func start() {
        let roots = Recordings.roots(settings)
        guard !roots.isEmpty else { return }
        startThread()
        for root in roots {
            writer.findApps(below: root) { [self] apps in
                for app in apps {
                    let record = settings.of(app: app, stream: "").record
                    _ = library(app, root: root, record.path == root ? record.limits : .none)
                }
            }
        }
    }

    private static func roots(_ settings: Settings) -> [String] {
        Set(settings.everywhere.map(\.settings.record.path)).subtracting([""]).sorted()
    }

    /// What cannot be a folder will not become one by itself. A disk that is full, or not there yet, is another matter:
    /// it is told when it is needed, and keeps nobody from watching.
    static func checkFolders(_ settings: Settings) throws(StartError) {
        for root in roots(settings) {
            if let obstacle = SystemDisk.obstacle(to: root) { throw .recordingFolder(root, obstacle: obstacle) }
        }
    }

    /// Finishes every file. Once no loop records any more.
    func close() {
        if !writer.close(within: Recordings.patience) { tally.diskIsSilent() }
    }

    private func startThread() {
        if !writer.start() { tally.hasNoThread() }
    }

    private func library(_ app: String, root: String, _ limits: RetentionPlan.Limits) -> RecordingLibrary {
        startThread()
        let place = Place(app: app, root: root)
        let (library, isNew) = table.with { table -> (RecordingLibrary, Bool) in
            if let present = table.libraries[place] { return (present, false) }
            let made = RecordingLibrary(app: app, root: root, limits: limits)
            table.libraries[place] = made
            return (made, true)
        }
        if isNew { writer.add(library) }
        return library
    }

    // MARK: Recording

    /// What takes frames of a stream to the disk; `number` is the next file's.
    func makeRecorder(_ name: StreamName, _ format: RecordingFormat, number: Int) -> Recorder {
        let record = settings.of(app: name.app, stream: name.name).record
        let recorder = Recorder(
            app: name.app, stream: name.name, settings: record.settings(format),
            library: library(name.app, root: record.path, record.limits), writer: writer, number: number,
            prologue: RecordOutlet.prologue(format))
        settle()
        table.with { $0.lanes.append(recorder.lane) }
        return recorder
    }

    /// Gives the stream's one seat to `recording`, unless it is taken.
    func enter(_ recording: StreamRecording, on loop: Loop) -> Bool {
        let handle = recording.handle
        let seat = Seat(
            id: ObjectIdentifier(recording), stream: handle.number, isRequested: recording.isRequested,
            mailbox: loop.mailbox,
            recording: LoopBound(recording, on: loop))
        return table.with { table in
            if seat.isRequested {
                table.silenced[handle.name] = nil
            } else if let silenced = table.silenced[handle.name] {
                guard silenced != handle.number else { return false }
                table.silenced[handle.name] = nil
            }
            // The stream of that name that ended a moment ago may not have been let go of on its loop.
            if let present = table.seats[handle.name], present.stream == handle.number {
                if seat.isRequested { table.seats[handle.name]?.isRequested = true }
                return false
            }
            table.seats[handle.name] = seat
            return true
        }
    }

    func leave(_ recording: StreamRecording) {
        let name = recording.handle.name
        table.with { table in
            if table.seats[name]?.id == ObjectIdentifier(recording) { table.seats[name] = nil }
        }
        settle()
    }

    /// An operator ends it. False if there is none.
    func stop(_ name: StreamName) -> Bool {
        let seat = table.with { table -> Seat? in
            guard let seat = table.seats.removeValue(forKey: name) else { return nil }
            table.silenced[name] = seat.stream
            return seat
        }
        guard let seat else { return false }
        seat.mailbox.post { loop in seat.recording.value(on: loop).end(.stopped) }
        return true
    }

    /// The stream comes from another node now: that one records it, unless somebody has asked for it here.
    func follows(_ name: StreamName) {
        guard let seat = table.with({ $0.seats[name] }), !seat.isRequested else { return }
        seat.mailbox.post { loop in seat.recording.value(on: loop).end(.ended) }
    }

    /// Asks the stream's home what of it has a place in files of that format; tells the log what has none, and `then`
    /// on `loop`.
    func ask(
        fitOf handle: StreamHandle, in format: RecordingFormat, from loop: Loop,
        _ then: @escaping @Sendable (Loop, ContainerFit) -> Void
    ) {
        let (mailbox, log) = (loop.mailbox, log)
        handle.onHome(from: loop) { stream in
            let fit = RecordOutlet.fit(of: stream, in: format)
            if !fit.news.isEmpty {
                log.write(
                    .warning, "stream.left_out",
                    [
                        ("stream", "\(handle.name)"), ("format", format.rawValue),
                        ("codecs", fit.news.joined(separator: ",")),
                    ])
            }
            mailbox.post { loop in then(loop, fit) }
        }
    }

    static func misfit(_ fit: ContainerFit, _ format: RecordingFormat) -> String {
        let codecs = fit.leftOut.joined(separator: " and ")
        return "files of \(format.rawValue) do not hold \(codecs); record it as another format"
    }

    // MARK: Reports

    /// The newest finished files of a stream, oldest first; nil where nothing can be recorded. `reply` comes on the disk
    /// thread.
    func list(_ name: StreamName, _ reply: @escaping @Sendable (Result<[RecordedFile], DiskError>) -> Void) -> Bool {
        let record = settings.of(app: name.app, stream: name.name).record
        guard !record.path.isEmpty else { return false }
        startThread()
        // Not one that is kept: whoever asks may name applications that have nothing.
        writer.list(
            app: name.app, stream: name.name, pattern: record.pattern,
            in: RecordingLibrary(app: name.app, root: record.path), limit: Recordings.listLimit
        ) { result in reply(result.map { $0.map(RecordedFile.init) }) }
        return true
    }

    var totals: RecordingTotals {
        settle()
        let (lanes, settled, active) = table.with { ($0.lanes, $0.settled, $0.seats.count) }
        var totals = RecordingTotals()
        totals.active = active
        totals.bytes = lanes.reduce(settled) { $0 + UInt64(writer.status(of: $1).written) }
        totals.failures = tally.failures
        return totals
    }

    /// Lets go of lanes whose recorders are gone and whose bytes are written.
    private func settle() {
        let lanes = table.with { $0.lanes }
        let through = lanes.filter { lane in
            let status = writer.status(of: lane)
            return lane.isOver && status.queued == 0 && status.path == nil
        }
        guard !through.isEmpty else { return }
        let gone = Set(through.map(ObjectIdentifier.init))
        let written = Dictionary(
            uniqueKeysWithValues: through.map { (ObjectIdentifier($0), UInt64(writer.status(of: $0).written)) })
        table.with { table in
            for lane in table.lanes where gone.contains(ObjectIdentifier(lane)) {
                table.settled += written[ObjectIdentifier(lane)] ?? 0
            }
            table.lanes.removeAll { gone.contains(ObjectIdentifier($0)) }
        }
    }
}

extension RecordedFile {
    init(_ entry: IndexEntry) {
        self.init(
            file: entry.file, format: entry.format.rawValue, started: Double(entry.start) / 1e6,
            finished: Double(entry.finished) / 1e6, seconds: Double(entry.duration) / 1000, bytes: entry.bytes,
            tracks: entry.tracks, reason: entry.reason.rawValue)
    }
}
