/// The last component of a path under `/{app}/{stream}/`: the only names that this server gives in HLS, and the only
/// ones that it understands.
///
/// The scheme, where a further audio track puts `audio-<id>` in place of `media` and `audio-<id>-` before a number:
///
/// | name | what |
/// |---|---|
/// | `index.m3u8` | the multivariant playlist |
/// | `media.m3u8`, `audio-<id>.m3u8` | a media playlist |
/// | `rewind.m3u8` | the multivariant playlist of what is kept |
/// | `window.m3u8`, `window-<id>.m3u8` | a media playlist of what is kept |
/// | `<number>.m4s`, `<number>.ts` | a segment |
/// | `<number>.<index>.m4s` | a part of a segment |
/// | `init-<16 hexadecimal digits>.mp4` | an initialisation section, by the hash of its bytes |
///
/// Every name has one spelling: `ResourceName(text)` is nil wherever `text` is not what ``text`` gives back. So nothing
/// with a slash, a dot segment or a percent sign is a name.
public enum ResourceName: Hashable, Sendable {
    public enum Container: Hashable, Sendable { case transportStream, fragmentedMP4 }

    case multivariant
    case playlist(Rendition)
    /// For `window`, as `multivariant` is for `playlist`.
    case rewind
    case window(Rendition)
    case segment(Rendition, UInt32, Container)
    case part(Rendition, UInt32, index: UInt32)
    case initialisation(UInt64)

    /// The longest name, in bytes: a part of an audio track.
    public static let longest = 64

    public init?(_ text: String) { self.init(bytes: text.utf8Span.span) }

    public init?(_ text: ArraySlice<UInt8>) { self.init(bytes: text.span) }

    private init?(bytes: Span<UInt8>) {
        guard bytes.count <= Self.longest, let name = Self.parse(bytes) else { return nil }
        self = name
    }

    public var text: String {
        var out = PlaylistText(capacity: Self.longest)
        out.put(name: self)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    /// The media type of the answer.
    public var contentType: String {
        switch self {
        case .multivariant, .playlist, .rewind, .window: "application/vnd.apple.mpegurl"
        case .segment(_, _, .transportStream): "video/mp2t"
        case .segment(.main, _, _), .part(.main, _, _), .initialisation: "video/mp4"
        case .segment, .part: "audio/mp4"
        }
    }
}

extension ResourceName {
    private static func parse(_ bytes: Span<UInt8>) -> ResourceName? {
        if let first = bytes.isEmpty ? nil : bytes[0], isDigit(first) { return numbered(bytes, of: .main) }
        if middle(of: bytes, "index.m3u8", "")?.isEmpty == true { return .multivariant }
        if middle(of: bytes, "media.m3u8", "")?.isEmpty == true { return .playlist(.main) }
        if middle(of: bytes, "rewind.m3u8", "")?.isEmpty == true { return .rewind }
        if middle(of: bytes, "window.m3u8", "")?.isEmpty == true { return .window(.main) }
        if let id = middle(of: bytes, "window-", ".m3u8") {
            return track(bytes.extracting(id)).map { .window(.audio($0)) }
        }
        if let hash = middle(of: bytes, "init-", ".mp4") {
            return hexadecimal(bytes.extracting(hash)).map { .initialisation($0) }
        }
        guard let behind = middle(of: bytes, "audio-", "") else { return nil }
        let rest = bytes.extracting(behind)
        if let id = middle(of: rest, "", ".m3u8") {
            return track(rest.extracting(id)).map { .playlist(.audio($0)) }
        }
        guard let dash = first(UInt8(ascii: "-"), in: rest), let id = track(rest.extracting(..<dash)) else {
            return nil
        }
        return numbered(rest.extracting((dash + 1)...), of: .audio(id))
    }

    private static func numbered(_ bytes: Span<UInt8>, of rendition: Rendition) -> ResourceName? {
        if let number = middle(of: bytes, "", ".ts") {
            return decimal(bytes.extracting(number)).map { .segment(rendition, $0, .transportStream) }
        }
        guard let range = middle(of: bytes, "", ".m4s") else { return nil }
        let stem = bytes.extracting(range)
        guard let dot = first(UInt8(ascii: "."), in: stem) else {
            return decimal(stem).map { .segment(rendition, $0, .fragmentedMP4) }
        }
        guard let number = decimal(stem.extracting(..<dot)), let index = decimal(stem.extracting((dot + 1)...)) else {
            return nil
        }
        return .part(rendition, number, index: index)
    }

    private static func first(_ byte: UInt8, in bytes: Span<UInt8>) -> Int? {
        for index in bytes.indices where bytes[index] == byte { return index }
        return nil
    }

    /// What is between the two; nil if it does not begin and end so.
    private static func middle(
        of bytes: Span<UInt8>, _ prefix: StaticString, _ suffix: StaticString
    ) -> Range<Int>? {
        let (before, after) = (prefix.utf8CodeUnitCount, suffix.utf8CodeUnitCount)
        guard bytes.count >= before + after else { return nil }
        // Sound: a static string's bytes are always there.
        for index in 0..<before where bytes[index] != prefix.utf8Start[index] { return nil }
        let end = bytes.count - after
        for index in 0..<after where bytes[end + index] != suffix.utf8Start[index] { return nil }
        return before..<end
    }

    private static func track(_ digits: Span<UInt8>) -> UInt8? { decimal(digits).flatMap { UInt8(exactly: $0) } }

    private static func decimal(_ digits: Span<UInt8>) -> UInt32? {
        guard (1...Digits.most).contains(digits.count), digits.count == 1 || digits[0] != UInt8(ascii: "0") else {
            return nil
        }
        var value: UInt64 = 0
        for index in digits.indices {
            guard isDigit(digits[index]) else { return nil }
            value = value * 10 + UInt64(digits[index] - UInt8(ascii: "0"))
        }
        return UInt32(exactly: value)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func hexadecimal(_ digits: Span<UInt8>) -> UInt64? {
        guard digits.count == 16 else { return nil }
        var value: UInt64 = 0
        for index in digits.indices {
            let digit = digits[index]
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
