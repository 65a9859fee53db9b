/// What a request for one of a stream's HLS resources is answered with.
import EventLoop
import HLS
import StreamLog

public enum Offer: Sendable {
    /// `isSettled`: the text will not change for who asks the same again.
    case playlist(RenderedPlaylist, isSettled: Bool)
    /// With a place for each viewer's token.
    case multivariant(PreparedMultivariant)
    case file(PackagedFile)
    /// Parked; after `patience` milliseconds the answer is 503.
    case waits(ticket: Shelf.Ticket, patience: UInt64)
    case refused(PlaylistRequestError)
    /// Too many wait already.
    case crowded
    case missing
}

extension Shelf {
    /// Wakes who waits, on its loop, with what it waited for; with nil where it has to ask again.
    public typealias Wake = @Sendable (Loop, Offer?) -> Void
    /// Nil for who does not wait. It is made only where somebody has to, under the shelf's lock.
    public typealias Waker = () -> Wake?

    /// To stop waiting with.
    public struct Ticket: Sendable {
        fileprivate let place: Waiters.Ticket
    }

    /// Looks for `name`, asked for with that query, or remembers to call `wake` when it is worth asking again.
    public func take(
        _ name: ResourceName, query: ArraySlice<UInt8>, from mailbox: Mailbox, _ wake: @autoclosure Waker
    ) -> Offer {
        state.with { state in
            state.lastAsked = now
            switch name {
            case .multivariant where state.isFilling, .playlist where state.isFilling:
                return awaitBeginning(&state, mailbox, wake)
            case .multivariant: return multivariant(&state, mailbox, wake)
            case .playlist(let rendition): return playlist(rendition, query, &state, mailbox, wake)
            // Those are of what is on a disk.
            case .rewind, .window: return .missing
            case .initialisation(let hash):
                return state.initialisations[hash].map { .file($0) } ?? .missing
            case .segment(let rendition, let number, let container):
                guard container == self.container else { return .missing }
                return state.tracks[rendition]?.segments[number].map { .file($0) } ?? .missing
            case .part(let rendition, let number, let index):
                return part(LivePosition(number: number, part: index), rendition, &state, mailbox, wake)
            }
        }
    }

    var container: ResourceName.Container {
        settings.form == .transportStream ? .transportStream : .fragmentedMP4
    }

    /// Nothing is added any more: a stream of that name that goes on has another shelf.
    public var isEnded: Bool { hasEnded.load(ordering: .acquiring) }

    /// Who waits no longer.
    public func stopWaiting(_ ticket: Ticket) {
        state.with { $0.waiters.remove(ticket.place) }
    }

    private func park(
        _ wait: Waiters.Wait, _ rendition: Rendition, patience: Int64, _ state: inout State, _ mailbox: Mailbox,
        _ wake: Waker
    ) -> Offer {
        guard let wake = wake() else { return .missing }
        guard state.waiters.count < PackageSettings.mostWaiting else { return .crowded }
        let ticket = state.waiters.add(to: .init(rendition: rendition, wait: wait), mailbox, wake)
        return .waits(ticket: Ticket(place: ticket), patience: UInt64(patience))
    }

    /// What everybody gets whose wait at that place is over; nil if it is not what they asked for.
    func answer(to place: Waiters.Place, _ state: inout State) -> Offer? {
        switch place.wait {
        case .beginning: return nil
        case .playlist(_, let request):
            return render(place.rendition, request.skip, &state).map {
                .playlist($0, isSettled: request.number != nil)
            }
        case .part(let position):
            return state.tracks[place.rendition]?.part(position).map { .file($0) }
        }
    }

    // MARK: Playlists

    private func playlist(
        _ rendition: Rendition, _ query: ArraySlice<UInt8>, _ state: inout State, _ mailbox: Mailbox,
        _ wake: Waker
    ) -> Offer {
        guard let track = state.tracks[rendition] else {
            // Other renditions are there when the main one is, or not at all.
            guard state.tracks[.main]?.playlist.isReady != true else { return .missing }
            return awaitBeginning(&state, mailbox, wake)
        }
        let request: PlaylistRequest
        do throws(PlaylistRequestError) { request = try PlaylistRequest(query: query) } catch {
            return .refused(error)
        }
        let reached = track.playlist.state
        switch BlockingReload.decide(request, reached) {
        case .badRequest(let error): return .refused(error)
        case .wait(let wait):
            return park(.playlist(wait, request), rendition, patience: reached.patience, &state, mailbox, wake)
        case .now:
            guard let text = render(rendition, request.skip, &state) else { return .missing }
            return .playlist(text, isSettled: request.number != nil)
        }
    }

