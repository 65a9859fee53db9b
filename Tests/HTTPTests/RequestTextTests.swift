import HTTP
import Testing

/// What a request says, asked for as bytes and as text.
struct RequestTextTests {
    private static let head =
        "GET /live/a%20b.m3u8?v=x%2Fy&_HLS_msn=7 HTTP/1.1\r\nHost: h\r\nACCEPT-Encoding: br, gzip\r\nX:\t \r\n"
        + "User-Agent:  Player/1.0\t\r\nConnection: TE , Keep-Alive\r\nx: second\r\n\r\n"

    @Test("bytes and text are of the same parts")
    func parts() throws {
        let found = try request(Self.head)
        #expect(Array(found.pathBytes) == Array("/live/a b.m3u8".utf8) && found.path == "/live/a b.m3u8")
        #expect(Array(found.queryBytes) == Array("v=x%2Fy&_HLS_msn=7".utf8) && found.query == "v=x%2Fy&_HLS_msn=7")
        #expect(found.target == "/live/a%20b.m3u8?v=x%2Fy&_HLS_msn=7")
        #expect(found.headerBytes("user-agent").map(Array.init) == Array("Player/1.0".utf8))
        #expect(found.agent == "Player/1.0" && Array(found.queryBytes("v") ?? []) == Array("x%2Fy".utf8))
        #expect(found.headerBytes("range") == nil && found.header("range") == nil)
        #expect(found.header("x")?.isEmpty == true, "the first of two")
        #expect(found.headers.map(\.name) == ["host", "accept-encoding", "x", "user-agent", "connection", "x"])
        #expect(found.headers.last == HTTPRequest.Header(name: "x", value: "second"))
    }

    @Test("a request of another version of HTTP says the same by the same names")
    func otherVersion() throws {
        let headers = [HTTPRequest.Header(name: "range", value: "bytes=0-1"), .init(name: "empty", value: "")]
        let found = try HTTPRequest(method: "HEAD", target: "/a/%62?c", headers: headers, version: 2)
        #expect(found.method == "HEAD" && found.path == "/a/b" && found.query == "c" && found.version == 2)
        #expect(found.target == "/a/%62?c" && found.headers == headers && found.keepAlive)
        #expect(throws: HTTPError.self) {
            try HTTPRequest(method: "GET", target: "", headers: [], version: 2)
        }
    }

    @Test("a header is asked whether it mentions something")
    func mentions() throws {
        let found = try request(Self.head)
        #expect(found.header("accept-encoding", mentions: "gzip"))
        #expect(found.header("Accept-Encoding", mentions: "br, gzip") && found.header("host", mentions: ""))
        #expect(!found.header("accept-encoding", mentions: "gzipp"))
        #expect(!found.header("accept-encoding", mentions: "GZIP") && !found.header("range", mentions: ""))
        for text in ["aab", "ab", "b"] {
            let repeats = try request("GET / HTTP/1.0\r\nX: aaab\r\n\r\n")
            #expect(repeats.header("x", mentions: text), "\(text)")
        }
    }

    @Test("what comes in one piece with others is nobody else's")
    func neighbours() throws {
        var parser = RequestParser()
        let first = "GET /a HTTP/1.1\r\nHost: one\r\n\r\n"
        let found = try requests(Array((first + "\r\nGET /b HTTP/1.1\r\nHost: two\r\n\r\nGET /").utf8), from: &parser)
        #expect(found.map(\.path) == ["/a", "/b"] && found.map { $0.header("host") } == ["one", "two"])
        let rest = try requests(Array("c HTTP/1.0\r\n\r\n".utf8), from: &parser)
        #expect(rest.map(\.path) == ["/c"] && found.map(\.path) == ["/a", "/b"])
        #expect(parser.isIdle)
    }

    @Test("the first line and the head end at their limits, wherever a piece ends")
    func lineEndsAtLimits() throws {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 120
        limits.maxTarget = 20
        // The CR is the last byte that the first line may have.
        let first = "GET /a HTTP/1.1" + String(repeating: "x", count: 52)
        for piece in 1...80 {
            #expect(refusal(first + "\r\nHost: h\r\n\r\n", piece, limits) == "http_target_too_long", "in \(piece)s")
            let fields = "GET / HTTP/1.1\r\nHost: h\r\nX: "
            let value = String(repeating: "a", count: 119 - fields.utf8.count)
            #expect(refusal(fields + value + "\r\n\r\n", piece, limits) == "http_header_too_large", "in \(piece)s")
        }
    }

    private func refusal(_ text: String, _ piece: Int, _ limits: HTTPLimits) -> String? {
        do { _ = try requests(text, piece: piece, limits: limits) } catch { return (error as? HTTPError)?.reason }
        return nil
    }
}
