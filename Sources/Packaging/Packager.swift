/// Cuts one rendition of a stream into segments and parts, where the frames' numbers say so, and puts them on a shelf.
/// Home loop only.
///
/// Invariant: a segment is made only if every one of its frames was seen, and then from its own frames alone.
import EventLoop
import FMP4
import HLS
import Media
import StreamLog

public final class Packager {
    private let shelf: Shelf
    private let rendition: Rendition
    private let maker: any SegmentMaker
    private var cutter: PartCutter
    private let hasParts: Bool

    private var current: SegmentNumber?
    private var segment: OpenSegment?
    /// The numbers of the newest frame.
    private var newest: (session: UInt32, sequence: UInt64)?
    private var version: UInt64?
    private var initialisation: UInt64 = 0
    private var codecs = ""

    /// The segment that is being made.
    private struct OpenSegment {
        let number: SegmentNumber
        /// Microseconds of Unix time.
        let date: Int64
        /// Milliseconds of the first and newest frame of the leading kind, and of where the pending part begins.
        var start: Int64?
        var newest: Int64 = 0
        var step: Int64 = 0
        var partStart: Int64 = 0
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

    public init(_ rendition: Rendition, for shelf: Shelf, frameInterval: Int64) {
        self.shelf = shelf
        self.rendition = rendition
        hasParts = shelf.settings.form == .lowLatency
        let setting = (hasParts ? shelf.settings.part : Packager.fragment) * 1_000
        cutter = PartCutter(target: PartCutter.target(near: setting, frameInterval: frameInterval))
        switch (shelf.settings.form, rendition) {
        case (.transportStream, _): maker = TransportMaker()
        case (_, .main): maker = MovieMaker(.videoAndAudio(0))
        case (_, .audio(let id)): maker = MovieMaker(.audio(id))
        }
        shelf.open(rendition, partTarget: cutter.target)
    }

    // MARK: Frames

    /// Another publish session follows; what the last one said of its tracks no longer holds.
    public func beginSession() {
        noteInitialization()
        maker.beginSession()
    }

    /// What was said before the first frame.
    public func learn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) { maker.learn(kind, body) }

    /// The next frame. `time` is by the ingest node's timeline, in milliseconds.
    public func add(_ kind: MediaKind, _ mark: FrameMark, at time: Int64, _ place: LogPlace) {
        guard !mark.flags.contains(.repeated), mark.segment.number > 0 else { return maker.learn(kind, place.bytes) }
        let isMedia = kind != .script && !mark.flags.contains(.configuration)
        let isLead = isMedia && (kind == .video || !maker.hasVideo)
        if !continues(mark) { tear(before: mark) }
        if mark.segment.number != current?.number { turn(to: mark, at: isLead ? time : nil) }
        current = mark.segment
        guard isMedia, segment != nil else {
            if !isMedia { learnBetween(kind, place.bytes) }
            // Data has its place between the frames, where the format has one for it, and decides nothing.
            if mark.flags.contains(.data), segment != nil { _ = maker.add(kind, at: time, place) }
            return
        }
        // Its initialisation section knows nothing of that track: it is in the next segment.
        guard segment?.late.contains(kind) == false else { return }
        if isLead { lead(kind, mark, at: time) }
        if maker.add(kind, at: time, place) { return }
        cut(at: time)
        _ = maker.add(kind, at: time, place)
    }

    /// The stream has ended for good.
    public func end() {
        close(end: nil, target: 0)
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
        if open.start == nil {
            open.start = time
            open.isVideo = kind == .video
            open.partStart = time
            open.isIndependent = isKeyframe
            cutter.beginSegment(at: time * 1_000)
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
        current = mark.segment
    }

    /// Another number begins with `mark`; at `time`, if the frame leads.
    private func turn(to mark: FrameMark, at time: Int64?) {
        let isSession = current.map { $0.discontinuity != mark.segment.discontinuity } ?? false
        close(end: isSession ? nil : time, target: mark.segment.target)
        // Seen from its start: another number was before it, or it is the first of all.
        guard let current = current ?? (mark.sequence == 1 ? SegmentNumber.none : nil),
            mark.segment.number > current.number
        else { return }
        maker.beginSegment()
        segment = OpenSegment(number: mark.segment, date: mark.origin)
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
        shelf.add(
            bytes, duration: min(duration, cutter.target), isIndependent: open.partHasKeyframe, to: head(open),
            of: rendition)
    }

    private func close(end: Int64?, target: UInt8) {
        guard segment != nil else { return }
        cut(at: end)
        guard let open = segment else { return }
        segment = nil
        guard let start = open.start, open.bytes.count > 0 else { return }
        let until = end ?? open.newest + open.step
        let duration = max(1, until - start)
        shelf.close(head(open), open.bytes, duration: duration * 1_000, target: target, of: rendition)
        shelf.describe(
            rendition, codecs: codecs,
            milliFrameRate: open.isVideo ? open.pictures * 1_000_000 / Int(duration) : 0)
    }

    private func head(_ open: OpenSegment) -> Shelf.Head {
        Shelf.Head(
            number: open.number, date: open.date, initialisation: open.initialisation ?? initialisation,
            isIndependent: open.isIndependent)
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
        codecs = maker.codecs
        shelf.keep(bytes, as: initialisation, besides: segment?.initialisation)
    }
}
