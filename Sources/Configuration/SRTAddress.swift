/// Where this node calls another SRT listener: `srt://encoder.example.net:9000?streamid=live/cam1&latency=300`.
///
/// The passphrase is not part of it: it stands in a file, `srt.passphrase_file`, so that addresses may be shown.
public struct SRTAddress: Sendable, Hashable, CustomStringConvertible {
    public let remote: Remote
    /// As it is sent; `{app}` and `{stream}` stand for the names of the stream in question.
    public var streamID = ""
    /// nil is `srt.latency`.
    public var latency: Milliseconds?

    /// Bytes of a stream id (SRT access control guideline).
    static let longestStreamID = 512

    /// Reads `srt://HOST:PORT`, with `streamid` and `latency` (in milliseconds) behind it.
    init(_ text: String) throws(ValueFault) {
        let scheme = "srt://"
        let parts = text.dropFirst(scheme.count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.hasPrefix(scheme), let remote = Remote(String(parts[0])) else {
            throw ValueFault("\(quoted(text)) is not an SRT address", "write srt://HOST:PORT?streamid=NAME")
        }
        self.remote = remote
        guard parts.count > 1 else { return }
        for pair in parts[1].split(separator: "&") {
            try set(pair.prefix { $0 != "=" }, pair.drop { $0 != "=" }.dropFirst())
        }
    }

    private mutating func set(_ key: Substring, _ value: Substring) throws(ValueFault) {
        switch key {
        case "streamid":
            guard let decoded = SRTAddress.decoded(value), (1...SRTAddress.longestStreamID).contains(decoded.utf8.count)
            else { throw ValueFault("streamid is empty, too long or not text", "give 1 to 512 bytes of it") }
            streamID = decoded
        case "latency":
            guard let latency = ValueType<Int>.digits(value), (20...60_000).contains(latency) else {
                throw ValueFault("latency=\(printable(String(value))) is not usable", "write milliseconds, 20 to 60000")
            }
            self.latency = latency
        case "passphrase":
            throw ValueFault("the address holds a passphrase", "put it into a file, and name that: srt.passphrase_file")
        default:
            throw ValueFault(
                "\(quoted(String(key))) is not known", "streamid and latency can stand behind the address")
        }
    }

    /// Without its percent signs; '&' and '%' must be written so.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// As in the file. Only what would end the value is escaped.
    public var description: String {
        var parts: [String] = []
        if !streamID.isEmpty {
            let escaped = streamID.unicodeScalars.map {
                "%& ".unicodeScalars.contains($0) ? "%" + String($0.value, radix: 16, uppercase: true) : String($0)
            }
            parts.append("streamid=" + escaped.joined())
        }
        if let latency { parts.append("latency=\(latency)") }
        return "srt://\(remote)" + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
    }

    /// For one stream.
    public func streamID(app: String, stream: String) -> String { streamID.filled(app: app, stream: stream) }
}

extension ValueType<[SRTAddress]> {
    private static var listLimit: Int { 16 }

    static let srtAddresses = addresses(
        suchAs: "srt://encoder.example.net:9000?streamid=live/cam1", limit: listLimit, begins: { $0.hasPrefix("srt:") },
        append: { (text, found: inout [SRTAddress]) throws(ValueFault) in found.append(try SRTAddress(text)) })
}
