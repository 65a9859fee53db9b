/// A multivariant playlist as it goes out, made once per change for all who ask for it: only the viewer's token, which is
/// of one length, is put in its places for each.
import HLS
import HTTP
import StreamLog

public final class PreparedMultivariant: Sendable {
    /// The answer that the bytes are the body of.
    public let answer: PreparedResponse
    let playlist: MultivariantPlaylist
    private let template: [UInt8]
    /// Where tokens begin.
    private let places: [Int]

    init(_ playlist: MultivariantPlaylist) {
        self.playlist = playlist
        let prefix = ViewerToken.key + "="
        let (bytes, queries) = playlist.template(query: prefix + ViewerToken(high: 0, low: 0).text)
        template = bytes
        places = queries.map { $0 + prefix.utf8.count }
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", ResourceName.multivariant.contentType)
        // Of each viewer's own, for nobody else.
        response.set("Cache-Control", "no-store")
        response.set("Access-Control-Allow-Origin", "*")
        response.set("Access-Control-Expose-Headers", "Content-Length, Date")
        answer = PreparedResponse(response, length: bytes.count)
    }

    /// The playlist of one viewer.
    public func body(for viewer: ViewerToken) -> SharedBytes {
        let token = Array(viewer.text.utf8)
        var bytes = template
        for place in places { bytes.replaceSubrange(place..<place + token.count, with: token) }
        return SharedBytes(copying: bytes)
    }
}
