/// What a decoder must have been told before it can start anywhere in the stream: metadata and sequence headers, the
/// newest of each track. Bounded: a stream has few tracks, and what goes beyond the limit is carried but not repeated.
import Media
import StreamLog

struct Configurations {
    struct Key: Equatable {
        let kind: MediaKind
        /// Distinguishes the tracks of a multitrack stream, and colour metadata from decoder configuration.
        let slot: UInt16

        /// What tells of a data track.
        static func data(track: UInt8) -> Key { Key(kind: .script, slot: 0x100 | UInt16(track)) }

        var isData: Bool { kind == .script && slot >= 0x100 }
    }

    private struct Entry {
        let key: Key
        var body: [UInt8]
    }

    private var entries: [Entry] = []
    /// Changes with every change of content.
    private(set) var version: UInt32 = 0

    private static let maxEntries = 32

    enum News {
        case nothing
        /// Nothing was known of that track.
        case first
        case change
    }

    mutating func note(_ key: Key, _ body: Span<UInt8>) -> News {
        let body = body.withUnsafeBufferPointer { Array($0) }
        var news = News.first
        if let index = entries.firstIndex(where: { $0.key == key }) {
            guard entries[index].body != body else { return .nothing }
            entries[index].body = body
            news = .change
        } else {
            guard entries.count < Configurations.maxEntries else { return .first }
            entries.append(Entry(key: key, body: body))
        }
        version += 1
        return news
    }

    /// Notes what a body says. Whether it is something, and of what nothing was known.
    mutating func isFirst(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) -> Bool {
        let body = Span<UInt8>(_unsafeBytes: body)
        guard let frame = try? FrameClass(kind, body), frame.isNoted else { return false }
        return note(frame.key, body) == .first
    }

    /// Script data first, then video, then audio.
    var bodies: [(kind: MediaKind, body: [UInt8])] {
        [MediaKind.script, .video, .audio].flatMap { wanted in
            entries.filter { $0.key.kind == wanted }.map { (wanted, $0.body) }
        }
    }

    /// What tells of data tracks.
    var dataTracks: [[UInt8]] { entries.filter(\.key.isData).map(\.body) }

    /// A new publish session says everything anew; what the last one said no longer holds.
    mutating func reset() {
        entries = []
        version += 1
    }

    /// Script data first, then video, then audio: the order in which players expect them.
    func prologue(_ kind: WireKind, before mark: FrameMark, of source: WireEncoder.Source) -> [UInt8] {
        var bytes: [UInt8] = []
        for wanted in [MediaKind.script, .video, .audio] where kind.tracks.contains(wanted) {
            var repeated = mark
            repeated.flags = wanted == .script ? [.script, .repeated] : [.configuration, .repeated]
            // ffmpeg takes metadata that comes later than 0 for a subtitle track.
            if wanted == .script { repeated.timestamp = 0 }
            for entry in entries where entry.key.kind == wanted && (kind.holdsData || !entry.key.isData) {
                WireEncoder.append(kind.format, wanted, repeated, of: source, body: entry.body, to: &bytes)
            }
        }
        return bytes
    }
}
