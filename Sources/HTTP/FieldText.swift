/// Header fields as the bytes that came, and where they lie in them: text is made only of what somebody asks for.
///
/// Invariant: every place lies within the bytes. Names are compared whatever their case.
struct FieldText: Sendable {
    typealias Place = Range<Int>

    struct Field: Sendable {
        let name: Place
        let value: Place
    }

    let bytes: [UInt8]
    let fields: [Field]

    init(_ bytes: [UInt8], _ fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    /// Of HTTP/1: lines that each end in CRLF, of which the last is empty; `lines` of them are reckoned with.
    init(_ bytes: [UInt8], lines: Int, limits: HTTPLimits) throws(HTTPError) {
        var fields: [Field] = []
        fields.reserveCapacity(min(lines, limits.maxHeaders))
        var position = 0
        while bytes[position] != Ascii.cr {
            guard fields.count < limits.maxHeaders else { throw .tooManyHeaders(limits.maxHeaders) }
            fields.append(try Self.field(bytes.span, &position))
        }
        self.init(bytes, fields)
    }

    func text(_ place: Place) -> String { String(decoding: bytes[place], as: UTF8.self) }

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

    /// The field whose line begins at `position`, which goes on to the next.
    private static func field(_ bytes: Span<UInt8>, _ position: inout Int) throws(HTTPError) -> Field {
        if Ascii.isBlank(bytes[position]) { throw .bad("http_folded_header", "a header is folded over several lines") }
        var colon = position
        while Ascii.isToken(bytes[colon]) { colon += 1 }
        guard colon > position, bytes[colon] == Ascii.colon else {
            if colon > position, Ascii.isBlank(bytes[colon]) {
                throw .bad("http_space_before_colon", "a header name is followed by a blank")
            }
            throw .bad("http_bad_header_name", "a header name is empty or has a forbidden character")
        }
        var end = colon + 1
        while Ascii.isFieldValue(bytes[end]) { end += 1 }
        guard bytes[end] == Ascii.cr else {
            throw .bad("http_bad_header_value", "a header value has a control character")
        }
        defer { position = end + 2 }
        return Field(name: position..<colon, value: bytes.trimmed(colon + 1..<end))
    }
}
