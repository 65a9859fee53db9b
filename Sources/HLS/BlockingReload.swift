/// Whether a request is answered now, later or not at all (RFC 8216bis §6.2.5.2 and §6.2.6). Pure: the caller parks the
/// request, and asks ``isOver(_:in:)`` when the playlist changes.
public enum BlockingReload {
    public enum Wait: Hashable, Sendable {
        /// Until players can begin.
        case ready
        /// Until this segment is whole, or one behind it.
        case segment(UInt32)
        /// Until this part is there, or one behind it.
        case part(LivePosition)
    }

    public enum Decision: Hashable, Sendable {
        case now
        /// Answered 503 when it is not over after ``PlaylistState/patience``.
        case wait(Wait)
        case badRequest(PlaylistRequestError)
    }

    /// §6.2.5.2: how many segments ahead of the last one a request may be.
    public static let mostSegmentsAhead: UInt64 = 2

    public static func decide(_ request: PlaylistRequest, _ state: PlaylistState) -> Decision {
        if state.isEnded { return .now }
        guard let number = request.number else {
            if request.part != nil { return .badRequest(.partWithoutNumber) }
            return state.isReady ? .now : .wait(.ready)
        }
        guard state.isReady, let last = state.lastNumber else { return .wait(.ready) }
        guard state.canBlockReload else { return .now }
        guard UInt64(number) <= UInt64(last) + mostSegmentsAhead else {
            return .badRequest(.tooFarAhead(last: last))
        }
        guard let part = request.part, state.partTarget > 0 else { return settle(.segment(number), state) }
        // Of a whole segment every part is there: a part behind its last is the first of the next (MUST). What is
        // compared is the place, so both are one case. How many parts an open segment will have nobody knows.
        if number > last, let newest = state.lastPart {
            let first = newest.number == number ? UInt64(newest.part) : 0
            let limit = advanceLimit(state.partTarget)
            if UInt64(part) > first + UInt64(limit) { return .badRequest(.partTooFarAhead(last: newest, limit: limit)) }
        }
        return settle(.part(LivePosition(number: number, part: part)), state)
    }

    public static func isOver(_ wait: Wait, in state: PlaylistState) -> Bool {
        if state.isEnded { return true }
        guard state.isReady else { return false }
        return switch wait {
        case .ready: true
        case .segment(let number): state.lastNumber.map { $0 >= number } ?? false
        // A segment whose parts are unknown, such as a gap, stands for all parts before it.
        case .part(let part): (state.lastPart.map { $0 >= part } ?? false) || (state.lastNumber ?? 0) > part.number
        }
    }

    /// The Advance Part Limit: the parts of three seconds, or three where parts are longer than one.
    public static func advanceLimit(_ partTarget: Int64) -> UInt32 {
        partTarget < 1_000_000 ? UInt32(clamping: 3_000_000 / max(1, partTarget)) : 3
    }

    private static func settle(_ wait: Wait, _ state: PlaylistState) -> Decision {
        isOver(wait, in: state) ? .now : .wait(wait)
    }
}
