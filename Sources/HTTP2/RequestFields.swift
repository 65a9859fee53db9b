/// The header list of one request while it arrives: pseudo-headers apart, everything counted against the limits.
///
/// The library has checked the grammar of RFC 9113 §8.2 and §8.3 (lower case, pseudo-headers first and once, no
/// connection-specific fields); what it lets pass and HTTP/1 has no place for is refused here. After the first breach
/// nothing is kept any more, only counted.
import HTTP

struct RequestFields {
    private(set) var breach: HTTPError?
    /// As RFC 9113 §6.5.2 counts it.
    private(set) var size = 0
    private var method = ""
    private var path = ""
    private var authority = ""
    private var headers: [HTTPRequest.Header] = []

    /// What one field costs beside its bytes (RFC 9113 §6.5.2).
    private static let fieldOverhead = 32

    mutating func add(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, limits: HTTPLimits
    ) {
        size += name.count + value.count + RequestFields.fieldOverhead
        guard breach == nil else { return }
        guard size <= limits.maxHeaderBytes else {
            return refuse(431, "http_header_too_large", "the headers are longer than \(limits.maxHeaderBytes) bytes")
        }
        guard headers.count < limits.maxHeaders else {
            return refuse(431, "http_too_many_headers", "the request has more than \(limits.maxHeaders) header fields")
        }
        let name = String(decoding: name, as: UTF8.self)
        switch name {
        case ":method": method = String(decoding: value, as: UTF8.self)
        case ":authority": authority = String(decoding: value, as: UTF8.self)
        case ":path":
            guard let text = String(validating: value, as: UTF8.self) else {
                return refuse(400, "http_bad_target", "the request target is not UTF-8")
            }
            path = text
        case ":scheme": break
        default: add(name, String(decoding: value, as: UTF8.self))
        }
    }

    /// A field that the library would pass over.
    mutating func addInvalid() {
        refuse(400, "http_bad_header_value", "a header has a forbidden character")
    }

    /// The request without its body.
    func request(limits: HTTPLimits) throws(HTTPError) -> HTTPRequest {
        if let breach { throw breach }
        guard method != "CONNECT" else {
            throw HTTPError(status: 405, reason: "http_connect", description: "this server is no proxy")
        }
        var headers = headers
        if !authority.isEmpty {
            // RFC 9113 §8.3.1: a Host that names another place makes the request malformed.
            guard headers.allSatisfy({ $0.name != "host" || $0.value.lowercased() == authority.lowercased() }) else {
                throw HTTPError(
                    status: 400, reason: "http_bad_host",
                    description: "the request has a Host header that differs from its authority")
            }
            headers.removeAll { $0.name == "host" }
            headers.insert(HTTPRequest.Header(name: "host", value: authority), at: 0)
        } else if headers.count(where: { $0.name == "host" }) != 1 {
            throw HTTPError(
                status: 400, reason: "http_bad_host",
                description: "the request has no authority and not one Host header")
        }
        let request = try HTTPRequest(
            method: method, target: path, headers: headers, version: 2, limits: limits)
        try checkLength(request, limits: limits)
        return request
    }

    /// A body that is announced to be too long is not waited for. That the length is a number and true is the library's
    /// to check.
    private func checkLength(_ request: HTTPRequest, limits: HTTPLimits) throws(HTTPError) {
        guard let length = request.header("content-length") else { return }
        guard let length = Int(length), length <= limits.maxBody else { throw .body(limits.maxBody) }
    }

    private mutating func add(_ name: String, _ value: String) {
        // RFC 9113 §8.2.3: cookies may come in crumbs, and HTTP/1's reader wants them in one.
        if name == "cookie", let index = headers.firstIndex(where: { $0.name == "cookie" }) {
            headers[index] = HTTPRequest.Header(name: name, value: headers[index].value + "; " + value)
        } else {
            headers.append(HTTPRequest.Header(name: name, value: value))
        }
    }

    private mutating func refuse(_ status: Int, _ reason: String, _ description: String) {
        if breach == nil { breach = HTTPError(status: status, reason: reason, description: description) }
        headers = []
    }
}

extension HTTPError {
    static func body(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 413, reason: "http_body_too_large", description: "the request body is longer than \(limit) bytes")
    }

    static var slowBody: HTTPError {
        HTTPError(status: 408, reason: "http_slow_request", description: "the request was not complete in time")
    }

    static func bodies(_ limit: Int) -> HTTPError {
        HTTPError(
            status: 503, reason: "http2_bodies",
            description: "the bodies of the client's unfinished requests are longer than \(limit) bytes together")
    }
}
