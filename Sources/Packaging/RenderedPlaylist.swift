/// A playlist's text as it goes out, made once for all who ask for it.
import HLS

public final class RenderedPlaylist: Sendable {
    public let bytes: [UInt8]
    /// Empty where compression does not pay.
    public let compressed: [UInt8]
    /// A strong entity tag, quotes included.
    public let tag: String

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        compressed = Gzip.compress(bytes)
        tag = "\"\(String(ContentHash(bytes.span).value, radix: 16))\""
    }
}
