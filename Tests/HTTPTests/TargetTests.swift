import HTTP
import Testing

struct TargetTests {
    private func path(_ target: String) throws -> String { try request("GET \(target) HTTP/1.0\r\n\r\n").path }

    @Test("a path is decoded once")
    func decoding() throws {
        #expect(try path("/live/a%20b+c.flv") == "/live/a b+c.flv")
        #expect(try path("/%E4%B8%AD%2525") == "/中%25")
        #expect(try path("/live/中.flv") == "/live/中.flv")
        #expect(try path("/a//b/") == "/a//b/")
        #expect(try path("/...a/..b") == "/...a/..b")
    }

    @Test(
        "no spelling of a dot segment or of a separator gets through",
        arguments: [
            "/..", "/../etc/passwd", "/a/../b", "/a/./b", "/%2e%2e/x", "/.%2E/x", "/a/%2e", "/a%2fb", "/a%2Fb",
            "/a%5c..%5cb",
            "/a\\b", "/%00", "/a%0d%0aX:1", "/%7f",
        ])
    func traversal(target: String) {
        expectRefusal("GET \(target) HTTP/1.0\r\n\r\n", "http_path_traversal")
    }

    @Test("malformed escapes and broken UTF-8 are refused", arguments: ["/%", "/%4", "/%zz", "/%ff", "/%c0%ae%c0%ae"])
    func malformed(target: String) {
        expectRefusal("GET \(target) HTTP/1.0\r\n\r\n", "http_bad_path")
    }

    @Test("the absolute form is its path")
    func absoluteForm() throws {
        #expect(try path("http://example.com:80/live/a.flv") == "/live/a.flv")
        #expect(try path("HTTPS://example.com") == "/")
        let query = try request("GET http://example.com?a=1 HTTP/1.0\r\n\r\n")
        #expect(query.path == "/" && query.query("a") == "1")
    }

    @Test("other forms are refused", arguments: ["live/a.flv", "ftp://h/", "http://", "http:///x", "*"])
    func otherForms(target: String) {
        expectRefusal("GET \(target) HTTP/1.0\r\n\r\n", "http_bad_target")
    }

    @Test("OPTIONS may ask about the whole server")
    func asterisk() throws {
        #expect(try request("OPTIONS * HTTP/1.0\r\n\r\n").path == "*")
    }

    @Test("query items are decoded, repeated names keep their order")
    func query() throws {
        let found = try request("GET /?a=1&b=x+y%26&a=2&flag&=v&c=d=e&bad=%zz HTTP/1.0\r\n\r\n")
        #expect(found.query == "a=1&b=x+y%26&a=2&flag&=v&c=d=e&bad=%zz")
        #expect(found.queryItems.map(\.name) == ["a", "b", "a", "flag", "", "c", "bad"])
        #expect(found.queryItems.map(\.value) == ["1", "x y&", "2", "", "v", "d=e", "%zz"])
        #expect(found.query("a") == "1")
        #expect(found.query("flag")?.isEmpty == true)
        #expect(found.query("none") == nil)
    }

    @Test("percent-decoding is strict about escapes and UTF-8")
    func percent() {
        #expect(percentDecode("a%2Fb%c3%a9") == "a/bé")
        for bad in ["%", "%a", "%g0", "%ff"] { #expect(percentDecode(bad) == nil) }
    }
}
