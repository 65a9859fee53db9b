/// Cross-origin resource sharing: live media is public to every page, and no answer depends on a cookie, so the
/// wildcard is both the simplest and the safest origin.

/// The headers that let a page of another origin read the response. `origin` is the request's `Origin` header; a
/// request without one gets `Vary` alone, so that a cache between does not mix the two.
public func corsHeaders(origin: String?) -> [(name: String, value: String)] {
    guard origin != nil else { return [("Vary", "Origin")] }
    return [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "Content-Length, Date"),
        ("Vary", "Origin"),
    ]
}

extension HTTPResponse {
    /// Bytes of `Access-Control-Request-Headers` that a preflight answer repeats.
    private static let maxEchoedHeaders = 512
    /// How long a browser may remember the answer, in seconds; browsers cap it lower themselves.
    private static let preflightAge = 86_400

    /// The answer to `OPTIONS`, a preflight or not. The headers asked for are granted by name: older Safari does
    /// not know the wildcard there.
    public static func preflight(for request: HTTPRequest, methods: String = "GET, HEAD, OPTIONS") -> HTTPResponse {
        var response = HTTPResponse(status: 204)
        response.set("Allow", methods)
        response.set(corsHeaders(origin: request.header("origin")))
        guard request.header("access-control-request-method") != nil else { return response }
        response.set("Access-Control-Allow-Methods", methods)
        response.set("Access-Control-Max-Age", "\(preflightAge)")
        if let asked = request.header("access-control-request-headers"), asked.utf8.count <= maxEchoedHeaders {
            let names = Ascii.list(asked).filter { Ascii.isToken($0) }
            if !names.isEmpty { response.set("Access-Control-Allow-Headers", names.joined(separator: ", ")) }
        }
        return response
    }
}
