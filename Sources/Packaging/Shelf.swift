/// What has been packaged of one stream, for every loop: playlists, and the bytes of segments and parts. The stream's
/// home loop fills it; any loop takes from it, and is told when what it waits for is there.
///
/// The lock is taken for each request and each part, never per frame and viewer. What is handed out is never copied.
import EventLoop
import HLS
import Media
import StreamLog
import Synchronization

public final class Shelf: Sendable {
    public let settings: PackageSettings
    let state: Lock<State>
    private let keeper: SegmentKeeper?
    private let clock: @Sendable () -> UInt64
    let bytesSent = Atomic<Int>(0)
    let hasEnded = Atomic<Bool>(false)

    struct State: Sendable {
        var tracks: [Rendition: Track] = [:]
        /// Renditions that will be on the shelf when something of them is heard.
        var announced: Set<Rendition> = []
        var initialisations: [UInt64: PackagedFile] = [:]
        /// What segments need that are being made, which no track knows of yet.
        var expected: [Rendition: [UInt64]] = [:]
        var picture = (width: 0, height: 0)
        /// What the publisher says of audio tracks, by their numbers.
        var labels: [UInt8: TrackLabel] = [:]
        /// Counts changes of any playlist, and those that the multivariant playlist may tell of.
        var changes: UInt64 = 0
        var edition: UInt64 = 0
        /// Made already, of an edition.
        var prepared: (edition: UInt64, made: PreparedMultivariant)?
        var viewers: ViewerSessions
        var lastAsked: UInt64
        var waiters = Waiters()
        /// It gets what there is already, all at once.
        var isFilling = false
    }

    /// `@unchecked Sendable` is sound: it is touched under the shelf's lock alone.
    final class Track: @unchecked Sendable {
        var playlist: MediaPlaylist
        var segments: [UInt32: PackagedFile] = [:]
        var parts: [UInt32: [PackagedFile]] = [:]
        /// What each segment needs.
        var initialisations: [UInt32: UInt64] = [:]
        var traits = Traits()
        /// Rendered already, by what was asked for, when the playlist and those that it reports on were as they are.
        var rendered: [PlaylistRequest.Skip: RenderedPlaylist] = [:]
        var renderedVersion: UInt64 = 0
        var renderedChanges: UInt64 = 0

        init(_ playlist: MediaPlaylist) { self.playlist = playlist }
    }

    /// What the multivariant playlist says of a rendition.
    struct Traits: Sendable {
        var codecs = ""
        var sound: Sound?
        var milliFrameRate = 0
    }

    /// What is known of a segment when its first part is whole.
    struct Head {
        let number: SegmentNumber
        /// Microseconds of Unix time at its first frame.
        let date: Int64
        let initialisation: UInt64
        let isIndependent: Bool
        /// Microseconds, by the rate of its frames.
        let longestPart: Int64
    }

    /// `keeper` has every segment; `clock`: milliseconds that only rise.
    public init(
        _ settings: PackageSettings,
        clock: @escaping @Sendable () -> UInt64 = { Clock.monotonicNanoseconds / 1_000_000 },
        keeper: SegmentKeeper? = nil
    ) {
        self.settings = settings
        self.keeper = keeper
        self.clock = clock
        state = Lock(State(viewers: ViewerSessions(limit: PackageSettings.mostViewers), lastAsked: clock()))
    }

    var now: UInt64 { clock() }

    // MARK: Filling it

    /// Puts on it what there is already. Playlists are given when all of it is there: who asks from another loop meanwhile
    /// would begin far from the live edge, and find that gone a moment later.
    public func fill(_ work: () -> Void) {
        state.with { $0.isFilling = true }
        work()
        Waiters.wake(
            state.with { state in
                state.isFilling = false
                return state.waiters.take { _ in true }
            })
    }

    func open(_ rendition: Rendition, partTarget: Int64) {
        var playlist = PlaylistSettings(form: settings.form, rendition: rendition)
        playlist.partTarget = partTarget
        playlist.window = settings.window * 1_000
        state.with { state in
            let main = rendition == .main ? nil : state.tracks[.main]?.playlist
            if let main { playlist.partHoldBack = 3 * max(partTarget, main.partTarget) }
            state.tracks[rendition] = Track(MediaPlaylist(settings: playlist, target: main?.target ?? 0))
            state.announced.remove(rendition)
        }
    }

    /// The stream has such a track: who asks first waits a little until it is on the shelf.
    func announce(_ rendition: Rendition) { state.with { _ = $0.announced.insert(rendition) } }

    /// Those that no segment needs any more are given up: an encoder may change its mind without end. `besides`: what a
    /// segment needs that is not here yet.
    func keep(_ initialisation: [UInt8], as hash: UInt64, besides other: UInt64?, of rendition: Rendition) {
        let file = PackagedFile(
            SharedBytes(copying: initialisation), .initialisation(hash), tag: PackagedFile.tag(initialisation: hash),
            .initialisation)
        state.with { state in
            state.expected[rendition] = [hash] + (other.map { [$0] } ?? [])
            let needed = Set(state.tracks.values.flatMap(\.initialisations.values) + state.expected.values.joined())
            state.initialisations = state.initialisations.filter { needed.contains($0.key) }
            state.initialisations[hash] = file
        }
    }

    /// A part is whole: of the open segment, or of `head`, which begins with it.
    func add(_ bytes: SharedBytes, duration: Int64, isIndependent: Bool, to head: Head, of rendition: Rendition) {
        let now = Int64(now)
        let number = head.number.number
        change(rendition) { track in
            guard track.begin(head, now: now) else { return }
            track.playlist.addPart(duration: duration, size: bytes.count, isIndependent: isIndependent)
            let index = track.parts[number]?.count ?? 0
            track.parts[number, default: []].append(
                PackagedFile(
                    bytes, .part(rendition, number, index: UInt32(index)),
                    tag: "\"\(number).\(index)-\(bytes.count)\""))
        }
    }

