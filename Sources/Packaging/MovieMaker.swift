/// Segments of fragmented MP4. Frames stay where they are until a fragment is taken, and are copied into it once.
import FMP4
import Media
import StreamLog

final class MovieMaker: SegmentMaker {
    private var builder: FragmentBuilder
    private var store = Store()
    private var bodies: [LogPlace] = []

    init(_ selection: Movie.Selection) {
        var settings = FragmentBuilder.Settings()
        // Each node puts the origin's time into terms of its own clock: it cannot be in bytes that are the same everywhere.
        settings.hasProducerTime = false
        builder = FragmentBuilder(selection: selection, settings: settings)
    }

    var initialization: [UInt8] { builder.movie.initialization }
    var version: UInt64 { builder.movie.version }
    var hasVideo: Bool { builder.movie.hasVideo }
    var codecs: String { builder.movie.codecs }
    var isEmpty: Bool { builder.isEmpty }

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
