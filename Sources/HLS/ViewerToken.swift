/// Tells one HLS viewer from another, who otherwise leaves nothing but unrelated requests: 128 bits that the caller
/// drew at random, in every URI of that viewer's playlists or in a cookie. In text they are 22 characters of
/// base64url, in the one spelling that ``init(_:)`` accepts.
public struct ViewerToken: Hashable, Sendable {
    public let high: UInt64
    public let low: UInt64

    /// The query parameter of playlists' addresses that has it.
    public static let key = "v"
    /// Characters of a token.
    public static let length = 22

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public init?(_ text: String) { self.init(text.utf8Span.span) }

    public init?(_ characters: Span<UInt8>) {
        guard characters.count == Self.length else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<Self.length - 1 {
            guard let digit = Self.value(characters[index]) else { return nil }
            high = high << 6 | low >> 58
            low = low << 6 | digit
        }
        // 21 characters are 126 bits; the last one gives two, and its other four are zero.
        guard let digit = Self.value(characters[Self.length - 1]), digit & 0x0f == 0 else { return nil }
        self.init(high: high << 2 | low >> 62, low: low << 2 | digit >> 4)
    }

    public var text: String {
        var characters: [UInt8] = []
        characters.reserveCapacity(Self.length)
        for index in 0..<Self.length - 1 {
            let shift = 122 - 6 * index
            let bits = shift >= 64 ? high >> UInt64(shift - 64) : high << UInt64(64 - shift) | low >> UInt64(shift)
            characters.append(Self.alphabet[Int(bits & 0x3f)])
        }
        characters.append(Self.alphabet[Int(low & 0x03) << 4])
        return String(decoding: characters, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static func value(_ character: UInt8) -> UInt64? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt64(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt64(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
