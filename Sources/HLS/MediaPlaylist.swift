/// The live window of one rendition: which segments and parts are listed, which are no longer but still to be fetched,
/// and the playlist that says so (RFC 8216bis §6.2.2). It holds no media, only lengths.
///
/// A packager opens a segment, adds its parts, closes it. Invariants:
/// - Listed segments have consecutive numbers, and discontinuities that rise by at most one. Where numbers jump, the
///   segments before the jump leave together, once the first one behind it is whole.
/// - What is listed is whole, or marked as a gap.
/// - The target duration never shrinks, and grows only between sessions; the part target likewise.
/// - What leaves the playlist can be fetched for its own duration and that of the longest playlist since.
///
/// Durations and dates are in microseconds, `now` is in milliseconds of any clock that only rises.
public struct MediaPlaylist: Sendable {
    public let settings: PlaylistSettings
    /// `EXT-X-TARGETDURATION` in seconds; 0 until it is known.
    public private(set) var target = 0
    /// `PART-TARGET` in microseconds: no part is told as longer.
    public private(set) var partTarget: Int64
    /// No segment follows: `EXT-X-ENDLIST`.
    public private(set) var isEnded = false
    /// Rises with every change of the text: what was rendered before is out of date.
    public private(set) var version: UInt64 = 0
    /// Since the last jump every segment has begun with what needs nothing before it. Once false it stays so: a tag
    /// that comes back would tell of segments that a player has already.
    public private(set) var hasIndependentSegments = true

    /// Everything that can be fetched, in the order of numbers; those from `firstListed` on are in the playlist.
    private(set) var segments: [WindowSegment] = []
    private(set) var firstListed = 0
    /// Segments before this one list their parts no more; parts that left do not come back (§6.2.1).
    private(set) var partsFrom = 0
    private(set) var open: WindowSegment?
    private(set) var listedDuration: Int64 = 0
    private var longestPlaylist: Int64 = 0

    /// Segments that went by unseen and are listed as gaps, at most; more of them are a jump.
    public static let mostGaps: UInt32 = 16

    /// Percent that parts of another session may be longer than the part target, and it stays: rates are measured.
    private static let partTolerance: Int64 = 2

    /// `target`: that of the playlists that it is beside, in seconds; 0 where there are none.
    public init(settings: PlaylistSettings, target: Int = 0) {
        self.settings = settings
        self.target = target
        partTarget = settings.partTarget
    }

    /// A segment begins. `date`: the origin's clock at its first frame; `initialisation`: the hash that names its
    /// initialisation section; `isIndependent`: its video begins with a keyframe; `longestPart`: of its parts.
    ///
    /// False, and nothing happens, when its number is not above all before: the packager has to number by itself.
    public mutating func openSegment(
        _ number: SegmentNumber, date: Int64, initialisation: UInt64 = 0, isIndependent: Bool = true,
        longestPart: Int64 = 0, now: Int64
    ) -> Bool {
        if let highest = open?.number ?? segments.last?.number, number.number <= highest { return false }
        if isEnded {
            unlistAll(now: now)
            isEnded = false
        }
        // Left open by the packager: what was announced of it stays announced, as a gap.
        if open != nil { closeSegment(duration: open?.duration ?? 0, size: 0, isWhole: false, now: now) }
        if let last = segments.last, last.discontinuity != number.discontinuity,
            longestPart > partTarget + partTarget / 100 * Self.partTolerance
        {
            partTarget = longestPart
        }
        let date = min(max(date, Self.dates.lowerBound), Self.dates.upperBound)
        fillGaps(before: number, date: date)
        var segment = WindowSegment(
            number: number.number, discontinuity: number.discontinuity, date: date, initialisation: initialisation,
            isIndependent: isIndependent)
        if let last = listed.last, let before = last.date, follows(last, segment),
            date < before + last.duration - Self.longestOverlap
        {
            // §6.2.1: dates must not be ambiguous, but for small overlaps.
            segment.date = nil
        }
        open = segment
        version += 1
        return true
    }

    /// A part of the open segment is whole.
    public mutating func addPart(duration: Int64, size: Int, isIndependent: Bool) {
        guard open != nil else { preconditionFailure("a part belongs to a segment") }
        // Longer than the target only after a pause that no frame announced (§4.4.4.9: MUST).
        let duration = min(max(duration, 1_000), partTarget)
        open?.parts.append(.init(duration: duration, size: size, isIndependent: isIndependent))
        open?.duration += duration
        open?.size += size
        longestPlaylist = max(longestPlaylist, listedDuration + (open?.duration ?? 0))
        unlistParts()
        version += 1
    }

    /// The open segment is whole, or will never be. `target`: what the next frame's number says, 0 at a stream's end;
    /// with parts, the size is their sum.
    public mutating func closeSegment(
        duration: Int64, size: Int, target announced: UInt8 = 0, isWhole: Bool = true, now: Int64
    ) {
        guard var segment = open else { preconditionFailure("no segment is open") }
        open = nil
        settleTarget(announced, duration: duration)
        // The cut is made so that this holds, but for a pause that no frame announced (§4.4.3.1: MUST).
        segment.duration = min(max(duration, 1_000), longestDuration)
        segment.size = segment.parts.isEmpty ? size : segment.parts.reduce(0) { $0 + $1.size }
        segment.isGap = !isWhole
        list(segment, now: now)
        version += 1
    }