    private func render(
        _ rendition: Rendition, _ skip: PlaylistRequest.Skip, _ state: inout State
    ) -> RenderedPlaylist? {
        guard let track = state.tracks[rendition] else { return nil }
        let hasReports = settings.form == .lowLatency && state.tracks.count > 1
        let changes = hasReports ? state.changes : 0
        if (track.renderedVersion, track.renderedChanges) != (track.playlist.version, changes) {
            track.rendered = [:]
            (track.renderedVersion, track.renderedChanges) = (track.playlist.version, changes)
        } else if let text = track.rendered[skip] {
            return text
        }
        let reports = hasReports ? state.renditions.filter { $0 != rendition }.compactMap { state.report(on: $0) } : []
        guard let bytes = track.playlist.render(skip: skip, reports: reports) else { return nil }
        let text = RenderedPlaylist(bytes)
        track.rendered[skip] = text
        return text
    }

    private func multivariant(
        _ state: inout State, _ mailbox: Mailbox, _ wake: Waker
    ) -> Offer {
        guard let main = state.tracks[.main], main.playlist.isReady, let bandwidth = main.playlist.bandwidth else {
            return awaitBeginning(&state, mailbox, wake)
        }
        // Sound comes a little behind: who asks first is told of all tracks, too.
        if main.playlist.count < Shelf.enoughToTell, let late = state.late {
            return park(.beginning, late, patience: main.playlist.state.patience, &state, mailbox, wake)
        }
        if let known = state.prepared, known.edition == state.edition { return .multivariant(known.made) }
        let playlist = state.multivariant(main, bandwidth)
        let same = state.prepared.flatMap { $0.made.playlist == playlist ? $0.made : nil }
        let made = same ?? PreparedMultivariant(playlist)
        state.prepared = (state.edition, made)
        return .multivariant(made)
    }

    /// The first segment is on its way.
    private func awaitBeginning(
        _ state: inout State, _ mailbox: Mailbox, _ wake: Waker
    ) -> Offer {
        guard !isEnded else { return .missing }
        return park(.beginning, .main, patience: Shelf.patience, &state, mailbox, wake)
    }

    /// Segments of the main rendition with which the others are waited for no longer.
    private static let enoughToTell = 3
    /// Milliseconds that the first playlist of a stream is waited for: the longest segment, and half of it.
    private static let patience: Int64 = 15_000

    // MARK: Parts

    private func part(
        _ position: LivePosition, _ rendition: Rendition, _ state: inout State, _ mailbox: Mailbox,
        _ wake: Waker
    ) -> Offer {
        guard let track = state.tracks[rendition] else { return .missing }
        switch track.playlist.availability(ofPart: position) {
        case .here: return track.part(position).map { .file($0) } ?? .missing
        case .awaited:
            let patience = track.playlist.state.patience
            return park(.part(position), rendition, patience: patience, &state, mailbox, wake)
        case .notFound: return .missing
        }
    }

    // MARK: Viewers and stats

    /// Milliseconds since somebody asked for anything.
    public var idle: UInt64 {
        let now = now
        return state.with { state in now - min(now, max(state.lastAsked, state.waiters.isEmpty ? 0 : now)) }
    }

    public func meet(_ token: ViewerToken) -> ViewerSessions.Answer {
        state.with { state in
            state.viewers.expiry = ViewerSessions.expiry(target: state.tracks[.main]?.playlist.target ?? 0)
            return state.viewers.request(token, now: Int64(now))
        }
    }

    public func showOut(_ token: ViewerToken) { state.with { $0.viewers.remove(token) } }

    public var viewers: Int { state.with { $0.viewers.count(now: Int64(now)) } }

    public func sent(_ bytes: Int) { bytesSent.wrappingAdd(bytes, ordering: .relaxed) }

    public struct Stats: Sendable {
        public var viewers = 0
        public var waiting = 0
        public var bytesOut: UInt64 = 0
        /// Bytes of segments, parts and initialisation sections in memory, of all renditions.
        public var bytes = 0
        /// Playlists: the main one, and those of further audio tracks.
        public var renditions = 0
    }

    public var stats: Stats {
        state.with { state in
            var stats = Stats()
            stats.viewers = state.viewers.count(now: Int64(now))
            stats.waiting = state.waiters.count
            stats.bytesOut = UInt64(bytesSent.load(ordering: .relaxed))
            stats.renditions = state.tracks.count
            stats.bytes = state.initialisations.values.reduce(0) { $0 + $1.bytes.count }
            for track in state.tracks.values {
                stats.bytes += track.segments.values.reduce(0) { $0 + $1.bytes.count }
                for (number, parts) in track.parts where track.segments[number] == nil {
                    stats.bytes += parts.reduce(0) { $0 + $1.bytes.count }
                }
            }
            return stats
        }
    }
}

extension Shelf.Track {
    fileprivate func part(_ position: LivePosition) -> PackagedFile? {
        guard let parts = parts[position.number], Int(position.part) < parts.count else { return nil }
        return parts[Int(position.part)]
    }
}
