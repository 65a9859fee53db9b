/// What a client did wrong in HTTP: the answer on the wire, the counter and the log line in one value.
///
/// `reason` is a stable slug from a fixed set, so it may label a metric; the peer's bytes never reach it.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The status code to answer with before closing.
    public let status: Int
    public let reason: String
    /// A sentence for the operator's log.
    public let description: String

    public init(status: Int, reason: String, description: String) {
        self.status = status
        self.reason = reason
        self.description = description
    }

    static func bad(_ reason: String, _ description: String) -> HTTPError {
        HTTPError(status: 400, reason: reason, description: description)
    }

    static func targetTooLong(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 414, reason: "http_target_too_long",
            description: "the request target is longer than \(limit) bytes")
    }

    static func headerTooLarge(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 431, reason: "http_header_too_large",
            description: "the request line and headers are longer than \(limit) bytes")
    }

    static func tooManyHeaders(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 431, reason: "http_too_many_headers",
            description: "the request has more than \(limit) header fields")
    }

    static func bodyTooLarge(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 413, reason: "http_body_too_large",
            description: "the request body is longer than \(limit) bytes")
    }

    static func bufferFull(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 413, reason: "http_pipeline_overflow",
            description: "the client sent more than \(limit) bytes of requests ahead of their answers")
    }

    static func badVersion() -> HTTPError {
        HTTPError(
            status: 505, reason: "http_bad_version",
            description: "the request is not HTTP/1.0 or HTTP/1.1")
    }

    static func badTransferCoding() -> HTTPError {
        HTTPError(
            status: 501, reason: "http_transfer_coding",
            description: "the request body has a transfer coding other than chunked")
    }

    static func badExpectation() -> HTTPError {
        HTTPError(
            status: 417, reason: "http_expectation",
            description: "the request expects something other than 100-continue")
    }
}
