/// What a proxy or load balancer says before the client's own bytes: who the client is. Versions 1 (text) and 2 (binary).
///
/// Sans-I/O: `parse` is given everything that has come so far, and answers when that is enough. What is no header is an
/// error at its first wrong byte: a listener that expects one takes no connection without it, since anybody could claim
/// any address otherwise.
import Media

public struct ProxyHeader: Sendable, Equatable {
    /// Where the client really is; nil where the proxy speaks for itself (a health check) or does not know.
    public var source: Source?
    /// Bytes of the header; what follows is the client's.
    public var size: Int

    public struct Source: Sendable, Equatable {
        /// In its numeric form.
        public var host: String
        public var port: UInt16

        public init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    /// Bytes of the longest header that is read. A text header ends before 108; a binary one has 232 with the longest
    /// addresses, and additions of a proxy's own.
    public static let limit = 2_048

    /// The header at the start of `bytes`, or nil when more must come.
    public static func parse(_ bytes: Span<UInt8>) throws(ProxyError) -> ProxyHeader? {
        guard bytes.count > 0 else { return nil }
        return bytes[0] == BinaryHeader.signature[0] ? try BinaryHeader.parse(bytes) : try TextHeader.parse(bytes)
    }

    /// Whether `bytes` begin as `words` do, as far as both go.
    static func begins(_ bytes: Span<UInt8>, _ words: [UInt8]) -> Bool {
        for i in 0..<min(bytes.count, words.count) where bytes[i] != words[i] { return false }
        return true
    }
}
