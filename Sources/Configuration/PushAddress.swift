/// Where a stream is pushed: `rtmp://`, `rtmps://` or `srt://`, with a name for people in front if it has one:
/// `archive=rtmps://live.example.net/app/KEY`.
///
/// There are keys in such addresses. `masked` is for logs and reports; `description` is for nobody but the settings.
public struct PushAddress: Sendable, Hashable, CustomStringConvertible {
    public enum Place: Sendable, Hashable {
        case rtmp(RTMPAddress)
        /// Without a passphrase, that of the stream's settings counts.
        case srt(SRTAddress, passphrase: String?)
    }

    /// What people call it; may be empty.
    public let name: String
    public let place: Place

    /// What stands for a secret.
    static let mask = "***"
    /// Characters of a name.
    static let longestName = 64
    /// Bytes of a passphrase (SRT's own limits).
    private static let passphraseLengths = 10...79
    /// Shorter words are not looked for in a text: they stand in other words.
    private static let shortestSecret = 4

    /// Reads `URL` or `NAME=URL`.
    package init(_ text: String) throws(ValueFault) {
        guard let scheme = text.firstRange(of: "://") else {
            throw ValueFault("this is no address", "write rtmp://HOST/APP/KEY, rtmps://HOST/APP/KEY or srt://HOST:PORT")
        }
        guard let equals = text[..<scheme.lowerBound].firstIndex(of: "=") else {
            try self.init(name: "", url: text)
            return
        }
        try self.init(name: String(text[..<equals]), url: String(text[text.index(after: equals)...]))
    }

    package init(name: String, url: String) throws(ValueFault) {
        guard name.count <= PushAddress.longestName, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
            !name.contains("="), !name.contains(","), !name.contains("://")
        else { throw ValueFault("the name is not usable", "give up to 64 characters without '=' and ','") }
        self.name = name
        if url.hasPrefix("srt://") {
            place = try PushAddress.srt(url)
        } else if url.hasPrefix("rtmp://") || url.hasPrefix("rtmps://") {
            place = .rtmp(try RTMPAddress(url))
        } else {
            throw ValueFault("streams are pushed by rtmp://, rtmps:// and srt://, nothing else", "write one of these")
        }
    }

    /// One of `srt.push`.
    public init(_ address: SRTAddress) {
        name = ""
        place = .srt(address, passphrase: nil)
    }

    /// Takes the passphrase out, and leaves the rest to where SRT addresses are read.
    private static func srt(_ url: String) throws(ValueFault) -> Place {
        let mark = url.firstIndex(of: "?") ?? url.endIndex
        let pairs = url[mark...].dropFirst().split(separator: "&")
        let word = "passphrase="
        let rest = pairs.filter { !$0.hasPrefix(word) }.joined(separator: "&")
        let address: SRTAddress
        do { address = try SRTAddress(String(url[..<mark]) + (rest.isEmpty ? "" : "?" + rest)) } catch {
            throw ValueFault("this SRT address is not usable", "write srt://HOST:PORT?streamid=NAME&latency=120")
        }
        guard let pair = pairs.last(where: { $0.hasPrefix(word) }) else { return .srt(address, passphrase: nil) }
        let passphrase = String(pair.dropFirst(word.count))
        guard passphraseLengths.contains(passphrase.utf8.count) else {
            throw ValueFault("the passphrase is too short or too long", "SRT takes 10 to 79 characters")
        }
        return .srt(address, passphrase: passphrase)
    }

    public var remote: Remote {
        switch place {
        case .rtmp(let address): address.remote
        case .srt(let address, _): address.remote
        }
    }

    public var description: String {
        let url =
            switch place {
            case .rtmp(let address): address.text
            case .srt(let address, let passphrase):
                address.description
                    + (passphrase.map { "\(address.description.contains("?") ? "&" : "?")passphrase=\($0)" } ?? "")
            }
        return name.isEmpty ? url : "\(name)=\(url)"
    }

    // MARK: Secrets

    /// Without what lets others in: a stream key, a passphrase, the values of a query. What only repeats the stream's
    /// names is no secret.
    public var masked: String {
        switch place {
        case .rtmp(let address): return address.masked
        case .srt(let address, let passphrase):
            var parts: [String] = []
            if !address.streamID.isEmpty {
                let words = ["#!::", "r=", "m=publish", "publish:", ","]
                let isOpen = PushAddress.isOpen(address.streamID, besides: words)
                parts.append("streamid=" + (isOpen ? address.streamID : PushAddress.mask))
            }
            if let latency = address.latency { parts.append("latency=\(latency)") }
            if passphrase != nil { parts.append("passphrase=" + PushAddress.mask) }
            // Over which transport it goes is said by the scheme alone.
            return "srt://\(address.remote)" + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
        }
    }

    /// A text of the far side's, or of a library's, without the secrets that it may repeat.
    public func mask(_ text: String, app: String, stream: String) -> String {
        var secrets: [String] = []
        switch place {
        case .rtmp(let address):
            for part in [address.app, address.stream] {
                let filled = part.filled(app: app, stream: stream)
                let name = filled.prefix { $0 != "?" }
                let query = filled.dropFirst(name.count + 1)
                secrets += query.split(separator: "&").map { String($0.drop { $0 != "=" }.dropFirst()) }
                if part == address.stream, !PushAddress.isOpen(String(part.prefix { $0 != "?" }), besides: []) {
                    secrets.append(String(name))
                }
            }
        case .srt(let address, let passphrase):
            if masked.contains("streamid=" + PushAddress.mask) {
                secrets.append(address.streamID(app: app, stream: stream))
            }
            passphrase.map { secrets.append($0) }
        }
        return secrets.filter { $0.utf8.count >= PushAddress.shortestSecret }
            .sorted { $0.utf8.count > $1.utf8.count }
            .reduce(text) { $0.with($1, replacedBy: PushAddress.mask) }
    }

    /// Whether a text is nothing but the placeholders, slashes and `words`.
    static func isOpen(_ text: String, besides words: [String]) -> Bool {
        let rest = (["{app}", "{stream}", "/"] + words).reduce(text) { $0.with($1, replacedBy: "") }
        return rest.isEmpty && !text.isEmpty
    }

    static func maskedQuery(_ text: String) -> String {
        let name = text.prefix { $0 != "?" }
        return name.count < text.count ? "\(name)?\(mask)" : text
    }
}

extension String {
    fileprivate func firstRange(of word: String) -> Range<Index>? {
        var at = startIndex
        while at != endIndex {
            if self[at...].hasPrefix(word) { return at..<index(at, offsetBy: word.count) }
            at = index(after: at)
        }
        return nil
    }
}

extension ValueType<[PushAddress]> {
    /// Destinations of one stream.
    private static var listLimit: Int { 32 }

    static let pushAddresses = addresses(
        suchAs: "rtmps://live.example.net/app/KEY", limit: listLimit, begins: { $0.contains("://") },
        append: { (text, found: inout [PushAddress]) throws(ValueFault) in
            let address = try PushAddress(text)
            if found.contains(where: { $0.place == address.place }) {
                throw ValueFault("lists \(address.masked) twice", "delete one of them")
            }
            found.append(address)
        })
}
