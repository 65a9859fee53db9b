/// One stream's window on the disk: the segments of the last while, each in a file of its own.
///
/// Everything that changes is behind a lock that is never held across a call to the disk. The disk itself is touched on
/// the deck's threads alone.
public final class Tape: Sendable {
    /// The stream's own folder, whole.
    let folder: String

    /// What a stream's tape may take.
    public struct Limits: Sendable, Equatable {
        /// Milliseconds.
        var window: Int64
        /// Bytes that the file system is to have left.
        var minFree: Int64

        public init(window: Int64, minFree: Int64) {
            self.window = window
            self.minFree = minFree
        }
    }

    struct State {
        var limits: Limits
        var index = TapeIndex()
        /// Somebody has asked for what is in the folder.
        var isAsked = false
        /// What is in the folder is known.
        var isLoaded = false
        /// Initialisation sections that are on the disk, and their sizes.
        var initialisations: [UInt64: Int] = [:]
        var title = TapeTitle()
        /// Bytes that wait for the disk.
        var queued = 0
        var failure: TapeFailure?
        /// Nothing is kept before that, after a failure: microseconds of Unix time.
        var pausedUntil: Int64 = 0
        /// Who fills it; nil when the stream has ended.
        var owner: TapeOwner?

        var isLive: Bool { owner != nil }
    }

    let state: Monitor<State>

    init(folder: String, _ limits: Limits) {
        self.folder = folder
        state = Monitor(State(limits: limits))
    }

    /// What is on it, and whether more is to come.
    public var contents: (index: TapeIndex, isLive: Bool) { state.with { ($0.index, $0.isLive) } }

    /// What playlists say of its tracks.
    public var title: TapeTitle { state.with { $0.title } }

    // MARK: Files

    /// One of its files, as long as it is there.
    public struct File: Sendable {
        let path: String
        public let size: Int
    }

    /// Where a segment lies; nil if it is not there.
    public func file(number: UInt32, _ container: TapeEntry.Container) -> File? {
        guard let entry = state.with({ $0.index.find(number) }), entry.container == container, !entry.isTorn
        else { return nil }
        return File(path: folder + "/" + entry.file, size: entry.bytes)
    }

    /// Where a segment of an audio track lies; nil if it is not there.
    public func file(number: UInt32, of track: UInt8) -> File? {
        guard let companion = state.with({ $0.index.find(number, of: track) }), !companion.isTorn else { return nil }
        return File(path: folder + "/" + companion.file, size: companion.bytes)
    }

    /// Where an initialisation section lies; nil if it is not there.
    public func file(initialisation hash: UInt64) -> File? {
        state.with { $0.initialisations[hash] }.map {
            File(path: folder + "/" + TapeEntry.initialisation(hash), size: $0)
        }
    }

    // MARK: Reports

    public struct Status: Sendable {
        public var isLive: Bool
        public var segments: Int
        /// On the disk, initialisation sections included.
        public var bytes: Int
        /// Bytes that wait for the disk.
        public var queued: Int
        /// Of what is listed: microseconds of Unix time at its beginning and at its end.
        public var oldest: Int64?
        public var newest: Int64?
        /// Milliseconds.
        public var window: Int64
        /// Why nothing is kept at present.
        public var failure: TapeFailure?
    }

    public var status: Status {
        state.with { state in
            let listed = state.index.listed
            return Status(
                isLive: state.isLive, segments: listed.count,
                bytes: state.initialisations.values.reduce(state.index.bytes, +), queued: state.queued,
                oldest: listed.first?.date, newest: listed.last?.end, window: state.limits.window,
                failure: state.failure)
        }
    }
}
