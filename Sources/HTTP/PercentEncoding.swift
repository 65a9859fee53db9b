/// Percent-encoded text (RFC 3986 §2.1) and query strings.

/// The decoded text, or nil if an escape is malformed or the result is not UTF-8.
public func percentDecode(_ text: some StringProtocol) -> String? {
    decode(text.utf8, plusIsSpace: false)
}

/// The items of a query string, in order. An item without `=` has an empty value, `+` means a space, and an item
/// whose escapes are malformed keeps its text as sent.
public func parseQuery(_ query: some StringProtocol) -> [(name: String, value: String)] {
    var items: [(name: String, value: String)] = []
    for item in query.utf8.split(separator: UInt8(ascii: "&")) {
        let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts[0]
        let value = parts.count > 1 ? parts[1] : item[item.endIndex...]
        items.append((decodeOrKeep(name), decodeOrKeep(value)))
    }
    return items
}

private func decodeOrKeep(_ bytes: some Collection<UInt8>) -> String {
    decode(bytes, plusIsSpace: true) ?? String(decoding: bytes, as: UTF8.self)
}

private func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
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
            out.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(validating: out, as: UTF8.self)
}

func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
