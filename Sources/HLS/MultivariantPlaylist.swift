/// `index.m3u8`: the variants of a stream and its alternative audio tracks (RFC 8216bis §4.4.6).
///
/// What a publisher named is cut and stripped of what would end a quoted string; names in the audio group are told
/// apart, and one track at most is the default, because clients refuse a playlist where it is otherwise (§4.4.6.1.1).
public struct MultivariantPlaylist: Hashable, Sendable {
    /// One choice of bit rate: a media playlist, and what it takes to play it.
    public struct Variant: Hashable, Sendable {
        public var rendition: Rendition
        /// Of the playlist alone; the heaviest audio track of the group is added.
        public var bandwidth: Bandwidth
        /// RFC 6381, such as `avc1.64001f` and `mp4a.40.2`; those of the audio group are added.
        public var codecs: [String]
        public var width = 0
        public var height = 0
        /// Thousandths of a frame per second; 0 where it is not known.
        public var milliFrameRate = 0

        public init(rendition: Rendition = .main, bandwidth: Bandwidth, codecs: [String]) {
            self.rendition = rendition
            self.bandwidth = bandwidth
            self.codecs = codecs
        }
    }

    /// One audio track to choose.
    public struct Audio: Hashable, Sendable {
        /// `.main`: it is in the variant's own segments, and has no playlist.
        public var rendition: Rendition
        public var name: String
        /// A tag of RFC 5646, such as `en` or `pt-BR`; empty where it is not known.
        public var language = ""
        public var isDefault = false
        /// 0 where it is not known.
        public var channels = 0
        public var codec: String
        /// Of its own playlist; 0 for `.main`.
        public var bandwidth = Bandwidth(peak: 0, average: 0)

        public init(rendition: Rendition, name: String, codec: String) {
            self.rendition = rendition
            self.name = name
            self.codec = codec
        }
    }

    public var variants: [Variant]
    /// A group of the main rendition's own track alone is no choice, and is left out.
    public var audio: [Audio] = []
    /// Every segment of every playlist begins with what needs nothing before it.
    public var hasIndependentSegments = false
    /// Its playlists are those of what is kept, not the live ones.
    public var isOfWindow = false

    /// Characters of a name.
    public static let longestName = 128
    /// Characters of a language tag, as RFC 5646 §4.4.1 advises.
    public static let longestLanguage = 35

    public init(variants: [Variant]) { self.variants = variants }

    /// `query`: goes behind every URI, such as a viewer's token; escaped by the caller.
    public func render(query: String = "") -> [UInt8] { text(query: query).bytes }

    /// The same, with where each query begins: another one of the same length may be put in its place.
    public func template(query: String) -> (bytes: [UInt8], queries: [Int]) {
        let text = text(query: query)
        return (text.bytes, text.queries)
    }

    private func text(query: String) -> PlaylistText {
        let query = PlaylistText.query(query)
        var out = PlaylistText(capacity: PlaylistText.headSize * (1 + variants.count + audio.count))
        // Nothing in here needs a version (§8); 4 is what the format suggests where there are audio groups.
        out.line("#EXTM3U")
        out.line("#EXT-X-VERSION:4")
        if hasIndependentSegments { out.line("#EXT-X-INDEPENDENT-SEGMENTS") }
        if hasGroup { group(&out, query: query) }
        for variant in variants { put(variant, &out, query: query) }
        return out
    }
}

extension MultivariantPlaylist {
    private func playlist(of rendition: Rendition) -> ResourceName {
        isOfWindow ? .window(rendition) : .playlist(rendition)
    }

    private var hasGroup: Bool { audio.contains { $0.rendition != .main } }

    private func group(_ out: inout PlaylistText, query: [UInt8]) {
        var names: Set<String> = []
        let standard = audio.firstIndex { $0.isDefault } ?? 0
        for (index, track) in audio.enumerated() {
            out.put("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=")
            out.put(quoted: unique(track.name, number: index + 1, &names), most: Self.longestName + 16)
            let language = track.language
            if Self.isLanguage(language) {
                out.put(",LANGUAGE=")
                out.put(quoted: language, most: Self.longestLanguage)
            }
            out.put(index == standard ? ",DEFAULT=YES,AUTOSELECT=YES" : ",DEFAULT=NO,AUTOSELECT=YES")
            if track.channels > 0 {
                out.put(",CHANNELS=\"")
                out.put(number: UInt64(track.channels))
                out.put("\"")
            }
            if track.rendition != .main {
                out.put(",URI=\"")
                out.put(name: playlist(of: track.rendition), query: query)
                out.put("\"")
            }
            out.end()
        }
    }

    private func put(_ variant: Variant, _ out: inout PlaylistText, query: [UInt8]) {
        let tracks = hasGroup ? audio : []
        out.put("#EXT-X-STREAM-INF:BANDWIDTH=")
        out.put(number: Self.sum(variant.bandwidth.peak, tracks.map(\.bandwidth.peak).max() ?? 0))
        if variant.bandwidth.average > 0 {
            out.put(",AVERAGE-BANDWIDTH=")
            out.put(number: Self.sum(variant.bandwidth.average, tracks.map(\.bandwidth.average).max() ?? 0))
        }
        var codecs: [String] = []
        for codec in variant.codecs + tracks.map(\.codec) where !codec.isEmpty && !codecs.contains(codec) {
            codecs.append(codec)
        }
        if !codecs.isEmpty {
            out.put(",CODECS=")
            out.put(quoted: codecs.joined(separator: ","), most: PlaylistText.headSize)
        }
        if variant.width > 0, variant.height > 0 {
            out.put(",RESOLUTION=")
            out.put(number: UInt64(variant.width))
            out.put("x")
            out.put(number: UInt64(variant.height))
        }
        if variant.milliFrameRate > 0 {
            out.put(",FRAME-RATE=")
            out.put(
                seconds: Int64(clamping: variant.milliFrameRate.multipliedReportingOverflow(by: 1_000).partialValue))
        }
        if hasGroup { out.put(",AUDIO=\"audio\"") }
        out.end()
        out.put(name: playlist(of: variant.rendition), query: query)
        out.end()
    }

    private func unique(_ name: String, number: Int, _ names: inout Set<String>) -> String {
        var plain = ""
        for scalar in name.unicodeScalars.prefix(Self.longestName)
        where scalar != "\"" && scalar.value >= 0x20 && scalar.value != 0x7f {
            plain.unicodeScalars.append(scalar)
        }
        if plain.isEmpty { plain = "Audio \(number)" }
        while !names.insert(plain).inserted { plain += " \(number)" }
        return plain
    }

    private static func isLanguage(_ text: String) -> Bool {
        let letters = text.utf8
        return !letters.isEmpty && letters.count <= longestLanguage
            && letters.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func sum(_ one: Int, _ other: Int) -> UInt64 { UInt64(max(0, one)) &+ UInt64(max(0, other)) }
}
