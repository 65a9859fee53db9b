/// Windows on the disk, for viewers who rewind: hands finished segments to the tapes, and gives their playlists and files to
/// any loop. A node that keeps none has no threads for it.
///
/// Nothing here waits for a disk: playlists are made, and files read, on the deck's threads.
import Configuration
import EventLoop
import Fanout
import HLS
import HTTP
import Operations
import Packaging
import Recording

final class Rewinding: Sendable {
    private let settings: Settings
    private let log: EventLog
    private let tally: RewindTally
    let deck: TapeDeck?
    private let texts = WindowTexts()
    private let audiences = Lock<[StreamName: WindowAudience]>([:])
    /// Files that are on their way to clients.
    private let bodies = Lock(0)

    /// Milliseconds that the end of the process waits for the disk.
    private static let patience = 5_000
    /// Files that are on their way to clients at the same time: with two pieces of each in memory, 256 MiB.
    private static let mostBodies = 1_024
    /// Streams whose audiences are remembered before those are looked for that have gone.
    private static let mostAudiences = 256

    init(_ settings: Settings, _ log: EventLog) {
        self.settings = settings
        self.log = log
        let tally = RewindTally(log)
        self.tally = tally
        let isUsed = settings.everywhere.contains { $0.settings.rewind.window > 0 }
        guard isUsed, !settings.rewind.path.isEmpty else {
            deck = nil
            return
        }
        deck = TapeDeck(root: settings.rewind.path) { tally.heard($0) }
    }

    func start() throws(StartError) {
        guard let deck else { return }
        let (settings, longest) = (settings, settings.everywhere.map(\.settings.rewind.window).max() ?? 0)
        let isStarted = deck.start { app, stream in
            let window = settings.of(app: app, stream: stream).rewind.window
            return Tape.Limits(window: Int64(window > 0 ? window : longest), minFree: Int64(settings.rewind.minFree))
        }
        if !isStarted { throw .threads("rewinding") }
    }

    func close() {
        guard let deck, !deck.close(within: Rewinding.patience) else { return }
        tally.diskIsSilent()
    }

    /// Whether a window of the stream is kept.
    func keeps(_ name: StreamName) -> Bool {
        let own = settings.of(app: name.app, stream: name.name)
        return deck != nil && own.rewind.window > 0 && own.hls.form != .off
    }

    /// What takes the stream's segments, if its window is kept.
    func keeper(of name: StreamName) -> SegmentKeeper? {
        guard let deck, keeps(name) else { return nil }
        let limits = Tape.Limits(
            window: Int64(settings.of(app: name.app, stream: name.name).rewind.window),
            minFree: Int64(settings.rewind.minFree))
        let owner = TapeOwner()
        let audience = audience(of: name)
        return { segment in
            guard let segment else { return deck.end(app: name.app, stream: name.name, owner) }
            audience.learn(target: segment.target)
            let tape = deck.begin(app: name.app, stream: name.name, limits, owner)
            var title = tape.title
            title.learn(segment)
            deck.describe(title, on: tape)
            deck.keep(
                TapeDeck.Segment(segment), segment.bytes, initialisation: segment.initialisationBytes, on: tape)
        }
    }

    // MARK: What viewers ask for

    func tape(of name: StreamName) -> Tape? { deck?.find(app: name.app, stream: name.name) }

    /// Of streams of which there is something.
    func audience(of name: StreamName) -> WindowAudience {
        let (audience, isNew, count) = audiences.with { audiences in
            if let known = audiences[name] { return (known, false, 0) }
            let made = WindowAudience()
            audiences[name] = made
            return (made, true, audiences.count)
        }
        if isNew, count > Self.mostAudiences { forgetAudiences(but: name) }
        return audience
    }

    private func forgetAudiences(but name: StreamName) {
        let gone = audiences.with { $0 }.filter { other, audience in
            other != name && tape(of: other) == nil && audience.viewers == 0
        }
        audiences.with { audiences in for other in gone.keys { audiences[other] = nil } }
    }

    func playlist(
        _ name: StreamName, _ rendition: Rendition, _ request: WindowRequest, on loop: Loop,
        _ then: @escaping @Sendable (Loop, WindowTexts.Answer) -> Void
    ) -> WindowTexts.Offer {
        guard let deck, let tape = tape(of: name) else { return .here(.missing) }
        return texts.take(name, rendition, request, tape, deck, on: loop, then)
    }

    /// Where a segment or an initialisation section lies that is no longer in memory.
    func file(_ name: StreamName, _ resource: ResourceName) -> Tape.File? {
        switch resource {
        case .segment(.main, let number, let container):
            tape(of: name)?.file(
                number: number, container == .transportStream ? .transportStream : .fragmentedMP4)
        case .segment(.audio(let track), let number, .fragmentedMP4): tape(of: name)?.file(number: number, of: track)
        case .initialisation(let hash): tape(of: name)?.file(initialisation: hash)
        default: nil
        }
    }

    /// A file's way to a client; false if there are too many. Each is given back by `leave`.
    func enter() -> Bool {
        bodies.with { bodies in
            guard bodies < Self.mostBodies else { return false }
            bodies += 1
            return true
        }
    }

    func leave() { bodies.with { $0 -= 1 } }

    // MARK: Reports

    func report(of name: StreamName) -> WindowReport? {
        guard keeps(name), let status = tape(of: name)?.status else { return nil }
        let viewers = audiences.with { $0[name] }?.viewers ?? 0
        return WindowReport(status, viewers: viewers)
    }

    var totals: WindowTotals {
        var totals = WindowTotals()
        guard let deck else { return totals }
        let all = deck.totals
        totals.windows = all.tapes
        totals.segments = all.segments
        totals.bytes = all.bytes
        totals.queued = all.queued
        totals.paused = all.failing
        totals.failures = tally.failures
        return totals
    }
}

extension TapeDeck.Segment {
    fileprivate init(_ segment: FinishedSegment) {
        switch segment.rendition {
        case .main:
            let entry = TapeEntry(
                number: segment.number.number, date: segment.date, duration: segment.duration, target: segment.target,
                bytes: segment.bytes.count, initialisation: segment.initialisation,
                container: segment.form == .transportStream ? .transportStream : .fragmentedMP4)
            self = .main(entry, discontinuity: segment.number.discontinuity)
        case .audio(let track):
            self = .audio(
                TapeCompanion(
                    track: track, number: segment.number.number, date: segment.date, duration: segment.duration,
                    bytes: segment.bytes.count, initialisation: segment.initialisation))
        }
    }
}

extension TapeTitle {
    fileprivate mutating func learn(_ segment: FinishedSegment) {
        var track: UInt8 = 0
        switch segment.rendition {
        case .main:
            codecs = segment.codecs
            (width, height) = segment.picture
        case .audio(let number): track = number
        }
        guard let sound = segment.sound else { return }
        learn(
            Audio(
                number: track, name: segment.label.name, language: segment.label.language, codec: sound.codec,
                channels: sound.channels))
    }
}

extension WindowReport {
    fileprivate init(_ status: Tape.Status, viewers: Int) {
        let state = status.failure != nil ? "paused" : status.isLive ? "keeping" : "ended"
        self.init(
            state: state, window: Double(status.window) / 1_000, segments: status.segments, bytes: status.bytes,
            queued: status.queued, oldest: status.oldest.map { Double($0) / 1e6 },
            newest: status.newest.map { Double($0) / 1e6 }, viewers: viewers, error: status.failure?.description)
    }
}
