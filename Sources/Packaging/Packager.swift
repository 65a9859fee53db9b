/// Cuts one rendition of a stream into segments and parts, where the frames' numbers say so, and puts them on a shelf.
/// Home loop only.
///
/// Invariants: a segment is made only if every one of its frames was seen, and then from its own frames alone. The
/// segment of a number is of the same time in every rendition. An audio track is on the shelf from its first segment on,
/// and until nothing of it has been heard for as long as segments are kept.
import EventLoop
import FMP4
import HLS
import Media
import StreamLog

public final class Packager {
    private let shelf: Shelf
    public let rendition: Rendition
    private let maker: any SegmentMaker
    private var cutter: PartCutter
    private let hasParts: Bool
    /// What is announced of parts: it may be other than what another node says, and decides nothing.
    private let partTarget: Int64

    private var current: SegmentNumber?
    private var segment: OpenSegment?
    /// What has begun elsewhere, and the audio track has not come as far.
    private var next: Turn?
    /// The numbers of the newest frame.
    private var newest: (session: UInt32, sequence: UInt64)?
    private var version: UInt64?
    private var initialisation: UInt64 = 0
    private var traits = Shelf.Traits()
    private var isOnShelf = false
    /// No segment is made before the track of such frames is known.
    private var awaited: MediaKind?

    /// Where a segment begins: with a frame of any track. `before`: the number until then.
    private struct Turn {
        let mark: FrameMark
        let time: Int64
        let before: SegmentNumber?

        var isSession: Bool { before.map { $0.discontinuity != mark.segment.discontinuity } ?? (mark.sequence == 1) }
    }

    /// The segment that is being made.
    private struct OpenSegment {
        let number: SegmentNumber
        /// Microseconds of Unix time at the first frame of any track, and its milliseconds.
        let date: Int64
        let begun: Int64
        /// Milliseconds of the first and newest frame of the leading kind, and of where the pending part begins.
        var start: Int64?
        var newest: Int64 = 0
        var step: Int64 = 0
        var partStart: Int64 = 0
        /// The track was not there when the others began.
        var isLeftOut = false
        var pictures = 0
        var isVideo = false
        /// What its first frames need: what is said at its end is for the next one.
        var initialisation: UInt64?
        var partHasKeyframe = false
        /// Its first picture is a keyframe, or there are none.
        var isIndependent = true
        var fragments: UInt32 = 0
        var bytes = SharedBytes()
        /// What was told of when some of the segment had been made.
        var late: Set<MediaKind> = []
    }

    /// Without parts, fragments are cut after so many milliseconds all the same: what waits in memory is bounded.
    private static let fragment: Int64 = 1_000

    /// Milliseconds of a segment after which an audio track that comes into it begins with the next.
    private static let longestLag: Int64 = 500

    /// `frameInterval`: microseconds from one picture to the next as far as is known, for what is announced of parts.
    public init(_ rendition: Rendition, for shelf: Shelf, frameInterval: Int64 = 0) {
        self.shelf = shelf
        self.rendition = rendition
        hasParts = shelf.settings.form == .lowLatency
        let setting = (hasParts ? shelf.settings.part : Packager.fragment) * 1_000
        cutter = PartCutter(setting: setting)
        partTarget = PartCutter.target(near: setting, frameInterval: rendition == .main ? frameInterval : 0)
        maker = shelf.settings.form == .transportStream ? TransportMaker() : MovieMaker(rendition)
        if rendition == .main { comeOnShelf() } else { shelf.announce(rendition) }
    }

    private func comeOnShelf() {
        guard !isOnShelf else { return }
        isOnShelf = true
        shelf.open(rendition, partTarget: partTarget)
    }

    // MARK: Frames

    /// Another publish session follows; what the last one said of its tracks no longer holds.
    public func beginSession() {
        noteInitialization()
        maker.beginSession()
    }