    func close(
        _ head: Head, _ bytes: SharedBytes, duration: Int64, target: UInt8, _ traits: Traits, of rendition: Rendition
    ) {
        let now = Int64(now)
        let number = head.number.number
        let file = PackagedFile(
            bytes, .segment(rendition, number, container), tag: PackagedFile.tag(number, size: bytes.count))
        change(rendition, isEdition: true) { track in
            guard track.begin(head, now: now) else { return }
            track.playlist.closeSegment(duration: duration, size: bytes.count, target: target, now: now)
            track.segments[number] = file
            track.traits = traits
            track.expire(now: now)
        }
        keep(head, bytes, duration: duration, of: rendition)
    }

    /// Tells the keeper of a segment that is whole.
    private func keep(_ head: Head, _ bytes: SharedBytes, duration: Int64, of rendition: Rendition) {
        guard let keeper else { return }
        let segment = state.with { state -> FinishedSegment? in
            guard let track = state.tracks[rendition] else { return nil }
            let initialisation = state.initialisations[head.initialisation]
            let number: UInt8 = if case .audio(let number) = rendition { number } else { 0 }
            return FinishedSegment(
                rendition: rendition, number: head.number, date: head.date, duration: duration,
                target: track.playlist.target, initialisation: initialisation == nil ? 0 : head.initialisation,
                initialisationBytes: initialisation?.bytes ?? SharedBytes(), codecs: track.traits.codecs,
                picture: state.picture, sound: track.traits.sound, label: state.label(number), form: settings.form,
                bytes: bytes)
        }
        segment.map(keeper)
    }

    /// The rendition has nothing in that segment: a gap. False when it has had nothing for so long that there is nothing
    /// of it to be fetched: it is no more, until it is opened again.
    func leaveOut(_ head: Head, duration: Int64, target: UInt8, of rendition: Rendition) -> Bool {
        let now = Int64(now)
        change(rendition, isEdition: true) { track in
            guard track.begin(head, now: now) else { return }
            track.playlist.closeSegment(duration: duration, size: 0, target: target, isWhole: false, now: now)
            track.expire(now: now)
        }
        let due: [Waiters.Due]? = state.with { state in
            guard let track = state.tracks[rendition], track.playlist.isBarren else { return nil }
            state.tracks[rendition] = nil
            state.changes += 1
            return state.waiters.take { $0.rendition == rendition }
        }
        if let due { Waiters.wake(due) }
        return due == nil
    }

    func end(_ rendition: Rendition) {
        let now = Int64(now)
        change(rendition, isEdition: true) { $0.playlist.end(now: now) }
    }

    /// The stream has ended, or is packaged no longer: who waits is answered with what is there.
    public func end() {
        keeper?(nil)
        Waiters.wake(
            state.with { state in
                hasEnded.store(true, ordering: .releasing)
                return state.waiters.take { _ in true }
            })
    }

    /// Of the stream's pictures, where it is known.
    public func describe(width: Int, height: Int) {
        state.with { state in
            guard state.picture != (width, height) else { return }
            state.picture = (width, height)
            state.edition += 1
        }
    }

    /// What the publisher says of its audio tracks.
    public func describe(_ labels: [UInt8: TrackLabel]) {
        state.with { state in
            guard state.labels != labels else { return }
            state.labels = labels
            state.edition += 1
        }
    }

    /// Changes a track, and wakes whose wait is over, each loop once. What they wait for is looked up here, once for all
    /// who wait for the same. `isEdition`: the multivariant playlist may have to tell of it.
    private func change(_ rendition: Rendition, isEdition: Bool = false, _ work: (Track) -> Void) {
        let due: [Waiters.Due] = state.with { state in
            guard let track = state.tracks[rendition] else { return [] }
            work(track)
            state.changes += 1
            if isEdition { state.edition += 1 }
            guard !state.waiters.isEmpty, !state.isFilling else { return [] }
            let reached = track.playlist.state
            var due = state.waiters.take { place in
                // Who waits for another rendition to begin does not wait for it alone.
                if place.rendition != rendition { return isEdition && rendition == .main && place.wait == .beginning }
                return place.wait.isOver(reached, track.playlist)
            }
            for index in due.indices { due[index].answer = answer(to: due[index].place, &state) }
            return due
        }
        Waiters.wake(due)
    }
}

extension Shelf.Track {
    /// Opens the segment, if it is not open yet. False if it cannot be told of.
    fileprivate func begin(_ head: Shelf.Head, now: Int64) -> Bool {
        if playlist.openNumber == head.number.number { return true }
        let isOpen = playlist.openSegment(
            head.number, date: head.date, initialisation: head.initialisation, isIndependent: head.isIndependent,
            longestPart: head.longestPart, now: now)
        if isOpen { initialisations[head.number.number] = head.initialisation }
        return isOpen
    }

    /// Lets go of what has been out of the playlist for long enough.
    fileprivate func expire(now: Int64) {
        guard playlist.expire(now: now) > 0, let first = playlist.firstRetained else { return }
        segments = segments.filter { $0.key >= first }
        parts = parts.filter { $0.key >= first }
        initialisations = initialisations.filter { $0.key >= first }
    }
}

extension Waiters.Wait {
    fileprivate func isOver(_ state: PlaylistState, _ playlist: MediaPlaylist) -> Bool {
        switch self {
        case .beginning: BlockingReload.isOver(.ready, in: state)
        case .playlist(let wait, _): BlockingReload.isOver(wait, in: state)
        case .part(let position): state.isEnded || playlist.availability(ofPart: position) != .awaited
        }
    }
}
