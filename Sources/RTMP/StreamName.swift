/// Takes apps and stream names apart as clients spell them: with slashes around them, with a query on either, or with
/// the app in `tcUrl` alone.
enum StreamName {
    /// A name without the slashes at its ends, and the query behind it.
    static func split(_ text: String) -> (name: String, query: String) {
        let utf8 = text.utf8
        let mark = utf8.firstIndex(of: UInt8(ascii: "?")) ?? utf8.endIndex
        var name = text[..<mark]
        while name.utf8.first == UInt8(ascii: "/") { name.removeFirst() }
        while name.utf8.last == UInt8(ascii: "/") { name.removeLast() }
        let query = mark == utf8.endIndex ? "" : text[utf8.index(after: mark)...]
        return (String(name), String(query))
    }

    /// The path of a URL, with its query: what follows the host.
    static func path(ofURL url: String) -> String {
        let utf8 = url.utf8
        var start = utf8.startIndex
        if let scheme = url.firstRange(ofUTF8: "://") { start = scheme }
        guard let slash = utf8[start...].firstIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(url[slash...])
    }

    static func join(_ one: String, _ other: String) -> String {
        one.isEmpty ? other : other.isEmpty || one == other ? one : one + "&" + other
    }

    /// Whether a name can stand in a log line and in a path.
    static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

extension String {
    /// The end of the first occurrence of `mark`.
    fileprivate func firstRange(ofUTF8 mark: String) -> String.Index? {
        var at = utf8.startIndex
        while at != utf8.endIndex {
            if utf8[at...].starts(with: mark.utf8) { return utf8.index(at, offsetBy: mark.utf8.count) }
            at = utf8.index(after: at)
        }
        return nil
    }
}
