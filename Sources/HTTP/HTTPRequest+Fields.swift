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
        var text = HeadText([])
        let (name, place) = (text.append(method.utf8), text.append(target.utf8))
        text.reserve(fields: headers.count)
        for header in headers {
            text.append(
                HeadText.Field(name: text.append(header.name.utf8), value: text.append(header.value.utf8)))
        }
        self.init(head: try RequestHead(text, name, target: place, version: version))
    }
}
