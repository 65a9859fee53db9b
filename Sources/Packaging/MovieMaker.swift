/// Segments of fragmented MP4. Frames stay where they are until a fragment is taken, and are copied into it once.
import FMP4
import HLS
import Media
import StreamLog

final class MovieMaker: SegmentMaker {
    private var builder: FragmentBuilder
    private var store = Store()
    private var bodies: [LogPlace] = []
    private let rendition: Rendition
    /// The number of its audio track.
    private let track: UInt8

    init(_ rendition: Rendition) {
        self.rendition = rendition
        let selection: Movie.Selection
        switch rendition {
        case .main: (track, selection) = (0, .videoAndAudio(0))
        case .audio(let id): (track, selection) = (id, .audio(id))
        }
        var settings = FragmentBuilder.Settings()
        // Each node puts the origin's time into terms of its own clock: it cannot be in bytes that are the same everywhere.
        settings.hasProducerTime = false
        builder = FragmentBuilder(selection: selection, settings: settings)
    }

    var initialization: [UInt8] { builder.movie.initialization }
    var version: UInt64 { builder.movie.version }
    var codecs: String { builder.movie.codecs }
    var sound: Sound? {
        builder.movie.tracks.first { $0.kind == .audio && $0.isReady }.map {
            Sound(codec: $0.codecString, channels: $0.channels)
        }
    }
    var isEmpty: Bool { builder.isEmpty }

    func takes(_ kind: MediaKind, _ tracks: TrackSet) -> Bool {
        switch kind {
        case .video: rendition == .main
        case .audio: tracks.contains(track)
        case .script: false
        }
    }

    func leads(_ kind: MediaKind, _ tracks: TrackSet) -> Bool {
        kind == .video ? rendition == .main : !builder.movie.hasVideo && takes(kind, tracks)
    }

    func lacks(_ kind: MediaKind) -> Bool { kind == .audio && !builder.movie.hasSound }

    func wouldLearn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) -> Bool {
        guard lacks(kind) else { return false }
        var trial = builder.movie
        trial.learn(kind, body: Span(_unsafeBytes: body))
        return trial.hasSound
    }

    func beginSession() { builder.beginSession() }
    func beginSegment() { builder.beginSegment() }

    func learn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) {
        builder.learn(kind, body: Span(_unsafeBytes: body))
    }

    func add(_ kind: MediaKind, at time: Int64, _ place: LogPlace) -> Bool {
        let outcome = builder.add(
            kind, timestamp: time, body: Span(_unsafeBytes: place.bytes), reference: UInt64(bodies.count))
        if outcome == .added { bodies.append(place) }
        return outcome != .full
    }

    func take(sequence: UInt32, end: Int64?) -> SharedBytes {
        guard !builder.isEmpty else { return SharedBytes() }
        let bytes = store.put(builder.size) { target in
            builder.write(sequence: sequence, nextVideo: end, into: target) { reference, range, room in
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bodies[Int(reference)].bytes[range]))
            }
        }
        bodies.removeAll(keepingCapacity: true)
        return bytes
    }
}