    /// What was said before the first frame.
    public func learn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) { maker.learn(kind, body) }

    /// A frame that may tell of its track, and one like it may have been before all that will be seen: other nodes know of
    /// the track then, so that no segment is made before it is known here. (Of one that is silent in all that the log has,
    /// nothing can be known.)
    public func expect(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) {
        if maker.wouldLearn(kind, body) { awaited = kind }
    }

    /// The next frame, whether or not it is of this rendition. `tracks`: those of an audio message. `time` is by the
    /// ingest node's timeline, in milliseconds.
    public func add(_ kind: MediaKind, _ tracks: TrackSet, _ mark: FrameMark, at time: Int64, _ place: LogPlace) {
        let isOurs = maker.takes(kind, tracks)
        guard !mark.flags.contains(.repeated), mark.segment.number > 0 else {
            if isOurs { maker.learn(kind, place.bytes) }
            return
        }
        let isMedia = kind != .script && !mark.flags.contains(.configuration)
        let isLead = isMedia && maker.leads(kind, tracks)
        if !continues(mark) { tear(before: mark) }
        if mark.segment.number != current?.number {
            reach(Turn(mark: mark, time: time, before: current), isLead: isLead)
        }
        current = mark.segment
        guard isOurs else { return }
        if isLead, let next, time >= next.time { turn(next, end: time) }
        if isMedia, maker.lacks(kind) { learnBetween(kind, place.bytes) }
        guard isMedia, segment != nil else {
            if !isMedia { learnBetween(kind, place.bytes) }
            // Data has its place between the frames, where the format has one for it, and decides nothing.
            if mark.flags.contains(.data), segment != nil { _ = maker.add(kind, at: time, place) }
            return
        }
        // Its initialisation section knows nothing of that track: it is in the next segment.
        guard segment?.late.contains(kind) == false else { return }
        if isLead { lead(kind, mark, at: time) }
        guard segment?.isLeftOut == false else { return }
        if maker.add(kind, at: time, place) { return }
        cut(at: time)
        _ = maker.add(kind, at: time, place)
    }

    /// The stream has ended for good.
    public func end() {
        next = nil
        close(end: nil, nextBegins: nil, target: 0)
        shelf.end(rendition)
    }

    private func learnBetween(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) {
        noteInitialization()
        let known = maker.version
        maker.learn(kind, body)
        if maker.version != known, segment?.initialisation != nil { segment?.late.insert(kind) }
    }

    private func lead(_ kind: MediaKind, _ mark: FrameMark, at time: Int64) {
        guard var open = segment else { return }
        let isKeyframe = kind == .audio || mark.flags.contains(.keyframe)
        guard rendition == .main || open.start != nil || time - open.begun <= Packager.longestLag else {
            segment?.isLeftOut = true
            return
        }
        if open.start == nil {
            open.start = time
            open.isVideo = kind == .video
            open.partStart = time
            open.isIndependent = isKeyframe
            cutter.beginSegment(at: time * 1_000, isVideo: open.isVideo)
            comeOnShelf()
        } else {
            open.step = max(0, time - open.newest)
        }
        open.newest = max(open.newest, time)
        open.pictures += 1
        segment = open
        if cutter.cut(before: time * 1_000) { cut(at: time) }
        if isKeyframe { segment?.partHasKeyframe = true }
    }

    // MARK: Cutting

    private func continues(_ mark: FrameMark) -> Bool {
        defer { newest = (mark.session, mark.sequence) }
        guard let newest, mark.sequence != 1 else { return true }
        return mark.session == newest.session && mark.sequence == newest.sequence + 1
    }

    /// Frames went by unseen: what has been begun would not be what it is elsewhere. The playlist tells of a gap.
    private func tear(before mark: FrameMark) {
        if !maker.isEmpty { _ = maker.take(sequence: 1, end: nil) }
        segment = nil
        next = nil
        current = mark.segment
    }

    /// Another number begins. Sound often comes behind the pictures that it belongs to, up to 0.7 s in one piece: what is
    /// of an earlier time than the turn is still of the segment before it, if it comes before the turn after that; also
    /// where that segment is not made, since its beginning was not seen.
    private func reach(_ new: Turn, isLead: Bool) {
        if let next { turn(next, end: nil) }
        if rendition == .main || isLead || new.isSession {
            turn(new, end: isLead && !new.isSession ? new.time : nil)
        } else {
            next = new
        }
    }

    private func turn(_ turn: Turn, end: Int64?) {
        next = nil
        let mark = turn.mark
        close(end: end, nextBegins: turn.isSession ? nil : turn.time, target: mark.segment.target)
        // Seen from its start: another number was before it, or it is the first of all.
        guard let before = turn.before ?? (mark.sequence == 1 ? SegmentNumber.none : nil),
            mark.segment.number > before.number, awaited.map(maker.lacks) != true
        else { return }
        awaited = nil
        maker.beginSegment()
        segment = OpenSegment(number: mark.segment, date: mark.origin, begun: turn.time)
    }

    /// What is pending becomes a part. `end`: when the next begins, if that is known.
    private func cut(at end: Int64?) {
        guard let open = segment, !maker.isEmpty else { return }
        noteInitialization()
        let bytes = maker.take(sequence: open.fragments + 1, end: end)
        let until = end ?? open.newest + open.step
        let duration = max(1, until - open.partStart) * 1_000
        segment?.fragments += 1
        segment?.bytes.append(bytes)
        segment?.partStart = until
        segment?.partHasKeyframe = false
        guard hasParts else { return }
        shelf.add(bytes, duration: duration, isIndependent: open.partHasKeyframe, to: head(open), of: rendition)
    }

    private func close(end: Int64?, nextBegins: Int64?, target: UInt8) {
        guard segment != nil else { return }
        cut(at: end)
        guard let open = segment else { return }
        segment = nil
        guard let start = open.start, open.bytes.count > 0 else {
            return leaveOut(open, until: nextBegins, target: target)
        }
        let until = end ?? open.newest + open.step
        let duration = max(1, until - start)
        traits.milliFrameRate = open.isVideo ? open.pictures * 1_000_000 / Int(duration) : 0
        shelf.close(head(open), open.bytes, duration: duration * 1_000, target: target, traits, of: rendition)
    }

    /// Nothing of the audio track was in the segment. Numbers go on without it, so that they are those of the others.
    private func leaveOut(_ open: OpenSegment, until end: Int64?, target: UInt8) {
        guard rendition != .main, isOnShelf else { return }
        let duration = max(1, (end ?? open.begun) - open.begun) * 1_000
        isOnShelf = shelf.leaveOut(head(open), duration: duration, target: target, of: rendition)
    }

    private func head(_ open: OpenSegment) -> Shelf.Head {
        // The date is that of the segment's first frame; an audio track's own may come later.
        let lag = rendition == .main ? 0 : (open.start ?? open.begun) - open.begun
        return Shelf.Head(
            number: open.number, date: open.date + lag * 1_000, initialisation: open.initialisation ?? initialisation,
            isIndependent: open.isIndependent, longestPart: cutter.longest)
    }

    /// To be called before anything is learnt that may change it, and before what is pending is taken.
    private func noteInitialization() {
        guard !maker.isEmpty else { return }
        defer { if segment?.initialisation == nil { segment?.initialisation = initialisation } }
        guard version != maker.version else { return }
        version = maker.version
        let bytes = maker.initialization
        guard !bytes.isEmpty else { return }
        initialisation = ContentHash(bytes.span).value
        traits.codecs = maker.codecs
        traits.sound = maker.sound
        shelf.keep(bytes, as: initialisation, besides: segment?.initialisation, of: rendition)
    }
}
