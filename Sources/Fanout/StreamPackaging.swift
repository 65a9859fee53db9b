/// A stream's packagers, as long as somebody fetches what they make: of the main rendition, and of each further audio
/// track that has been heard of. Home loop only.
import EventLoop
import FLV
import HLS
import Media
import Packaging
import StreamLog

final class StreamPackaging {
    let shelf: Shelf
    /// Empty until enough of the stream is known to begin. The main rendition's is the last: when it tells of something,
    /// the others have told it.
    private(set) var packagers: [Packager] = []
    /// Where in the frame log packaging began.
    fileprivate private(set) var beginning: UInt64 = 0
    /// Of the session whose first frames are yet to be packaged.
    fileprivate var opening: SessionOpening?
    private var known = TrackSet.first
    /// A transport stream has all tracks in its segments.
    fileprivate let hasRenditions: Bool

    init(_ shelf: Shelf) {
        self.shelf = shelf
        hasRenditions = shelf.settings.form != .transportStream
    }

    /// `frameInterval`: microseconds from one picture to the next, 0 where there are none.
    fileprivate func begin(at beginning: UInt64, frameInterval: Int64) {
        self.beginning = beginning
        opening = nil
        packagers = [Packager(.main, for: shelf, frameInterval: frameInterval)]
    }

    /// The packagers of tracks that were not known, which have seen nothing yet.
    fileprivate func meet(_ tracks: TrackSet) -> [Packager] {
        guard hasRenditions, !known.contains(tracks) else { return [] }
        let new = tracks.numbers.filter { !known.contains($0) }.map { Packager(.audio($0), for: shelf) }
        packagers.insert(contentsOf: new, at: packagers.count - 1)
        known.formUnion(tracks)
        return new
    }

    /// What the publisher says of the stream.
    func describe(_ description: StreamDescription) {
        if let video = description.video { shelf.describe(width: video.width, height: video.height) }
        let tracks = description.metadata?.audioTracks ?? [:]
        shelf.describe(tracks.mapValues { TrackLabel(name: $0.name, language: $0.language) })
    }

    /// Another publish session follows, from that place of the frame log on.
    func beginSession(at offset: UInt64) { opening = SessionOpening(start: offset) }

    func end() {
        for packager in packagers { packager.end() }
        shelf.end()
    }
}

/// A frame of the frame log, as packagers take it.
private struct PackagedFrame {
    let kind: MediaKind
    let tracks: TrackSet
    let mark: FrameMark
    let time: Int64
    let body: LogPlace

    func add(to packagers: [Packager]) {
        for packager in packagers { packager.add(kind, tracks, mark, at: time, body) }
    }
}

extension Stream {
    /// Pictures from which the rate of pictures can be told.
    private static let picturesToBegin = 16
    /// Audio frames after which a stream without pictures has none.
    private static let soundsToBegin = 32

    /// Fills `shelf` from now on, and from what the frame log holds.
    func package(on shelf: Shelf) {
        guard packaging == nil else { return }
        let packaging = StreamPackaging(shelf)
        self.packaging = packaging
        beginPackaging(packaging)
    }

    /// Lets go of what nobody has asked for in `idle` milliseconds. To be called about once a second.
    public func tidyPackaging(idle: @autoclosure () -> UInt64) {
        guard let packaging, packaging.shelf.idle > idle() else { return }
        // Who waits asks again, and finds another shelf.
        packaging.shelf.end()
        self.packaging = nil
        handle.forget(packaging.shelf)
    }

    /// The newest frame of the frame log.
    func package(_ mark: FrameMark, _ packaging: StreamPackaging) {
        guard !packaging.packagers.isEmpty else { return beginPackaging(packaging) }
        guard let place = channels[0].writer.newestPlace else { return }
        package(mark, place, packaging)
    }

    /// What is announced of the parts' length depends on the pictures' rate: it must be known before the first is told
    /// of. Where they are cut does not (`PartCutter`).
    private func beginPackaging(_ packaging: StreamPackaging) {
        // To halves: between them there is no rate that encoders use.
        let halfRate = Int64((frameRate * 2).rounded())
        guard
            hasVideo
                ? pictures(atLeast: Stream.picturesToBegin) && halfRate > 0
                : counters.audio >= UInt64(Stream.soundsToBegin)
        else { return }
        packaging.describe(description)
        let (beginning, isSessionStart) = beginning
        packaging.begin(at: beginning, frameInterval: hasVideo ? 2_000_000 / halfRate : 0)
        if isSessionStart { packaging.beginSession(at: beginning) } else { catchUp(packaging) }
        packaging.shelf.fill { channels[0].writer.forEachPlace(from: beginning) { package($0, $1, packaging) } }
    }

