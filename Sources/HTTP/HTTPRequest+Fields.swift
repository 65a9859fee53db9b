/// A request whose framing was undone by another version of HTTP: its parts come apart already.
extension HTTPRequest {
    /// The body is added when it has come. The target is held against the same rules as HTTP/1's.
    public init(
        method: String, target: String, headers: [Header], version: Int, limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPError) {
        guard Ascii.isToken(method), method.utf8.count <= HTTPLimits.maxMethod else {
            throw .bad("http_bad_method", "the method is not a name")
        }
        guard target.utf8.count <= limits.maxTarget else { throw .targetTooLong(limits.maxTarget) }
        guard !target.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "#") }) else {
            throw .bad("http_bad_target", "the target has a blank, a control character or a fragment")
        }
        var line: [UInt8] = []
        let (name, place) = (line.place(method), line.place(target))
        var bytes: [UInt8] = []
        let fields = headers.map { FieldText.Field(name: bytes.place($0.name), value: bytes.place($0.value)) }
        self.init(
            head: try RequestHead(line, name, target: place, FieldBlock(FieldText(bytes, fields), version: version)))
    }
}

extension [UInt8] {
    /// Takes the text in; says where it is.
    fileprivate mutating func place(_ text: String) -> Range<Int> {
        let start = count
        append(contentsOf: text.utf8)
        return start..<count
    }
}
