/// What a decoder must have been told before it can start anywhere in the stream: metadata and sequence headers, the
/// newest of each track. Bounded: a stream has few tracks, and what goes beyond the limit is carried but not repeated.
import Media
import StreamLog

struct Configurations {
    struct Key: Equatable {
        let kind: MediaKind
        /// Distinguishes the tracks of a multitrack stream, and colour metadata from decoder configuration.
        let slot: UInt16
    }

    private struct Entry {
        let key: Key
        var body: [UInt8]
    }

    private var entries: [Entry] = []
    /// Changes with every change of content.
    private(set) var version: UInt32 = 0

    private static let maxEntries = 32

    /// Whether this is news.
    mutating func note(_ key: Key, _ body: Span<UInt8>) -> Bool {
        let body = body.withUnsafeBufferPointer { Array($0) }
        if let index = entries.firstIndex(where: { $0.key == key }) {
            guard entries[index].body != body else { return false }
            entries[index].body = body
        } else {
            guard entries.count < Configurations.maxEntries else { return true }
            entries.append(Entry(key: key, body: body))
        }
        version += 1
        return true
    }

    /// Script data first, then video, then audio.
    var bodies: [(kind: MediaKind, body: [UInt8])] {
        [MediaKind.script, .video, .audio].flatMap { wanted in
            entries.filter { $0.key.kind == wanted }.map { (wanted, $0.body) }
        }
    }

    /// A new publish session says everything anew; what the last one said no longer holds.
    mutating func reset() {
        entries = []
        version += 1
    }

    /// Script data first, then video, then audio: the order in which players expect them. A transport stream says all
    /// of it inside.
    func prologue(_ kind: WireKind, before mark: FrameMark, of source: WireEncoder.Source) -> [UInt8] {
        guard kind.format != .ts else { return [] }
        var bytes: [UInt8] = []
        for wanted in [MediaKind.script, .video, .audio] where kind.tracks.contains(wanted) {
            var repeated = mark
            repeated.flags = wanted == .script ? [.script, .repeated] : [.configuration, .repeated]
            // ffmpeg takes metadata that comes later than 0 for a subtitle track.
            if wanted == .script { repeated.timestamp = 0 }
            for entry in entries where entry.key.kind == wanted {
                WireEncoder.append(kind.format, wanted, repeated, of: source, body: entry.body, to: &bytes)
            }
        }
        return bytes
    }
}