    /// The stream has ended for good: the open segment is closed with the parts that it has.
    public mutating func end(now: Int64) {
        if let open, !open.parts.isEmpty {
            closeSegment(duration: open.duration, size: open.size, now: now)
        }
        open = nil
        isEnded = true
        version += 1
    }

    /// Gives up what has been out of the playlist for long enough, and returns how many segments that were.
    public mutating func expire(now: Int64) -> Int {
        var count = 0
        while count < firstListed, segments[count].keepUntil <= now { count += 1 }
        count = max(count, min(firstListed, segments.count - PlaylistSettings.mostSegments))
        segments.removeFirst(count)
        firstListed -= count
        partsFrom = max(0, partsFrom - count)
        return count
    }
}

extension MediaPlaylist {
    /// Overlap of dates that a drift of clocks excuses.
    private static let longestOverlap: Int64 = 999_000
    /// What `SegmentNumbering` lets a segment be, in microseconds.
    private static let longestSegment: Int64 = SegmentNumbering.longestSegment * 1_000
    /// The end of the year 9999: dates behind it have no place in a playlist, and sums of them none in 64 bits.
    private static let dates: ClosedRange<Int64> = 0...253_402_300_799_999_000

    var listed: ArraySlice<WindowSegment> { segments[firstListed...] }

    /// Whether players can begin: the target duration is known, and a whole segment is there.
    public var isReady: Bool { target > 0 && firstListed < segments.count }

    /// The lowest number whose bytes are still to be kept.
    public var firstRetained: UInt32? { segments.first?.number ?? open?.number }

    /// Segments in the playlist.
    public var count: Int { listed.count }

    /// Whether there is anything to play in the playlist, and not gaps alone.
    public var hasMedia: Bool { listed.contains { !$0.isGap } }

    /// Nothing of it can be fetched, listed or lately removed.
    public var isBarren: Bool { open == nil && segments.allSatisfy(\.isGap) }

    /// Whether the open segment continues the playlist, so that its parts are listed; behind a jump they wait.
    var isOpenListed: Bool {
        guard let open, let last = listed.last else { return false }
        return target > 0 && follows(last, open)
    }

    /// The longest duration that rounds to the target.
    private var longestDuration: Int64 { Int64(target) * 1_000_000 + 499_000 }

    private func follows(_ last: WindowSegment, _ next: WindowSegment) -> Bool {
        UInt64(next.number) == UInt64(last.number) + 1
            && (next.discontinuity == last.discontinuity
                || UInt64(next.discontinuity) == UInt64(last.discontinuity) + 1)
    }

    private mutating func settleTarget(_ announced: UInt8, duration: Int64) {
        target = max(target, Int(announced))
        if target == 0 { target = Int((min(max(duration, 1_000_000), Self.longestSegment) + 500_000) / 1_000_000) }
    }

    private mutating func list(_ segment: WindowSegment, now: Int64) {
        if let last = listed.last, !follows(last, segment) {
            // A gap does not make a playlist by itself: the old one stays until there is something to play.
            guard !segment.isGap else { return }
            unlistAll(now: now)
        }
        // Nothing is missing at the beginning of a window.
        if segment.isGap && listed.isEmpty { return }
        hasIndependentSegments = hasIndependentSegments && (segment.isIndependent || segment.isGap)
        segments.append(segment)
        listedDuration += segment.duration
        longestPlaylist = max(longestPlaylist, listedDuration)
        let window = max(settings.window, 3 * Int64(target) * 1_000_000)
        while listed.count > max(1, settings.minimumSegments), listedDuration - segments[firstListed].duration >= window
        {
            unlistFirst(now: now)
        }
        unlistParts()
    }

    /// Parts stay while their segment begins within three target durations of the playlist's end (§6.2.2: SHOULD).
    private mutating func unlistParts() {
        var distance = isOpenListed ? open?.duration ?? 0 : 0
        var index = segments.count
        while index > max(firstListed, partsFrom) {
            distance += segments[index - 1].duration
            if distance > 3 * Int64(target) * 1_000_000 { break }
            index -= 1
        }
        partsFrom = max(partsFrom, index)
    }

    private mutating func unlistFirst(now: Int64) {
        let duration = segments[firstListed].duration
        segments[firstListed].keepUntil = now + (duration + longestPlaylist + 999) / 1_000
        listedDuration -= duration
        firstListed += 1
    }

    private mutating func unlistAll(now: Int64) {
        while firstListed < segments.count { unlistFirst(now: now) }
        longestPlaylist = 0
        hasIndependentSegments = true
    }

    /// Segments between the last one and `number` exist elsewhere: they are listed as gaps that share the time between.
    private mutating func fillGaps(before number: SegmentNumber, date: Int64) {
        guard let last = listed.last, let before = last.date, number.discontinuity == last.discontinuity,
            number.number > last.number + 1, number.number - last.number - 1 <= Self.mostGaps
        else { return }
        let count = Int64(number.number - last.number - 1)
        let share = (date - before - last.duration) / count
        guard share > 0, share <= longestDuration else { return }
        for index in 0..<count {
            var gap = WindowSegment(
                number: last.number + 1 + UInt32(index), discontinuity: last.discontinuity,
                date: before + last.duration + share * index, initialisation: last.initialisation, isIndependent: true)
            gap.duration = share
            gap.isGap = true
            segments.append(gap)
            listedDuration += share
        }
    }
}
