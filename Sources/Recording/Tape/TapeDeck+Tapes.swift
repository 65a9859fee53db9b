/// Which tapes there are: those that streams fill, and those that earlier runs have left.
import StreamLog

extension TapeDeck {
    private func folder(_ app: String, _ stream: String) -> String {
        root + "/" + SafeName.value(app) + "/" + SafeName.value(stream)
    }

    /// The tape of a stream that begins, or goes on.
    public func begin(app: String, stream: String, _ limits: Tape.Limits, _ owner: TapeOwner) -> Tape {
        let tape = tape(in: folder(app, stream), limits)
        let isNew = tape.state.with { state in
            (state.limits, state.owner) = (limits, owner)
            defer { state.isAsked = true }
            return !state.isAsked
        }
        if isNew { write { [self] in load(tape) } }
        return tape
    }

    /// The stream has ended: behind what still waits for the disk nothing more comes, and what is kept ages.
    public func end(app: String, stream: String, _ owner: TapeOwner) {
        guard let tape = find(app: app, stream: stream) else { return }
        write { tape.state.with { if $0.owner === owner { $0.owner = nil } } }
    }

    /// What playlists say of the tracks on a tape, from now on.
    public func describe(_ title: TapeTitle, on tape: Tape) {
        let isNews = tape.state.with { state in
            defer { state.title = title }
            return state.title != title
        }
        if isNews { write { [self] in saveTitle(of: tape) } }
    }

    /// Without it a later run says less of the tracks, and plays them all the same.
    func saveTitle(of tape: Tape) {
        try? disk.makeFolder(tape.folder)
        try? disk.replace(tape.folder + "/" + TapeTitle.file, with: Array(tape.title.text.utf8))
    }

    /// The tape of a stream of which something is kept.
    public func find(app: String, stream: String) -> Tape? {
        let folder = folder(app, stream)
        return queues.with { $0.tapes[folder] }
    }

    private func tape(in folder: String, _ limits: Tape.Limits) -> Tape {
        queues.with { queues in
            let tape = queues.tapes[folder] ?? Tape(folder: folder, limits)
            queues.tapes[folder] = tape
            return tape
        }
    }

    /// What earlier runs have left is listed and ages, whether anybody asks for it or not.
    func adopt(_ limits: @Sendable (String, String) -> Tape.Limits) {
        for app in (try? disk.entries(root)) ?? [] where app.kind == .folder {
            for stream in (try? disk.entries(root + "/" + app.name)) ?? [] where stream.kind == .folder {
                let folder = root + "/" + app.name + "/" + stream.name
                load(tape(in: folder, limits(app.name, stream.name)))
            }
        }
    }

    private func load(_ tape: Tape) {
        guard !tape.state.with({ $0.isLoaded }) else { return }
        var index = TapeIndex()
        let files = ((try? disk.entries(tape.folder)) ?? []).filter { $0.kind == .file }
        let lost = index.load(files.map { ($0.name, Int($0.bytes)) })
        for file in files where file.name.hasSuffix(TapeEntry.unfinished) {
            try? disk.remove(tape.folder + "/" + file.name)
        }
        for file in lost { try? disk.remove(tape.folder + "/" + file) }
        let title = try? disk.read(tape.folder + "/" + TapeTitle.file, limit: TapeTitle.mostBytes)
        tape.state.with { state in
            state.index = index
            // What the stream says at present is newer.
            if let title, state.title == TapeTitle() { state.title = TapeTitle(text: title) }
            for file in files {
                guard let hash = TapeEntry.initialisation(file: file.name) else { continue }
                state.initialisations[hash] = Int(file.bytes)
            }
            (state.isAsked, state.isLoaded) = (true, true)
        }
        keepToWindow(tape)
    }

    /// To be called now and then, on the thread that writes.
    func age() {
        for tape in queues.with({ Array($0.tapes.values) }) {
            keepToWindow(tape)
            let isOver = queues.with { queues -> Bool in
                let isOver = tape.state.with { $0.isLoaded && !$0.isLive && $0.index.entries.isEmpty }
                if isOver { queues.tapes[tape.folder] = nil }
                return isOver
            }
            guard isOver else { continue }
            try? disk.remove(tape.folder + "/" + TapeTitle.file)
            disk.removeFolder(tape.folder)
            // If it was the last of its application.
            if let slash = tape.folder.lastIndex(of: "/") { disk.removeFolder(String(tape.folder[..<slash])) }
        }
    }

    // MARK: Reports

    public struct Totals: Sendable {
        public var tapes = 0
        public var segments = 0
        public var bytes = 0
        public var queued = 0
        /// Tapes on which nothing is kept at present.
        public var failing = 0
    }

    public var totals: Totals {
        let tapes = queues.with { Array($0.tapes.values) }
        return tapes.reduce(into: Totals()) { totals, tape in
            let status = tape.status
            totals.tapes += 1
            totals.segments += status.segments
            totals.bytes += status.bytes
            totals.queued += status.queued
            if status.failure != nil { totals.failing += 1 }
        }
    }
}
