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
        _ name: StreamName, _ request: WindowRequest, _ tape: Tape, _ deck: TapeDeck, on loop: Loop,
        _ then: @escaping @Sendable (Loop, Answer) -> Void
    ) -> Offer {
        let (index, isLive) = tape.contents
        guard !index.listed.isEmpty else { return .here(.missing) }
        let key = Key(name: name, request: request)
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
            let answer = RecordedPlaylist.answer(request, index, isLive: isLive, now: deck.now)
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
    fileprivate static func answer(
        _ request: WindowRequest, _ index: TapeIndex, isLive: Bool, now: Int64
    ) -> WindowTexts.Answer {
        guard let from = request.from else {
            guard let first = index.listed.first else { return .missing }
            let kind = Kind.window(first: first.place, discontinuity: first.discontinuity)
            return .text(render(kind, index.listed, isOver: !isLive), isSettled: !isLive)
        }
        let to = request.to.map { $0 * 1_000_000 }
        switch index.cut(from: from * 1_000_000, to: to, isLive: isLive, now: now) {
        case .gone: return .gone
        case .tooEarly: return .tooEarly
        case .entries(let entries, let isOver):
            return .text(render(to == nil ? .event : .videoOnDemand, entries, isOver: isOver), isSettled: isOver)
        }
    }

    private static func render(_ kind: Kind, _ entries: ArraySlice<TapeEntry>, isOver: Bool) -> RenderedPlaylist {
        var playlist = RecordedPlaylist(kind: kind, target: entries.lazy.map(\.target).max() ?? 1)
        var before = entries.first?.discontinuity
        for kept in entries {
            var entry = Entry(
                uri: ResourceName.segment(.main, kept.number, ResourceName.Container(kept.container)).text,
                duration: kept.duration)
            entry.date = kept.date
            entry.isDiscontinuous = kept.discontinuity != before
            entry.isGap = kept.isTorn
            if kept.initialisation != 0 { entry.initialisation = ResourceName.initialisation(kept.initialisation).text }
            before = kept.discontinuity
            // No duration is above its own target, and names are our own.
            try? playlist.append(entry)
        }
        if isOver { playlist.end() }
        return RenderedPlaylist(playlist.render())
    }
}

extension ResourceName.Container {
    fileprivate init(_ container: TapeEntry.Container) {
        self = container == .transportStream ? .transportStream : .fragmentedMP4
    }
}
