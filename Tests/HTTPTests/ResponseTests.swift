import HTTP
import Testing

struct ResponseTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("a response is its head and its body")
    func encoding() {
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", "text/html")
        response.set("content-type", "application/json")
        response.body = Array("{}".utf8)
        let date = HTTPDate.format(784_111_777)
        let head =
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-type: application/json\r\n"
            + "Content-Length: 2\r\nConnection: keep-alive\r\n\r\n"
        #expect(text(response.encode(keepAlive: true, date: date)) == head + "{}")
        #expect(text(response.encode(head: true, keepAlive: true, date: date)) == head)
    }

    @Test("a prepared head and its tail are the head of the same answer, made anew")
    func prepared() {
        var response = HTTPResponse(status: 200)
        response.set("Content-Type", "video/mp4")
        response.set("ETag", "\"7\r\n\"")
        let date = HTTPDate.format(784_111_777)
        let prepared = PreparedResponse(response, length: 4_711)
        for isKept in [true, false] {
            let made = text(prepared.head + PreparedResponse.tail(date: date, keepAlive: isKept))
            let anew = text(response.encode(keepAlive: isKept, date: date, following: 4_711))
            #expect(made.hasSuffix("\r\n\r\n"))
            #expect(made.split(separator: "\r\n").sorted() == anew.split(separator: "\r\n").sorted())
            #expect(made.split(separator: "\r\n").first == "HTTP/1.1 200 OK")
        }
        response.body = [1, 2, 3]
        #expect(PreparedResponse(response, length: 3).response.body.isEmpty, "the body is somebody else's")
    }

    @Test("who has it already is told so with the headers of the answer itself, but for its length")
    func unchanged() {
        var response = HTTPResponse(status: 200)
        response.set("ETag", "\"7\"")
        response.set("Vary", "Accept-Encoding")
        let prepared = PreparedResponse(response, length: 4_711)
        #expect(
            text(prepared.unchangedHead)
                == "HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\nVary: Accept-Encoding\r\n")
    }

    @Test("an answer without content has no length")
    func noContent() {
        let encoded = text(HTTPResponse(status: 204).encode(keepAlive: false))
        #expect(encoded == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    }

    @Test("a value cannot split a header")
    func splitting() {
        var response = HTTPResponse(status: 302)
        response.set("Location", "/a\r\nSet-Cookie: x=1\u{0}")
        #expect(text(response.encode(keepAlive: false)).contains("Location: /a  Set-Cookie: x=1 \r\n"))
    }

    @Test("a live head has no length, may not be stored and may be read by any page")
    func stream() {
        let head = text(HTTPResponse.streamHead(extra: [("X-Epoch", "3")]))
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("Connection: close\r\n\r\n"))
        for line in ["Content-Type: video/x-flv", "Cache-Control: no-store", "Access-Control-Allow-Origin: *"] {
            #expect(head.contains("\r\n\(line)\r\n"))
        }
        #expect(head.contains("X-Epoch: 3\r\n"))
        #expect(!head.contains("Content-Length") && !head.contains("Transfer-Encoding"))
    }

    @Test("a preflight grants the named headers and nothing malformed")
    func preflight() throws {
        let asked = try request(
            "OPTIONS /live/a.flv HTTP/1.1\r\nHost: h\r\nOrigin: https://p.example\r\n"
                + "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range, x y,x-z\r\n\r\n")
        let answer = text(HTTPResponse.preflight(for: asked).encode(keepAlive: true))
        #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
        #expect(answer.contains("Access-Control-Allow-Origin: *\r\n"))
        #expect(answer.contains("Access-Control-Allow-Headers: range, x-z\r\n"))
        let plain = try request("OPTIONS / HTTP/1.0\r\n\r\n")
        let plainAnswer = text(HTTPResponse.preflight(for: plain).encode(keepAlive: true))
        #expect(plainAnswer.contains("Allow: GET, HEAD, OPTIONS\r\n"))
        #expect(!plainAnswer.contains("Access-Control"))
    }

    @Test(
        "dates are right at the corners of the calendar",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (Int64.min, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ])
    func dates(seconds: Int64, expected: String) {
        #expect(HTTPDate.format(seconds) == expected)
    }
}
