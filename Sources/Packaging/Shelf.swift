/// What has been packaged of one stream, for every loop: playlists, and the bytes of segments and parts. The stream's
/// home loop fills it; any loop takes from it, and is told when what it waits for is there.
///
/// The lock is taken for each request and each part, never per frame and viewer. What is handed out is never copied.
import EventLoop
import HLS
import Media
import StreamLog

public final class Shelf: Sendable {
    public let settings: PackageSettings
    let state: Lock<State>
    private let clock: @Sendable () -> UInt64

    struct State: Sendable {
        var tracks: [Rendition: Track] = [:]
        var initialisations: [UInt64: [UInt8]] = [:]
        var picture = (width: 0, height: 0)
        var viewers: ViewerSessions
        var lastAsked: UInt64
        var waiters: [Waiter] = []
        var nextTicket: UInt64 = 1
        var bytesOut: UInt64 = 0
        var isEnded = false
    }

    struct Track: Sendable {
        var playlist: MediaPlaylist
        var segments: [UInt32: SharedBytes] = [:]
        var parts: [UInt32: [SharedBytes]] = [:]
        /// What each segment needs.
        var initialisations: [UInt32: UInt64] = [:]
        var codecs = ""
        var milliFrameRate = 0
        /// Rendered already, by what was asked for.
        var rendered: [PlaylistRequest.Skip: RenderedPlaylist] = [:]
        var renderedVersion: UInt64 = 0
    }

    struct Waiter: Sendable {
        let ticket: UInt64
        let rendition: Rendition
        let wait: Wait
        let mailbox: Mailbox
        let wake: @Sendable (Loop) -> Void
    }

    enum Wait: Sendable {
        case playlist(BlockingReload.Wait)
        case part(LivePosition)
    }

    /// What is known of a segment when its first part is whole.
    struct Head {
        let number: SegmentNumber
        /// Microseconds of Unix time at its first frame.
        let date: Int64
        let initialisation: UInt64
        let isIndependent: Bool
    }

    /// `clock`: milliseconds that only rise.
    public init(
        _ settings: PackageSettings,
        clock: @escaping @Sendable () -> UInt64 = { Clock.monotonicNanoseconds / 1_000_000 }
    ) {
        self.settings = settings
        self.clock = clock
        state = Lock(State(viewers: ViewerSessions(limit: PackageSettings.mostViewers), lastAsked: clock()))
    }

    var now: UInt64 { clock() }

    // MARK: Filling it

    func open(_ rendition: Rendition, partTarget: Int64) {
        var playlist = PlaylistSettings(form: settings.form, rendition: rendition)
        playlist.partTarget = partTarget
        playlist.window = settings.window * 1_000
        state.with { $0.tracks[rendition] = Track(playlist: MediaPlaylist(settings: playlist)) }
    }

    /// Those that no segment needs any more are given up: an encoder may change its mind without end. `besides`: what a
    /// segment needs that is not here yet.
    func keep(_ initialisation: [UInt8], as hash: UInt64, besides other: UInt64?) {
        state.with { state in
            let needed = Set(state.tracks.values.flatMap(\.initialisations.values))
            state.initialisations = state.initialisations.filter { $0.key == other || needed.contains($0.key) }
            state.initialisations[hash] = initialisation
        }
    }

    /// A part is whole: of the open segment, or of `head`, which begins with it.
    func add(_ bytes: SharedBytes, duration: Int64, isIndependent: Bool, to head: Head, of rendition: Rendition) {
        let now = Int64(now)
        change(rendition) { track in
            guard track.begin(head, now: now) else { return }
            track.playlist.addPart(duration: duration, size: bytes.count, isIndependent: isIndependent)
            track.parts[head.number.number, default: []].append(bytes)
        }
    }

    func close(_ head: Head, _ bytes: SharedBytes, duration: Int64, target: UInt8, of rendition: Rendition) {
        let now = Int64(now)
        change(rendition) { track in
            guard track.begin(head, now: now) else { return }
            track.playlist.closeSegment(duration: duration, size: bytes.count, target: target, now: now)
            track.segments[head.number.number] = bytes
            guard track.playlist.expire(now: now) > 0, let first = track.playlist.firstRetained else { return }
            track.segments = track.segments.filter { $0.key >= first }
            track.parts = track.parts.filter { $0.key >= first }
            track.initialisations = track.initialisations.filter { $0.key >= first }
        }
    }

    func end(_ rendition: Rendition) {
        let now = Int64(now)
        change(rendition) { $0.playlist.end(now: now) }
    }

    /// The stream has ended: who waits is answered with what is there.
    public func end() {
        wake(
            state.with { state in
                state.isEnded = true
                defer { state.waiters = [] }
                return state.waiters
            })
    }

    /// Nothing is made any more, though the stream goes on: who waits asks again, and finds another shelf.
    public func abandon() { end() }

    func describe(_ rendition: Rendition, codecs: String, milliFrameRate: Int) {
        state.with { state in
            state.tracks[rendition]?.codecs = codecs
            state.tracks[rendition]?.milliFrameRate = milliFrameRate
        }
    }

    /// Of the stream's pictures, where it is known.
    public func describe(width: Int, height: Int) { state.with { $0.picture = (width, height) } }

    /// Changes a track, and wakes whose wait is over, each loop once.
    private func change(_ rendition: Rendition, _ work: (inout Track) -> Void) {
        let due: [Waiter] = state.with { state in
            guard var track = state.tracks.removeValue(forKey: rendition) else { return [] }
            work(&track)
            state.tracks[rendition] = track
            guard !state.waiters.isEmpty else { return [] }
            let reached = track.playlist.state
            let isDue = { (waiter: Waiter) in
                waiter.rendition == rendition && waiter.wait.isOver(reached, track.playlist)
            }
            let due = state.waiters.filter(isDue)
            if !due.isEmpty { state.waiters.removeAll(where: isDue) }
            return due
        }
        wake(due)
    }

    private func wake(_ due: [Waiter]) {
        var byLoop: [ObjectIdentifier: [Waiter]] = [:]
        for waiter in due { byLoop[ObjectIdentifier(waiter.mailbox), default: []].append(waiter) }
        for waiters in byLoop.values {
            waiters[0].mailbox.post { loop in for waiter in waiters { waiter.wake(loop) } }
        }
    }
}

extension Shelf.Track {
    /// Opens the segment, if it is not open yet. False if it cannot be told of.
    fileprivate mutating func begin(_ head: Shelf.Head, now: Int64) -> Bool {
        if playlist.openNumber == head.number.number { return true }
        let isOpen = playlist.openSegment(
            head.number, date: head.date, initialisation: head.initialisation, isIndependent: head.isIndependent,
            now: now)
        if isOpen { initialisations[head.number.number] = head.initialisation }
        return isOpen
    }
}

extension Shelf.Wait {
    fileprivate func isOver(_ state: PlaylistState, _ playlist: MediaPlaylist) -> Bool {
        switch self {
        case .playlist(let wait): BlockingReload.isOver(wait, in: state)
        case .part(let position): state.isEnded || playlist.availability(ofPart: position) != .awaited
        }
    }
}
