//! What a viewer needs to know of a playlist of HLS (RFC 8216bis §4.4): what is new in it, and what comes next.

struct LivePlaylist {
    /// In a multivariant playlist: the first media playlist. Else the last segment that is whole.
    private(set) var lastURI: String?
    /// URIs of segments, in their order.
    private(set) var segments: [String] = []
    /// `EXT-X-MEDIA-SEQUENCE`.
    private(set) var firstNumber = 0
    /// In seconds; 0 in a multivariant playlist.
    private(set) var target = 0.0
    /// The newest part, and the one that is announced.
    private(set) var newestPart: String?
    private(set) var hint: String?
    private(set) var isEnded = false
    private var skipped = 0

    init(_ text: [UInt8]) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            if line.first == UInt8(ascii: "#") {
                tag(line)
            } else {
                segments.append(String(decoding: line, as: UTF8.self))
            }
        }
        lastURI = segments.last
    }

    /// The number behind that of the last whole segment: the one that is being made.
    var openNumber: Int { firstNumber + skipped + segments.count }
    /// Of the first segment that stands in it.
    var firstListed: Int { firstNumber + skipped }

    private mutating func tag(_ line: ArraySlice<UInt8>) {
        if let value = Self.value(line, "#EXT-X-PART:") {
            newestPart = Self.attribute("URI=\"", in: value)
        } else if let value = Self.value(line, "#EXT-X-PRELOAD-HINT:") {
            hint = Self.attribute("URI=\"", in: value)
        } else if let value = Self.value(line, "#EXT-X-TARGETDURATION:") {
            target = Double(String(decoding: value, as: UTF8.self)) ?? 0
        } else if let value = Self.value(line, "#EXT-X-MEDIA-SEQUENCE:") {
            firstNumber = Int(String(decoding: value, as: UTF8.self)) ?? 0
        } else if let value = Self.value(line, "#EXT-X-SKIP:SKIPPED-SEGMENTS=") {
            skipped = Int(String(decoding: value.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)) ?? 0
        } else if Self.value(line, "#EXT-X-ENDLIST") != nil {
            isEnded = true
        }
    }

    private static func value(_ line: ArraySlice<UInt8>, _ tag: StaticString) -> ArraySlice<UInt8>? {
        let count = tag.utf8CodeUnitCount
        guard line.count >= count else { return nil }
        for place in 0..<count where line[line.startIndex + place] != tag.utf8Start[place] { return nil }
        return line.dropFirst(count)
    }

    /// The quoted string behind `name`, which ends with the opening quotation mark.
    private static func attribute(_ name: String, in list: ArraySlice<UInt8>) -> String? {
        let name = Array(name.utf8)
        var rest = list
        while rest.count >= name.count {
            if rest.starts(with: name) {
                return String(decoding: rest.dropFirst(name.count).prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
            }
            rest = rest.dropFirst()
        }
        return nil
    }
}

/// A part by its place in the stream: `<number>.<index>.m4s`, whatever query follows.
struct PartPlace: Hashable, Comparable {
    let number: Int
    let index: Int

    init(number: Int, index: Int) {
        self.number = number
        self.index = index
    }

    init?(_ uri: String) {
        let fields = uri.utf8.split(separator: UInt8(ascii: "."), maxSplits: 2)
        guard fields.count == 3, let number = Int(Substring(fields[0])), let index = Int(Substring(fields[1])) else {
            return nil
        }
        self.init(number: number, index: index)
    }

    static func < (one: PartPlace, other: PartPlace) -> Bool {
        (one.number, one.index) < (other.number, other.index)
    }

    /// Whether nothing can lie between the two.
    func isFollowed(by next: PartPlace) -> Bool {
        next.number == number && next.index == index + 1 || next.number == number + 1 && next.index == 0
    }
}
