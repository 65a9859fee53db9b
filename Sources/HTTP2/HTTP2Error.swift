/// Why an HTTP/2 connection ends: the code on the wire, the counter and the log line in one value.
///
/// `reason` is a stable slug from a fixed set, so it may label a metric.
import CNGHTTP2

public struct HTTP2Error: Error, Sendable, Equatable, CustomStringConvertible {
    /// The error code of the goodbye (RFC 9113 §7).
    public let code: UInt32
    public let reason: String
    /// A sentence for the operator's log.
    public let description: String

    static func flood(_ kind: FloodGuard.Kind) -> HTTP2Error {
        calm("http2_\(kind.slug)_flood", "the client sent too many \(kind.plural): at most \(kind.limitText) are taken")
    }

    static func calm(_ reason: String, _ description: String) -> HTTP2Error {
        HTTP2Error(code: NGHTTP2_ENHANCE_YOUR_CALM.rawValue, reason: reason, description: description)
    }

    /// What the library cannot go on after.
    static func violation(_ code: Int32, _ detail: String) -> HTTP2Error {
        let text = String(cString: nghttp2_strerror(code))
        let detail = detail.isEmpty || detail == text ? "" : " (\(detail))"
        switch nghttp2_error(rawValue: code) {
        case NGHTTP2_ERR_FLOODED:
            return calm(
                "http2_flood", "the client sends frames to be acknowledged and reads no acknowledgement\(detail)")
        case NGHTTP2_ERR_TOO_MANY_SETTINGS, NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
            return calm("http2_flood", "the client sent an oversized series of frames: \(text)\(detail)")
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
            return HTTP2Error(
                code: NGHTTP2_PROTOCOL_ERROR.rawValue, reason: "http2_bad_preface",
                description: "the connection does not begin with the HTTP/2 preface")
        case NGHTTP2_ERR_NOMEM:
            return HTTP2Error(
                code: NGHTTP2_INTERNAL_ERROR.rawValue, reason: "http2_no_memory", description: "there is no memory left"
            )
        default:
            return HTTP2Error(
                code: NGHTTP2_INTERNAL_ERROR.rawValue, reason: "http2_internal",
                description: "the HTTP/2 library gave up: \(text)\(detail)")
        }
    }

    /// What the library has said goodbye for.
    static func violation(goodbye code: UInt32, _ detail: String, _ complaint: String?) -> HTTP2Error {
        let detail = detail.isEmpty ? complaint ?? "" : detail
        let name = String(cString: nghttp2_http2_strerror(code))
        return HTTP2Error(
            code: code, reason: "http2_protocol",
            description: "the client broke the protocol: \(name)\(detail.isEmpty ? "" : " (\(detail))")")
    }
}
