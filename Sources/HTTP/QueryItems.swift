/// The items of a query string, in order. An item without `=` has an empty value, `+` means a space, and an item whose
/// escapes are malformed keeps its text as sent.
struct QueryItems: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>

    init(_ query: ArraySlice<UInt8>) { rest = query }

    /// As sent.
    struct Item {
        let name: ArraySlice<UInt8>
        let value: ArraySlice<UInt8>

        var decoded: (name: String, value: String) { (Self.text(name), Self.text(value)) }

        func isNamed(_ text: String) -> Bool {
            if name.elementsEqual(text.utf8) { return true }
            let isEscaped = name.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
            return isEscaped && Self.text(name) == text
        }

        private static func text(_ bytes: ArraySlice<UInt8>) -> String {
            decode(bytes, plusIsSpace: true) ?? String(decoding: bytes, as: UTF8.self)
        }
    }

    mutating func next() -> Item? {
        while !rest.isEmpty {
            let item = rest.prefix { $0 != UInt8(ascii: "&") }
            rest = rest.dropFirst(item.count + 1)
            guard !item.isEmpty else { continue }
            let name = item.prefix { $0 != UInt8(ascii: "=") }
            return Item(name: name, value: item.dropFirst(name.count + 1))
        }
        return nil
    }
}
