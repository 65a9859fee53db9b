/// Settings that hold one address, a list of them, or `off` for none.
///
/// In an override they stand between commas. What follows a comma and is no address's beginning belongs to the address
/// before: stream ids and keys hold commas.
extension ValueType {
    /// - Parameters:
    ///   - begins: whether an address begins with this text.
    ///   - append: reads one more address, which may be refused for those before it.
    static func addresses<Address: CustomStringConvertible & Sendable>(
        suchAs example: String, limit: Int, begins: @escaping @Sendable (Substring) -> Bool,
        append: @escaping @Sendable (_ text: String, _ found: inout [Address]) throws(ValueFault) -> Void
    ) -> ValueType where Value == [Address] {
        ValueType(
            expectation: "an address such as \(example), a list of them, or off",
            read: { (texts) throws(ValueFault) in
                if texts == ["off"] { return [] }
                let parts = texts.flatMap { split($0, where: begins) }
                guard !parts.isEmpty, parts.count <= limit else {
                    throw ValueFault("holds \(parts.count) addresses", "give 1 to \(limit), or off for none")
                }
                var found: [Address] = []
                for part in parts { try append(part, &found) }
                return found
            },
            show: { $0.isEmpty ? "off" : $0.map(\.description).joined(separator: ",") },
            isList: true)
    }
}

private func split(_ text: String, where begins: (Substring) -> Bool) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).reduce(into: []) { addresses, part in
        let part = part.drop { $0 == " " }
        if addresses.isEmpty || begins(part) {
            addresses.append(String(part))
        } else {
            addresses[addresses.count - 1] += "," + part
        }
    }
}
