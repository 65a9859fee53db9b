/// A stream's packagers, as long as somebody fetches what they make. Home loop only.
import EventLoop
import HLS
import Media
import Packaging
import StreamLog

final class StreamPackaging {
    let shelf: Shelf
    /// Empty until enough of the stream is known to begin.
    fileprivate(set) var packagers: [Packager] = []

    init(_ shelf: Shelf) { self.shelf = shelf }

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
        packaging.shelf.abandon()
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
        guard let margins = channels[0].kind.bodyMargins else { return }
        let body = place.trimmed(before: margins.before, after: margins.after)
        // By the ingest node's timeline, which is the same on every node.
        let time = mark.timestamp - source.shift
        for packager in packaging.packagers { packager.add(kind, mark, at: time, body) }
    }

    /// The parts' length depends on the pictures' rate: it must be known before the first is cut.
    private func beginPackaging(_ packaging: StreamPackaging) {
        // To halves: between them there is no rate that encoders use, and nodes that measure it alike round it alike.
        let halfRate = Int64((frameRate * 2).rounded())
        guard
            hasVideo
                ? pictures(atLeast: Stream.picturesToBegin) && halfRate > 0
                : counters.audio >= UInt64(Stream.soundsToBegin)
        else { return }
        if let video = description.video { packaging.shelf.describe(width: video.width, height: video.height) }
        let interval = hasVideo ? 2_000_000 / halfRate : 0
        packaging.packagers = [Packager(.main, for: packaging.shelf, frameInterval: interval)]
        for packager in packaging.packagers { tell(packager) }
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

    private func tell(_ packager: Packager) {
        let known =
            channels[0].writer.joinPoint.map { Prologue.bodies($0.prologue, channels[0].kind.format) }
            ?? configurations.bodies
        for (kind, body) in known { body.withUnsafeBytes { packager.learn(kind, $0) } }
    }
}
