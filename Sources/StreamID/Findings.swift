/// What has been found so far in a stream id, and the readers of its forms.
///
/// Scalars rather than characters are looked at: a slash with a combining mark behind it is a slash, and a mark.
struct Findings {
    typealias Text = Substring.UnicodeScalarView

    /// `app/name` or `name`, without host and query.
    var path: Text?
    var mode: StreamID.Mode?
    var user: String?
    var session: String?
    var host: String?
    var others: [(key: String, value: String)] = []

    mutating func read(_ text: Text) throws(StreamIDError) {
        guard !text.isEmpty else { throw .empty }
        // Some tools take the # for the start of a URL's fragment, and send the rest.
        for start in ["#!::", "!::"] {
            if let rest = Self.rest(of: text, behind: start) { return try standard(rest) }
        }
        if Self.rest(of: text, behind: "#!{") != nil || Self.rest(of: text, behind: "#!:{") != nil { throw .nested }
        if Self.rest(of: text, behind: "#!") != nil { throw .unknownSyntax }
        if let rest = Self.rest(of: text, behind: "srt://") { return try address(rest) }
        try short(text)
    }

    // MARK: The standard form

    private mutating func standard(_ text: Text) throws(StreamIDError) {
        var seen: Set<String> = []
        var place: Text?
        for item in text.split(separator: ",", omittingEmptySubsequences: true) {
            guard let equals = item.firstIndex(of: "="), equals > item.startIndex else { throw .noValue(String(item)) }
            let key = String(item[..<equals])
            let value = item[item.index(after: equals)...]
            guard seen.insert(key).inserted else { throw .repeated(key) }
            switch key {
            case "r": place = value
            case "m": mode = try Self.mode(value)
            case "u": user = String(value)
            case "s": session = String(value)
            case "h": host = String(value)
            case "t": guard String(value) == "stream" else { throw .unsupportedType(String(value)) }
            default: others.append((key, String(value)))
            }
        }
        if let place {
            let keys = others
            others = []
            try named(place)
            others += keys
            return
        }
        // SRS has served `h=host/app/name` since before it knew `r=`.
        guard let host, host.unicodeScalars.contains("/") else { return }
        self.host = nil
        try address(Substring(host).unicodeScalars)
    }

    /// `app/name?key=value&…`
    private mutating func named(_ text: Text) throws(StreamIDError) {
        guard let question = text.firstIndex(of: "?") else {
            path = text
            return
        }
        if question > text.startIndex { path = text[..<question] }
        try asked(text[text.index(after: question)...])
    }

    /// What stands behind a question mark.
    private mutating func asked(_ text: Text) throws(StreamIDError) {
        for item in text.split(separator: "&", omittingEmptySubsequences: true) {
            let equals = item.firstIndex(of: "=") ?? item.endIndex
            let key = String(item[..<equals])
            let value = item[equals...].dropFirst()
            switch key {
            case "": throw .noValue(String(item))
            case "mode", "m": mode = try Self.mode(value)
            case "r" where path == nil: path = value
            default: others.append((key, String(value)))
            }
        }
    }

    // MARK: Short forms

    private mutating func short(_ text: Text) throws(StreamIDError) {
        let question = text.firstIndex(of: "?") ?? text.endIndex
        let colon = text[..<question].firstIndex(of: ":")
        guard let colon else { return try plain(text) }
        if let slash = text[..<colon].firstIndex(of: "/") ?? text[..<colon].firstIndex(of: "."),
            slash > text.startIndex
        {
            // A host and a port, not a mode.
            return try address(text)
        }
        mode = try Self.mode(text[..<colon])
        try credentials(text[text.index(after: colon)...])
    }

    /// `app/name`, `app/name:query`, `app/name:user:password` and `app/name:user:password:query`.
    private mutating func credentials(_ text: Text) throws(StreamIDError) {
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
        // A question mark ends the name: what follows may hold colons of its own.
        if parts[0].contains("?") || parts.count == 1 { return try named(text) }
        path = parts[0]
        if parts.count >= 3 {
            user = String(parts[1])
            session = String(parts[2])
        }
        if parts.count != 3, let query = parts.last { try asked(query) }
    }

    /// `host[:port]/app/name?…`, or with one part less if the host is left out.
    private mutating func address(_ text: Text) throws(StreamIDError) {
        let end = text.firstIndex(of: "?") ?? text.endIndex
        guard let slash = text[..<end].firstIndex(of: "/") else { throw .noName }
        let rest = text[text.index(after: slash)...]
        let first = text[..<slash]
        guard first.contains(".") || first.contains(":") || text[..<end].filter({ $0 == "/" }).count > 1 else {
            return try named(text)
        }
        host = String(first)
        try named(rest)
    }

    private mutating func plain(_ text: Text) throws(StreamIDError) {
        try named(text)
        guard let path else { return }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return }
        if let named = try? Self.mode(parts[0]) {
            mode = mode ?? named
        } else if parts[0].contains(".") {
            host = String(parts[0])
            // The publishers' domain of srt-live-server's example, which many have kept.
            if Self.rest(of: parts[0], behind: "uplive.") != nil { mode = mode ?? .publish }
        } else {
            return
        }
        self.path = path[path.index(after: parts[0].endIndex)...]
    }

    // MARK: Words

    private static func rest(of text: Text, behind start: String) -> Text? {
        text.starts(with: start.unicodeScalars) ? text.dropFirst(start.unicodeScalars.count) : nil
    }

    private static func mode(_ word: Text) throws(StreamIDError) -> StreamID.Mode {
        switch String(word) {
        case "publish", "push": .publish
        case "request", "read", "play", "pull": .request
        case "bidirectional": .bidirectional
        default: throw .unknownMode(String(word))
        }
    }

    static func split(_ path: Text) throws(StreamIDError) -> (app: Text?, name: Text) {
        let whole = path.first == "/" ? path.dropFirst() : path
        let parts = whole.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty }) else { throw .emptyPart(String(path)) }
        guard parts.count <= 2 else { throw .tooManyParts(String(path)) }
        return parts.count == 2 ? (parts[0], parts[1]) : (nil, parts[0])
    }
}
