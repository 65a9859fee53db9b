/// What a shelf gives out under a name: bytes that never change, made once for all who ask for them, and the answer that
/// they are the body of.
import HLS
import HTTP
import StreamLog

public final class PackagedFile: Sendable {
    public let bytes: SharedBytes
    /// A strong entity tag, quotes included.
    public let tag: String
    public let answer: PreparedResponse

    /// How long caches keep the answer.
    enum Age: String {
        /// The text changes soon.
        case live = "public, max-age=1"
        /// The text will not change for who asks the same again.
        case settled = "public, max-age=10"
        case media = "public, max-age=3600, immutable"
        case initialisation = "public, max-age=86400, immutable"
    }

    init(_ bytes: SharedBytes, tag: String, type: String, _ age: Age, _ headers: [(name: String, value: String)]) {
        self.bytes = bytes
        self.tag = tag
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", type)
        response.set("Cache-Control", age.rawValue)
        response.set("ETag", tag)
        // The same whatever page asks: a cache may give it to any other.
        response.set("Access-Control-Allow-Origin", "*")
        response.set("Access-Control-Expose-Headers", "Content-Length, Content-Range, Date")
        response.set(headers)
        answer = PreparedResponse(response, length: bytes.count)
    }

    /// A segment, a part or an initialisation section.
    convenience init(_ bytes: SharedBytes, _ name: ResourceName, tag: String, _ age: Age = .media) {
        self.init(bytes, tag: tag, type: name.contentType, age, [("Accept-Ranges", "bytes")])
    }
}
