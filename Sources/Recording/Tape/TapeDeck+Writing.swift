/// What goes to the disk and what goes from it: segments are put there whole or not at all, by the writing thread.
import Glibc
import StreamLog

extension TapeDeck {
    /// What is kept of a stream.
    public enum Segment: Sendable {
        /// `discontinuity`: as live.
        case main(TapeEntry, discontinuity: UInt32)
        /// Those of the other tracks come before the next of the main one.
        case audio(TapeCompanion)

        fileprivate var initialisation: UInt64 {
            switch self {
            case .main(let entry, _): entry.initialisation
            case .audio(let companion): companion.initialisation
            }
        }
    }

    /// A segment is whole: it goes to the disk when its turn comes. Called on a loop.
    public func keep(_ segment: Segment, _ bytes: SharedBytes, initialisation: SharedBytes, on tape: Tape) {
        let now = disk.now()
        guard tape.state.with({ now >= $0.pausedUntil }) else { return }
        let size = bytes.count
        let hasRoom = queues.with { queues -> Bool in
            guard queues.queued + size <= TapeDeck.mostQueuedOfAll else { return false }
            let hasRoom = tape.state.with { state -> Bool in
                guard state.queued + size <= TapeDeck.mostQueued else { return false }
                state.queued += size
                return true
            }
            if hasRoom { queues.queued += size }
            return hasRoom
        }
        guard hasRoom else { return fail(tape, .tooSlow(limit: TapeDeck.mostQueued)) }
        write { [self] in
            store(segment, bytes, initialisation, on: tape)
            queues.with { $0.queued -= size }
            tape.state.with { $0.queued -= size }
        }
    }

    private func store(_ segment: Segment, _ bytes: SharedBytes, _ initialisation: SharedBytes, on tape: Tape) {
        do throws(TapeFailure) {
            try makeRoom(for: Int64(bytes.count), tape)
            let hash = segment.initialisation
            let (index, known) = tape.state.with { ($0.index, $0.initialisations[hash] != nil) }
            guard let (segment, file) = index.placed(segment) else { return }
            do throws(DiskError) {
                if hash != 0, !known {
                    var head = PieceWriter()
                    try head.put(initialisation, as: TapeEntry.initialisation(hash), in: tape.folder, disk)
                    tape.state.with { $0.initialisations[hash] = initialisation.count }
                }
                var writer = PieceWriter()
                try writer.put(bytes, as: file, in: tape.folder, disk)
            } catch {
                throw .disk(error)
            }
            let wasFailing = tape.state.with { state in
                defer { state.failure = nil }
                switch segment {
                case .main(let entry, let discontinuity): state.index.append(entry, discontinuity: discontinuity)
                case .audio(let companion): state.index.append(companion)
                }
                return state.failure != nil
            }
            if wasFailing {
                saveTitle(of: tape)
                onEvent(.again(folder: tape.folder))
            }
            keepToWindow(tape)
        } catch {
            fail(tape, error)
        }
    }

    /// Nothing more is kept for a while.
    private func fail(_ tape: Tape, _ failure: TapeFailure) {
        let until = disk.now() + TapeDeck.pause
        let isNews = tape.state.with { state in
            defer { state.failure = failure }
            state.pausedUntil = until
            return state.failure != failure
        }
        if isNews { onEvent(.failed(folder: tape.folder, failure)) }
    }

    private func makeRoom(for bytes: Int64, _ tape: Tape) throws(TapeFailure) {
        let minFree = tape.state.with { $0.limits.minFree }
        guard minFree > 0 else { return }
        var dropped = 0
        do throws(DiskError) {
            try disk.makeFolder(tape.folder)
            while try disk.freeBytes(tape.folder) < minFree + bytes {
                guard let oldest = tape.state.with({ $0.index.dropOldest() }) else { break }
                for file in oldest { try disk.remove(tape.folder + "/" + file) }
                dropped += 1
            }
            if dropped > 0 { onEvent(.dropped(folder: tape.folder, segments: dropped)) }
            if try disk.freeBytes(tape.folder) >= minFree + bytes { return }
        } catch {
            throw .disk(error)
        }
        throw .belowFloor(minimum: minFree)
    }

    func keepToWindow(_ tape: Tape) {
        let now = disk.now()
        let (gone, hashes) = tape.state.with { state -> ([String], [UInt64]) in
            let gone = state.index.expire(window: state.limits.window, now: now, keepsOne: state.isLive)
            let hashes = gone.isEmpty ? [] : state.initialisations.keys.filter { !state.index.needs($0) }
            for hash in hashes { state.initialisations[hash] = nil }
            return (gone, hashes)
        }
        for file in gone { try? disk.remove(tape.folder + "/" + file) }
        for hash in hashes { try? disk.remove(tape.folder + "/" + TapeEntry.initialisation(hash)) }
    }
}

extension TapeIndex {
    /// A segment that follows, and the name of its file; nil for one that does not.
    fileprivate func placed(_ segment: TapeDeck.Segment) -> (TapeDeck.Segment, file: String)? {
        switch segment {
        case .main(let entry, let discontinuity):
            placed(entry, discontinuity: discontinuity).map {
                (.main($0, discontinuity: discontinuity), file: $0.file)
            }
        case .audio(let companion): hasPlace(for: companion) ? (segment, file: companion.file) : nil
        }
    }
}

/// Writes one file, which gets its name when it is whole. Nothing is synced: what a crash of the machine takes is a hole
/// in a window that would be gone in some hours anyway.
private struct PieceWriter {
    private var offset: Int64 = 0

    mutating func put(
        _ bytes: SharedBytes, as name: String, in folder: String, _ disk: any Disk
    ) throws(DiskError) {
        try disk.makeFolder(folder)
        let unfinished = folder + "/" + name + TapeEntry.unfinished
        try? disk.remove(unfinished)
        let file = try disk.create(unfinished)
        do throws(DiskError) {
            defer { disk.close(file) }
            try fill(file, with: bytes, disk)
            disk.startWriteBack(file, at: 0, count: offset)
        } catch {
            try? disk.remove(unfinished)
            throw error
        }
        try disk.rename(unfinished, to: folder + "/" + name)
    }

    private mutating func fill(_ file: Int32, with bytes: SharedBytes, _ disk: any Disk) throws(DiskError) {
        var failure: DiskError?
        bytes.forEachPiece { piece, _ in
            guard failure == nil else { return }
            do throws(DiskError) { try write(piece, to: file, disk) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private mutating func write(_ piece: UnsafeRawBufferPointer, to file: Int32, _ disk: any Disk) throws(DiskError) {
        var done = 0
        while done < piece.count {
            var vector = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress! + done), iov_len: piece.count - done)
            let at = offset
            let written = withUnsafePointer(to: &vector) { vector in
                Result { () throws(DiskError) in
                    try disk.write(file, UnsafeBufferPointer(start: vector, count: 1), at: at)
                }
            }
            let count = try written.get()
            done += count
            offset += Int64(count)
        }
    }
}