    /// What the frames before packaging began have said of the tracks.
    private func catchUp(_ packaging: StreamPackaging) {
        let told = configurations.bodies
        for (kind, body) in told where kind == .audio { _ = packaging.meet(AudioPacket.tracks(of: body.span)) }
        for packager in packaging.packagers {
            for (kind, body) in told { body.withUnsafeBytes { packager.learn(kind, $0) } }
        }
        channels[0].writer.forEachPlace(from: 0) { mark, place in
            guard let frame = frame(mark, place), frame.tracks.contains(.first) else { return }
            packaging.packagers.last?.expect(frame.kind, frame.body.bytes)
        }
    }

    private func package(_ mark: FrameMark, _ place: LogPlace, _ packaging: StreamPackaging) {
        guard let frame = frame(mark, place) else { return }
        guard var opening = packaging.opening else {
            meet(frame.tracks, before: place.position, packaging)
            return frame.add(to: packaging.packagers)
        }
        let isOver = opening.ends(with: mark, frame.tracks, at: frame.time)
        packaging.opening = isOver ? nil : opening
        if isOver { package(opening, to: place.position + UInt64(place.count), packaging) }
    }

    /// Whether a track is in a segment must not depend on when somebody asked for it: who packages it from now on sees
    /// what the others have seen.
    private func meet(_ tracks: TrackSet, before end: UInt64, _ packaging: StreamPackaging) {
        let new = packaging.meet(tracks)
        guard !new.isEmpty else { return }
        var epoch: UInt64?
        channels[0].writer.forEachPlace(from: packaging.beginning, to: end) { mark, place in
            let next = source(of: mark).epoch
            if let epoch, epoch != next { for packager in new { packager.beginSession() } }
            epoch = next
            frame(mark, place)?.add(to: new)
        }
    }

    /// The first frames of a session, after what is told among them.
    private func package(_ opening: SessionOpening, to end: UInt64, _ packaging: StreamPackaging) {
        let log = channels[0].writer
        var tracks = TrackSet()
        log.forEachPlace(from: opening.start, to: end) { tracks.formUnion(frame($0, $1)?.tracks ?? TrackSet()) }
        meet(tracks, before: opening.start, packaging)
        for packager in packaging.packagers { packager.beginSession() }
        var told = Configurations()
        var heard = TrackSet()
        log.forEachPlace(from: opening.start, to: end) { mark, place in
            guard let frame = frame(mark, place) else { return }
            // A codec may say what it is with each frame.
            let isHeard = packaging.hasRenditions && !heard.contains(frame.tracks)
            heard.formUnion(frame.tracks)
            guard told.isFirst(frame.kind, frame.body.bytes) || isHeard else { return }
            for packager in packaging.packagers { packager.learn(frame.kind, frame.body.bytes) }
        }
        log.forEachPlace(from: opening.start, to: end) { frame($0, $1)?.add(to: packaging.packagers) }
    }

    private func frame(_ mark: FrameMark, _ place: LogPlace) -> PackagedFrame? {
        guard let margins = channels[0].kind.bodyMargins else { return nil }
        let body = place.trimmed(before: margins.before, after: margins.after)
        let kind: MediaKind = mark.flags.contains(.video) ? .video : mark.flags.contains(.audio) ? .audio : .script
        let tracks = kind == .audio ? AudioPacket.tracks(of: Span(_unsafeBytes: body.bytes)) : TrackSet()
        // By the ingest node's timeline, which is the same on every node.
        let time = mark.timestamp - source(of: mark).shift
        return PackagedFrame(kind: kind, tracks: tracks, mark: mark, time: time, body: body)
    }

    /// Where packaging begins in the frame log: with the newest publish session, if the log reaches back as far. If not,
    /// with the newest change of what was said of the tracks: only of the newest is known what came before.
    private var beginning: (offset: UInt64, isSessionStart: Bool) {
        let log = channels[0].writer
        var (beginning, isSessionStart) = (log.tail, false)
        var session: UInt32?
        var wasConfiguration = true
        log.forEachPlace(from: log.tail) { mark, place in
            let isConfiguration = mark.flags.contains(.configuration)
            let isStart = mark.sequence == 1 && !mark.flags.contains(.repeated)
            if mark.session != session || isStart {
                (beginning, isSessionStart) = (place.position, isStart)
            } else if isConfiguration && !wasConfiguration && !isSessionStart {
                beginning = place.position
            }
            session = mark.session
            wasConfiguration = isConfiguration
        }
        return (beginning, isSessionStart)
    }

    private func pictures(atLeast count: Int) -> Bool { counters.video >= UInt64(count) }
}
