/// Percent-encoded text (RFC 3986 §2.1).

/// The decoded text, or nil if an escape is malformed or the result is not UTF-8.
public func percentDecode(_ text: some StringProtocol) -> String? {
    decode(Array(text.utf8)[...], plusIsSpace: false)
}

func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
    guard bytes.contains(where: { isEncoded($0, plusIsSpace) }) else { return text(bytes.span) }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
        if byte == UInt8(ascii: "%") {
            guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                return nil
            }
            out.append(high << 4 | low)
        } else {
            out.append(isEncoded(byte, plusIsSpace) ? UInt8(ascii: " ") : byte)
        }
    }
    return text(out.span)
}

private func text(_ bytes: Span<UInt8>) -> String? {
    guard let valid = try? UTF8Span(validating: bytes) else { return nil }
    return String(copying: valid)
}

private func isEncoded(_ byte: UInt8, _ plusIsSpace: Bool) -> Bool {
    byte == UInt8(ascii: "%") || plusIsSpace && byte == UInt8(ascii: "+")
}

func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
