/// A playlist's text as it goes out, made once for all who ask for it: plain or compressed, and for caches to keep for
/// as long as it stands.
import HLS
import StreamLog

public final class RenderedPlaylist: Sendable {
    private let plain: Pair
    /// Nil where compression does not pay.
    private let compressed: Pair?

    private struct Pair: Sendable {
        let live: PackagedFile
        let settled: PackagedFile
    }

    /// Bytes that it takes, in both forms.
    public let size: Int

    public init(_ bytes: [UInt8]) {
        let hash = String(ContentHash(bytes.span).value, radix: 16)
        plain = Self.pair(bytes, tag: "\"\(hash)\"", [("Vary", "Accept-Encoding")])
        let packed = Gzip.compress(bytes)
        size = bytes.count + packed.count
        compressed =
            packed.isEmpty
            ? nil
            : Self.pair(
                packed, tag: "\"\(hash)-gz\"", [("Vary", "Accept-Encoding"), ("Content-Encoding", "gzip")])
    }

    private static func pair(
        _ bytes: [UInt8], tag: String, _ headers: [(name: String, value: String)]
    ) -> Pair {
        let bytes = SharedBytes(copying: bytes)
        let type = ResourceName.playlist(.main).contentType
        return Pair(
            live: PackagedFile(bytes, tag: tag, type: type, .live, headers),
            settled: PackagedFile(bytes, tag: tag, type: type, .settled, headers))
    }

    /// `isSettled`: the text will not change for who asks the same again; `takesGzip`: it may come compressed.
    public func file(isSettled: Bool, takesGzip: Bool) -> PackagedFile {
        let pair = takesGzip ? compressed ?? plain : plain
        return isSettled ? pair.settled : pair.live
    }
}
