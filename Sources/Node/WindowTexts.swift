/// Playlists of windows: each made once for all who ask for the same, on a thread that may take its time, and kept until the
/// window changes or others need the room.
import EventLoop
import Fanout
import HLS
import Packaging
import Recording

final class WindowTexts: Sendable {
    enum Answer: Sendable {
        case text(RenderedPlaylist, isSettled: Bool)
        /// What it begins with has left the window.
        case gone
        /// It ends in what is not here yet.
        case tooEarly
        case missing
    }

    enum Offer {
        case here(Answer)
        /// `then` is called on the loop.
        case later
        case crowded
    }

    fileprivate struct Key: Hashable {
        var name: StreamName
        var rendition: Rendition
        var request: WindowRequest
    }

    fileprivate struct Made {
        let tape: Tape
        let version: UInt64
        let isLive: Bool
        let answer: Answer
    }

    fileprivate struct Waiter: Sendable {
        let mailbox: Mailbox
        let then: @Sendable (Loop, Answer) -> Void
    }

    fileprivate struct Table {
        var made: [Key: Made] = [:]
        /// Oldest first.
        var order: [Key] = []
        var size = 0
        var waiting: [Key: [Waiter]] = [:]
    }

    private let table = Lock(Table())

    /// Bytes of playlists that are kept; more, and the oldest are made again when somebody asks.
    private static let mostBytes = 64 << 20
    /// What one takes besides its text.
    fileprivate static let overhead = 512

    func take(
        _ name: StreamName, _ rendition: Rendition, _ request: WindowRequest, _ tape: Tape, _ deck: TapeDeck,
        on loop: Loop,
        _ then: @escaping @Sendable (Loop, Answer) -> Void
    ) -> Offer {
        let (index, isLive) = tape.contents
        let track: UInt8? = if case .audio(let number) = rendition { number } else { nil }
        guard track.map(index.tracks.contains) ?? !index.listed.isEmpty else { return .here(.missing) }
        let key = Key(name: name, rendition: rendition, request: request)
        let waiter = Waiter(mailbox: loop.mailbox, then: then)
        enum Turn {
            case here(Answer)
            case waits, makes
        }
        let turn = table.with { table -> Turn in
            if let made = table.made[key], made.tape === tape, made.version == index.version, made.isLive == isLive {
                return .here(made.answer)
            }
            // Who comes while it is made takes what is made: it is newer than what it would have got a moment ago.
            let isFirst = table.waiting[key] == nil
            table.waiting[key, default: []].append(waiter)
            return isFirst ? .makes : .waits
        }
        switch turn {
        case .here(let answer): return .here(answer)
        case .waits: return .later
        case .makes: break
        }
        let isTaken = deck.read { [self] in
            let answer = RecordedPlaylist.answer(request, index, track, isLive: isLive, now: deck.now)
            let waiters = keep(Made(tape: tape, version: index.version, isLive: isLive, answer: answer), as: key)
            for waiter in waiters { waiter.mailbox.post { waiter.then($0, answer) } }
        }
        if isTaken { return .later }
        // Whoever has joined meanwhile is told, too.
        let others = table.with { $0.waiting.removeValue(forKey: key) } ?? []
        for other in others.dropFirst() { other.mailbox.post { other.then($0, .missing) } }
        return .crowded
    }

    private func keep(_ made: Made, as key: Key) -> [Waiter] {
        table.with { table in
            table.remove(key)
            if made.answer.size + Self.overhead <= Self.mostBytes {
                table.made[key] = made
                table.order.append(key)
                table.size += made.answer.size + Self.overhead
            }
            while table.size > Self.mostBytes, let oldest = table.order.first { table.remove(oldest) }
            return table.waiting.removeValue(forKey: key) ?? []
        }
    }
}

extension WindowTexts.Table {
    fileprivate mutating func remove(_ key: WindowTexts.Key) {
        guard let made = made.removeValue(forKey: key) else { return }
        size -= made.answer.size + WindowTexts.overhead
        if let place = order.firstIndex(of: key) { order.remove(at: place) }
    }
}

extension WindowTexts.Answer {
    fileprivate var size: Int {
        if case .text(let text, _) = self { return text.size }
        return 0
    }
}

extension RecordedPlaylist {
    /// `track`: of an audio track, nil of the main playlist.
    fileprivate static func answer(
        _ request: WindowRequest, _ index: TapeIndex, _ track: UInt8?, isLive: Bool, now: Int64
    ) -> WindowTexts.Answer {
        guard let from = request.from else {
            let entries = index.listed(for: track, isLive: isLive)
            guard let first = entries.first else { return .missing }
            let kind = Kind.window(first: first.place, discontinuity: first.discontinuity)
            return .text(render(kind, entries, index, track, isOver: !isLive), isSettled: !isLive)
        }
        let to = request.to.map { $0 * 1_000_000 }
        switch index.cut(from: from * 1_000_000, to: to, of: track, isLive: isLive, now: now) {
        case .gone: return .gone
        case .tooEarly: return .tooEarly
        case .entries(let entries, let isOver):
            let kind = to == nil ? Kind.event : .videoOnDemand
            return .text(render(kind, entries, index, track, isOver: isOver), isSettled: isOver)
        }
    }

    private static func render(
        _ kind: Kind, _ entries: ArraySlice<TapeEntry>, _ index: TapeIndex, _ track: UInt8?, isOver: Bool
    ) -> RenderedPlaylist {
        // One for all playlists of the stream (RFC 8216bis §6.2.4), though an audio track's may end earlier.
        let all = kind == .videoOnDemand ? entries : index.listed[entries.startIndex...]
        var playlist = RecordedPlaylist(kind: kind, target: all.lazy.map(\.target).max() ?? 1)
        var before = entries.first?.discontinuity
        for kept in entries {
            var entry = track.map { Entry(kept, index.find(kept.number, of: $0), track: $0) } ?? Entry(kept)
            entry.isDiscontinuous = kept.discontinuity != before
            before = kept.discontinuity
            // No duration is above its own target, and names are our own.
            try? playlist.append(entry)
        }
        if isOver { playlist.end() }
        return RenderedPlaylist(playlist.render())
    }
}

extension RecordedPlaylist.Entry {
    fileprivate init(_ kept: TapeEntry) {
        self.init(
            uri: ResourceName.segment(.main, kept.number, ResourceName.Container(kept.container)).text,
            duration: kept.duration)
        date = kept.date
        isGap = kept.isTorn
        if kept.initialisation != 0 { initialisation = ResourceName.initialisation(kept.initialisation).text }
    }

    /// An audio track's in its place: what it has nothing of is a gap.
    fileprivate init(_ kept: TapeEntry, _ companion: TapeCompanion?, track: UInt8) {
        let longest = Int64(kept.target) * 1_000_000 + 499_000
        self.init(
            uri: ResourceName.segment(.audio(track), kept.number, .fragmentedMP4).text,
            duration: min(companion?.duration ?? kept.duration, longest))
        date = companion?.date ?? kept.date
        isGap = companion?.isTorn ?? true
        if let hash = companion?.initialisation, hash != 0 { initialisation = ResourceName.initialisation(hash).text }
    }
}

extension ResourceName.Container {
    fileprivate init(_ container: TapeEntry.Container) {
        self = container == .transportStream ? .transportStream : .fragmentedMP4
    }
}
