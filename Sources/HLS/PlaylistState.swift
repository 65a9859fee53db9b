/// How far a media playlist has come: all that it takes to decide whether a request has to wait, small enough to be
/// sent to the loops where requests are parked.
public struct PlaylistState: Hashable, Sendable {
    /// Players can begin.
    public var isReady: Bool
    public var isEnded: Bool
    public var canBlockReload: Bool
    /// Seconds; 0 while it is not known.
    public var target: Int
    /// Microseconds; 0 where there are no parts.
    public var partTarget: Int64
    /// The last whole segment in the playlist.
    public var lastNumber: UInt32?
    /// The last part of the last segment in the playlist, whole or not.
    public var lastPart: LivePosition?

    public init(
        isReady: Bool, isEnded: Bool, canBlockReload: Bool, target: Int, partTarget: Int64 = 0,
        lastNumber: UInt32? = nil, lastPart: LivePosition? = nil
    ) {
        self.isReady = isReady
        self.isEnded = isEnded
        self.canBlockReload = canBlockReload
        self.target = target
        self.partTarget = partTarget
        self.lastNumber = lastNumber
        self.lastPart = lastPart
    }

    /// After how many milliseconds a request that waits is answered with 503 (RFC 8216bis §6.2.5.2).
    public var patience: Int64 { 3 * (target == 0 ? SegmentNumbering.longestSegment : Int64(target) * 1_000) }
}

extension MediaPlaylist {
    public var state: PlaylistState {
        PlaylistState(
            isReady: isReady, isEnded: isEnded, canBlockReload: settings.canBlockReload, target: target,
            partTarget: settings.form == .lowLatency ? partTarget : 0, lastNumber: listed.last?.number,
            lastPart: lastPart)
    }

    private var lastPart: LivePosition? {
        guard settings.form == .lowLatency, isReady else { return nil }
        if isOpenListed, let open, !open.parts.isEmpty {
            return LivePosition(number: open.number, part: UInt32(open.parts.count - 1))
        }
        guard let last = listed.last, !last.parts.isEmpty else { return nil }
        return LivePosition(number: last.number, part: UInt32(last.parts.count - 1))
    }

    /// The part that is announced as the next: of the open segment, or the first of the one that follows.
    public var hintedPart: LivePosition? {
        guard settings.form == .lowLatency, !isEnded, let last = listed.last, last.number < .max else { return nil }
        let count = isOpenListed ? open?.parts.count ?? 0 : 0
        return LivePosition(number: last.number + 1, part: UInt32(count))
    }

    /// What other renditions say of this one.
    public var report: RenditionReport? {
        guard let last = listed.last?.number else { return nil }
        let part = lastPart
        return RenditionReport(rendition: settings.rendition, lastNumber: part?.number ?? last, lastPart: part?.part)
    }
}
