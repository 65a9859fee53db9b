/// The last component of a path under `/{app}/{stream}/`: the only names that this server gives in HLS, and the only
/// ones that it understands.
///
/// The scheme, where a further audio track puts `audio-<id>` in place of `media` and `audio-<id>-` before a number:
///
/// | name | what |
/// |---|---|
/// | `index.m3u8` | the multivariant playlist |
/// | `media.m3u8`, `audio-<id>.m3u8` | a media playlist |
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
    case segment(Rendition, UInt32, Container)
    case part(Rendition, UInt32, index: UInt32)
    case initialisation(UInt64)

    /// The longest name, in bytes: a part of an audio track.
    public static let longest = 64

    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8.prefix(Self.longest + 1))
        guard bytes.count <= Self.longest, let name = Self.parse(bytes[...]) else { return nil }
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
        case .multivariant, .playlist: "application/vnd.apple.mpegurl"
        case .segment(_, _, .transportStream): "video/mp2t"
        case .segment(.main, _, _), .part(.main, _, _), .initialisation: "video/mp4"
        case .segment, .part: "audio/mp4"
        }
    }
}

extension ResourceName {
    private static func parse(_ bytes: ArraySlice<UInt8>) -> ResourceName? {
        if bytes.elementsEqual("index.m3u8".utf8) { return .multivariant }
        if bytes.elementsEqual("media.m3u8".utf8) { return .playlist(.main) }
        if let hash = middle(of: bytes, "init-", ".mp4") {
            return hexadecimal(hash).map { .initialisation($0) }
        }
        guard let rest = middle(of: bytes, "audio-", "") else { return numbered(bytes, of: .main) }
        if let id = middle(of: rest, "", ".m3u8") {
            return decimal(id).flatMap { UInt8(exactly: $0) }.map { .playlist(.audio($0)) }
        }
        guard let dash = rest.firstIndex(of: UInt8(ascii: "-")),
            let id = decimal(rest[..<dash]).flatMap({ UInt8(exactly: $0) })
        else { return nil }
        return numbered(rest[(dash + 1)...], of: .audio(id))
    }

    private static func numbered(_ bytes: ArraySlice<UInt8>, of rendition: Rendition) -> ResourceName? {
        if let number = middle(of: bytes, "", ".ts") {
            return decimal(number).map { .segment(rendition, $0, .transportStream) }
        }
        guard let stem = middle(of: bytes, "", ".m4s") else { return nil }
        guard let dot = stem.firstIndex(of: UInt8(ascii: ".")) else {
            return decimal(stem).map { .segment(rendition, $0, .fragmentedMP4) }
        }
        guard let number = decimal(stem[..<dot]), let index = decimal(stem[(dot + 1)...]) else { return nil }
        return .part(rendition, number, index: index)
    }

    private static func middle(
        of bytes: ArraySlice<UInt8>, _ prefix: String, _ suffix: String
    ) -> ArraySlice<UInt8>? {
        guard bytes.count >= prefix.utf8.count + suffix.utf8.count, bytes.starts(with: prefix.utf8),
            bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        return bytes.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else { return nil }
        return Digits.decimal(digits).flatMap { UInt32(exactly: $0) }
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard digits.count == 16 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
