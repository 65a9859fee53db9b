import HTTP
import Testing

/// Framing and syntax on which two parsers in a row could disagree (RFC 9112 §11.2).
struct SmugglingTests {
    private static let post = "POST / HTTP/1.1\r\nHost: h\r\n"

    @Test(
        "two lengths are refused, even equal ones",
        arguments: [
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Content-Length: 1\r\ncontent-length: 2\r\n",
        ])
    func twoLengths(headers: String) {
        expectRefusal(Self.post + headers + "\r\n", "http_ambiguous_length")
    }

    @Test("a length that is no plain number is refused", arguments: ["", "+1", "-1", "0x1", "1 1", "1,1", "1.0", "١"])
    func oddLengths(value: String) {
        expectRefusal(Self.post + "Content-Length: \(value)\r\n\r\n", "http_bad_length")
    }

    @Test(
        "only chunked, alone and once, is a transfer coding",
        arguments: [
            "gzip", "gzip, chunked", "chunked, identity", "xchunked", "chunked;q=1", "",
        ])
    func oddCodings(value: String) {
        expectRefusal(Self.post + "Transfer-Encoding: \(value)\r\n\r\n", "http_transfer_coding", status: 501)
    }

    @Test("HTTP/1.0 has no transfer coding")
    func oldCoding() {
        expectRefusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "http_ambiguous_length")
    }

    @Test(
        "header syntax that other parsers repair is refused",
        arguments: [
            ("Content-Length : 1\r\n", "http_space_before_colon"),
            ("Content-Length\t: 1\r\n", "http_space_before_colon"),
            (" Content-Length: 1\r\n", "http_folded_header"),
            ("X: a\r\n\tb\r\n", "http_folded_header"),
            (": x\r\n", "http_bad_header_name"),
            ("no colon\r\n", "http_space_before_colon"),
            ("nocolon\r\n", "http_bad_header_name"),
            ("X\u{e9}: 1\r\n", "http_bad_header_name"),
            ("X: a\nY: b\r\n", "http_bare_lf"),
            ("X: a\rY: b\r\n", "http_bare_cr"),
            ("X: a\r\r\n", "http_bare_cr"),
            ("X: a\u{0}\r\n", "http_nul"),
            ("X: a\u{1}\r\n", "http_bad_header_value"),
            ("X: a\u{7f}\r\n", "http_bad_header_value"),
            ("Host: i\r\n", "http_bad_host"),
        ])
    func oddHeaders(header: String, reason: String) {
        expectRefusal(Self.post + header + "\r\n", reason)
    }

    @Test("HTTP/1.1 needs a Host")
    func missingHost() {
        expectRefusal("GET / HTTP/1.1\r\n\r\n", "http_bad_host")
    }

    @Test(
        "a request line has single spaces and nothing else",
        arguments: [
            "GET  / HTTP/1.1", "GET\t/ HTTP/1.1", "GET /", "GET", "G(T / HTTP/1.1", "GET /#a HTTP/1.1",
            "GET /a\tb HTTP/1.1",
        ])
    func oddRequestLines(line: String) {
        expectRefusal(line + "\r\nHost: h\r\n\r\n", "http_bad_request_line")
    }

    @Test(
        "a chunk that does not fit its size is refused",
        arguments: [
            "\r\n", "g\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "1\na\r\n", "1\r\nab\r\n", "1\r\na\n",
            "-1\r\n",
            "1;\u{1}\r\n", "0\r\n bad: trailer\r\n", "0\r\nX: \u{0}\r\n",
        ])
    func oddChunks(body: String) {
        expectRefusal(Self.post + "Transfer-Encoding: Chunked\r\n\r\n" + body, "http_bad_chunk")
    }
}
