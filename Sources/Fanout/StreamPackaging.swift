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
    private var known = TrackSet.first
    /// A transport stream has all tracks in its segments.
    private let hasRenditions: Bool

    init(_ shelf: Shelf) {
        self.shelf = shelf
        hasRenditions = shelf.settings.form != .transportStream
    }

    /// `frameInterval`: microseconds from one picture to the next, 0 where there are none.
    fileprivate func begin(with tracks: TrackSet, frameInterval: Int64) {
        packagers = [Packager(.main, for: shelf, frameInterval: frameInterval)]
        meet(tracks)
    }

    /// What is made for a track from now on begins with the next segment.
    private func meet(_ tracks: TrackSet) {
        guard hasRenditions, !known.contains(tracks) else { return }
        for number in tracks.numbers where !known.contains(number) {
            packagers.insert(Packager(.audio(number), for: shelf), at: packagers.count - 1)
        }
        known.formUnion(tracks)
    }

    func add(_ kind: MediaKind, _ mark: FrameMark, at time: Int64, _ body: LogPlace) {
        let tracks = kind == .audio ? AudioPacket.tracks(of: Span(_unsafeBytes: body.bytes)) : TrackSet()
        meet(tracks)
        for packager in packagers { packager.add(kind, tracks, mark, at: time, body) }
    }

    /// What the publisher says of the stream.
    func describe(_ description: StreamDescription) {
        if let video = description.video { shelf.describe(width: video.width, height: video.height) }
        let tracks = description.metadata?.audioTracks ?? [:]
        shelf.describe(tracks.mapValues { TrackLabel(name: $0.name, language: $0.language) })
    }

    func beginSession() { for packager in packagers { packager.beginSession() } }

    func end() {
        for packager in packagers { packager.end() }
        shelf.end()
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

    func package(_ kind: MediaKind, _ mark: FrameMark, of source: WireEncoder.Source, _ packaging: StreamPackaging) {
        guard !packaging.packagers.isEmpty else { return beginPackaging(packaging) }
        guard let place = channels[0].writer.newestPlace else { return }
        package(kind, mark, of: source, place, packaging)
    }

    private func package(
        _ kind: MediaKind, _ mark: FrameMark, of source: WireEncoder.Source, _ place: LogPlace,
        _ packaging: StreamPackaging
    ) {
        guard let body = body(at: place) else { return }
        // By the ingest node's timeline, which is the same on every node.
        packaging.add(kind, mark, at: mark.timestamp - source.shift, body)
    }

    private func body(at place: LogPlace) -> LogPlace? {
        channels[0].kind.bodyMargins.map { place.trimmed(before: $0.before, after: $0.after) }
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
        let told = known
        var tracks = TrackSet.first
        for (kind, body) in told where kind == .audio { tracks.formUnion(AudioPacket.tracks(of: body.span)) }
        channels[0].writer.forEachPlace(from: beginning) { mark, place in
            guard mark.flags.contains(.audio), let body = body(at: place) else { return }
            tracks.formUnion(AudioPacket.tracks(of: Span(_unsafeBytes: body.bytes)))
        }
        packaging.begin(with: tracks, frameInterval: hasVideo ? 2_000_000 / halfRate : 0)
        for packager in packaging.packagers {
            for (kind, body) in told { body.withUnsafeBytes { packager.learn(kind, $0) } }
        }
        var session: UInt64?
        channels[0].writer.forEachPlace(from: beginning) { mark, place in
            let source = source(of: mark)
            if let session, session != source.epoch { packaging.beginSession() }
            session = source.epoch
            let kind: MediaKind =
                mark.flags.contains(.video) ? .video : mark.flags.contains(.audio) ? .audio : .script
            package(kind, mark, of: source, place, packaging)
        }
    }

    /// Where packaging begins in the frame log: with the newest publish session, or with the newest change of what was said
    /// of the tracks, if the log reaches back as far. Only of the newest is known what came before.
    private var beginning: UInt64 {
        let frames = channels[0].writer
        var offset = frames.tail
        var beginning = frames.tail
        var wasConfiguration = false
        frames.forEachPlace(from: frames.tail) { mark, place in
            defer { offset += UInt64(place.count) }
            guard !mark.flags.contains(.repeated) else { return }
            let isConfiguration = mark.flags.contains(.configuration) && mark.sequence > Stream.openingFrames
            if mark.sequence == 1 || isConfiguration && !wasConfiguration { beginning = offset }
            wasConfiguration = isConfiguration
        }
        return beginning
    }

    /// Frames of a publish session among which its tracks are first told of.
    private static let openingFrames: UInt64 = 64

    private func pictures(atLeast count: Int) -> Bool { counters.video >= UInt64(count) }

    /// What has been said of the tracks.
    private var known: [(kind: MediaKind, body: [UInt8])] {
        channels[0].writer.joinPoint.map { Prologue.bodies($0.prologue, channels[0].kind.format) }
            ?? configurations.bodies
    }
}
