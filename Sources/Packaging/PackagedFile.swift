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
        answer = PreparedResponse(Self.response(tag: tag, type: type, age, headers), length: bytes.count)
    }

    /// A segment, a part or an initialisation section.
    convenience init(_ bytes: SharedBytes, _ name: ResourceName, tag: String, _ age: Age = .media) {
        self.init(bytes, tag: tag, type: name.contentType, age, Self.ranges)
    }

    // MARK: The same from elsewhere

    private static let ranges = [(name: "Accept-Ranges", value: "bytes")]

    private static func response(
        tag: String, type: String, _ age: Age, _ headers: [(name: String, value: String)]
    ) -> HTTPResponse {
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", type)
        response.set("Cache-Control", age.rawValue)
        response.set("ETag", tag)
        // The same whatever page asks: a cache may give it to any other.
        response.set("Access-Control-Allow-Origin", "*")
        response.set("Access-Control-Expose-Headers", "Content-Length, Content-Range, Date")
        response.set(headers)
        return response
    }

    /// What is answered with a file of that name whose bytes lie elsewhere, such as on a disk: as if it were here.
    public static func response(_ name: ResourceName, tag: String) -> HTTPResponse {
        if case .initialisation = name { return response(tag: tag, type: name.contentType, .initialisation, ranges) }
        return response(tag: tag, type: name.contentType, .media, ranges)
    }

    /// Of a segment.
    public static func tag(_ number: UInt32, size: Int) -> String { "\"\(number)-\(size)\"" }

    /// Of an initialisation section.
    public static func tag(initialisation hash: UInt64) -> String { "\"\(hash)\"" }
}
