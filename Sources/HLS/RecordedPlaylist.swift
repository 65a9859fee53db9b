/// The playlist of a recording: an event that grows at its end, a video on demand that is complete (RFC 8216bis
/// §4.4.3.5), or a window that slides. Of the first two nothing is ever removed. The target duration is given at the
/// beginning, because it must not change.
public struct RecordedPlaylist: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case event
        case videoOnDemand
        /// With the numbers of its first segment (§4.4.3.2 and §4.4.3.3).
        case window(first: UInt64, discontinuity: UInt64)
    }

    public struct Entry: Hashable, Sendable {
        /// Relative to the playlist, and escaped by the caller.
        public var uri: String
        /// Microseconds.
        public var duration: Int64
        /// Microseconds since 1970; nil where it is not known.
        public var date: Int64?
        /// Another publish session, or other tracks, than the segment before.
        public var isDiscontinuous = false
        /// Of its initialisation section; empty where it needs none.
        public var initialisation = ""
        public var isGap = false

        public init(uri: String, duration: Int64) {
            self.uri = uri
            self.duration = duration
        }
    }

    public let kind: Kind
    /// Seconds.
    public let target: Int
    public private(set) var entries: [Entry] = []
    /// Nothing follows; always so on demand.
    public private(set) var isEnded: Bool

    public init(kind: Kind, target: Int) {
        self.kind = kind
        self.target = max(1, target)
        isEnded = kind == .videoOnDemand
    }

    /// A complete recording, with the target duration that its segments need.
    public init(_ entries: [Entry]) throws(RecordedPlaylistError) {
        let longest = entries.map(\.duration).max() ?? 0
        self.init(kind: .videoOnDemand, target: Int((min(longest, .max - 500_000) + 500_000) / 1_000_000))
        for entry in entries { try append(entry) }
    }

    public mutating func append(_ entry: Entry) throws(RecordedPlaylistError) {
        if kind != .videoOnDemand && isEnded { throw .ended }
        guard entry.duration >= 0, entry.duration <= longestDuration else {
            throw .tooLong(microseconds: entry.duration, target: target)
        }
        guard Self.isPlain(entry.uri), !entry.uri.isEmpty, Self.isPlain(entry.initialisation) else { throw .badURI }
        entries.append(entry)
    }

    private var longestDuration: Int64 {
        let (limit, isOverflow) = Int64(target).multipliedReportingOverflow(by: 1_000_000)
        return isOverflow ? .max - 499_999 : limit + 499_999
    }

    public mutating func end() { isEnded = true }

    public func render() -> [UInt8] {
        var out = PlaylistText(capacity: PlaylistText.headSize + entries.count * PlaylistText.segmentSize)
        out.put("#EXTM3U\n#EXT-X-VERSION:")
        out.put(number: entries.contains { !$0.initialisation.isEmpty } || kind == .event ? 6 : 3)
        out.put("\n#EXT-X-TARGETDURATION:")
        out.put(number: UInt64(target))
        out.end()
        putKind(&out)
        var initialisation = ""
        for (index, entry) in entries.enumerated() {
            put(entry, &out, isFirst: index == 0, after: &initialisation)
        }
        if isEnded { out.line("#EXT-X-ENDLIST") }
        return out.bytes
    }

    private func putKind(_ out: inout PlaylistText) {
        switch kind {
        case .event: out.line("#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:0")
        case .videoOnDemand: out.line("#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:0")
        case .window(let first, let discontinuity):
            out.put("#EXT-X-MEDIA-SEQUENCE:")
            out.put(number: first)
            out.put("\n#EXT-X-DISCONTINUITY-SEQUENCE:")
            out.put(number: discontinuity)
            out.end()
        }
    }

    private func put(_ entry: Entry, _ out: inout PlaylistText, isFirst: Bool, after initialisation: inout String) {
        if entry.isDiscontinuous && !isFirst { out.line("#EXT-X-DISCONTINUITY") }
        if entry.initialisation != initialisation, !entry.initialisation.isEmpty {
            out.put("#EXT-X-MAP:URI=\"")
            out.put(entry.initialisation)
            out.put("\"\n")
            initialisation = entry.initialisation
        }
        if let date = entry.date {
            out.put("#EXT-X-PROGRAM-DATE-TIME:")
            out.put(date: date)
            out.end()
        }
        if entry.isGap { out.line("#EXT-X-GAP") }
        out.put("#EXTINF:")
        out.put(seconds: entry.duration)
        out.put(",\n")
        out.line(entry.uri)
    }

    /// Neither ends a line or a quoted string nor begins a tag.
    private static func isPlain(_ uri: String) -> Bool {
        uri.utf8.first != UInt8(ascii: "#")
            && uri.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") }
    }
}

/// Why a segment does not go into a recorded playlist.
public enum RecordedPlaylistError: Error, Hashable, Sendable, CustomStringConvertible {
    case ended
    case tooLong(microseconds: Int64, target: Int)
    case badURI

    public var description: String {
        switch self {
        case .ended: "the recording's playlist has ended; begin another one"
        case .tooLong(let microseconds, let target):
            "a segment of \(microseconds) µs is longer than the recording's target of \(target) s allows; "
                + "cut shorter segments or begin another recording"
        case .badURI: "a recorded segment's name is empty or holds spaces, quotes or line ends; escape it"
        }
    }
}
