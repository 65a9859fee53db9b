/// Four characters that name a box, a brand or a coding.
struct FourCC: Sendable, Equatable, ExpressibleByStringLiteral {
    let value: UInt32

    init(stringLiteral text: StaticString) {
        precondition(text.utf8CodeUnitCount == 4)
        value = text.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
    }
}
