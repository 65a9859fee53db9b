import HTTP
import Testing

struct LimitTests {
    private var small: HTTPLimits {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 200
        limits.maxHeaders = 3
        limits.maxTarget = 40
        limits.maxBody = 10
        limits.maxBuffered = 400
        return limits
    }

    @Test("a header that never ends is refused at its limit")
    func endlessHeader() {
        let line = "GET / HTTP/1.1\r\nHost: h\r\nX: "
        expectRefusal(
            line + String(repeating: "a", count: 300), "http_header_too_large", status: 431, limits: small)
    }

    @Test("a head of exactly the limit passes and one byte more does not")
    func headerBoundary() throws {
        let around = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".utf8.count
        func head(_ size: Int) -> String {
            "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "a", count: size - around))\r\n\r\n"
        }
        #expect(try requests(head(200), limits: small).count == 1)
        expectRefusal(head(201), "http_header_too_large", status: 431, limits: small)
    }

    @Test("a fourth header is one too many where three are allowed")
    func headerCount() throws {
        let three = "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n"
        #expect(try requests(three + "\r\n", limits: small).count == 1)
        expectRefusal(three + "C: 3\r\n\r\n", "http_too_many_headers", status: 431, limits: small)
    }

    @Test("a target is refused behind its limit, finished or not")
    func target() throws {
        let longest = "/" + String(repeating: "a", count: 39)
        #expect(try requests("GET \(longest) HTTP/1.0\r\n\r\n", limits: small).count == 1)
        expectRefusal("GET \(longest)a HTTP/1.0\r\n\r\n", "http_target_too_long", status: 414, limits: small)
        expectRefusal(
            "GET " + String(repeating: "a", count: 150), "http_target_too_long", status: 414, limits: small)
    }

    @Test("a body is refused from its announcement, however long the number")
    func body() throws {
        let head = "POST / HTTP/1.1\r\nHost: h\r\n"
        #expect(try requests(head + "Content-Length: 10\r\n\r\n0123456789", limits: small).count == 1)
        for length in ["11", "4294967306", "99999999999999999999999999999999999999"] {
            expectRefusal(
                head + "Content-Length: \(length)\r\n\r\n", "http_body_too_large", status: 413, limits: small)
        }
        let chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
        expectRefusal(chunked + "b\r\n", "http_body_too_large", status: 413, limits: small)
        expectRefusal(
            chunked + "6\r\n012345\r\n5\r\n", "http_body_too_large", status: 413, limits: small)
        expectRefusal(chunked + "ffffffffffffffffffff\r\n", "http_body_too_large", status: 413, limits: small)
    }

    @Test("requests sent far ahead of their answers are refused")
    func pipelineOverflow() throws {
        var parser = RequestParser(limits: small)
        let bytes = Array(String(repeating: "GET / HTTP/1.0\r\n\r\n", count: 12).utf8)
        try parser.receive(bytes.span)
        let error = #expect(throws: HTTPError.self) {
            var full = parser
            try full.receive(bytes.span)
        }
        #expect(error?.reason == "http_pipeline_overflow")
    }

    @Test("chunk extensions and trailers have limits of their own")
    func chunkLines() {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        let long = String(repeating: "a", count: 5000)
        expectRefusal(head + "1;" + long, "http_bad_chunk")
        expectRefusal(head + String(repeating: "0", count: 5000), "http_bad_chunk")
        expectRefusal(head + "0\r\nX: " + long, "http_header_too_large", status: 431)
    }
}
