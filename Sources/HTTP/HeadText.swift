/// The bytes of one request's head, and where its header fields lie in them: text is made only of what somebody asks for.
///
/// Invariant: every place lies within the bytes. Names are compared whatever their case.
struct HeadText: Sendable {
    typealias Place = Range<Int>

    struct Field: Sendable {
        let name: Place
        let value: Place
    }

    private(set) var bytes: [UInt8]
    private(set) var fields: [Field] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Takes in what the head does not say in these bytes.
    mutating func append(_ text: some Sequence<UInt8>) -> Place {
        let start = bytes.count
        bytes += text
        return start..<bytes.count
    }

    mutating func reserve(fields count: Int) { fields.reserveCapacity(count) }

    mutating func append(_ field: Field) { fields.append(field) }

    // MARK: What it says

    func text(_ place: Place) -> String { String(decoding: bytes[place], as: UTF8.self) }

    func has(_ name: StaticString) -> Bool { value(name) != nil }

    /// Of the first field of that name.
    func value(_ name: StaticString) -> Place? {
        for field in fields where isNamed(field, name) { return field.value }
        return nil
    }

    /// Of the only field of that name.
    func single(_ name: StaticString) -> Place? { count(name) == 1 ? value(name) : nil }

    /// Fields of that name.
    func count(_ name: StaticString) -> Int { fields.count { isNamed($0, name) } }

    /// Whether the text there is that, whatever its case.
    func isSpelled(_ place: Place, _ text: StaticString) -> Bool {
        place.count == text.utf8CodeUnitCount && bytes.span.isSpelled(text, at: place.lowerBound)
    }

    /// Whether any field of that name lists the token, whatever its case.
    func lists(_ name: StaticString, _ token: StaticString) -> Bool {
        for field in fields where isNamed(field, name) {
            var rest = field.value
            while !rest.isEmpty {
                let member = rest.prefix { bytes[$0] != UInt8(ascii: ",") }
                if isSpelled(bytes.span.trimmed(member), token) { return true }
                rest = min(member.upperBound + 1, rest.upperBound)..<rest.upperBound
            }
        }
        return false
    }

    private func isNamed(_ field: Field, _ name: StaticString) -> Bool { isSpelled(field.name, name) }
}
