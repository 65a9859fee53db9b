import HTTP
import Testing

@testable import HTTP2

@Suite("HTTP/2 requests")
struct RequestTests {
    @Test("a request comes out as HTTP/1's would, its authority as the host")
    func request() throws {
        let pair = Pair()
        let stream = pair.client.get("/live/a%20b.m3u8?_HLS_msn=7&x=%2F", [("user-agent", "test")])
        pair.run()
        let (number, request) = try #require(pair.requests.first)
        #expect(number == stream)
        #expect(request.method == "GET")
        #expect(request.target == "/live/a%20b.m3u8?_HLS_msn=7&x=%2F")
        #expect(request.path == "/live/a b.m3u8")
        #expect(request.query("_HLS_msn") == "7")
        #expect(request.header("Host") == "example.org")
        #expect(request.header("user-agent") == "test")
        #expect(request.version == 2)
        #expect(request.keepAlive)
        #expect(request.body.isEmpty)
        #expect(pair.server.requests == 1)
    }

    @Test("every split of the input means the same")
    func splits() {
        let client = Client()
        client.get("/a", [("x", String(repeating: "y", count: 100))])
        client.post("/b", pattern(300))
        let bytes = client.takeOutput()
        for cut in 1..<bytes.count {
            let pair = Pair()
            pair.feed(Array(bytes[..<cut]))
            pair.feed(Array(bytes[cut...]))
            #expect(pair.requests.map(\.request.path) == ["/a", "/b"], "cut at \(cut)")
            #expect(pair.requests.last?.request.body == pattern(300))
        }
    }

    @Test("the server says what it takes: streams, header size, no old priorities")
    func settings() {
        let pair = Pair()
        pair.run()
        #expect(pair.client.settings == [3: 100, 6: 16 * 1024, 9: 1])
    }

    @Test("a body comes with its request, up to the limit to the byte")
    func bodies() {
        let pair = Pair()
        let whole = pattern(64 * 1024)
        pair.client.post("/api", whole)
        let long = pair.client.post("/api", pattern(64 * 1024 + 1))
        let endless = pair.client.post("/api", pattern(500_000))
        pair.run()
        #expect(pair.requests.map(\.request.body) == [whole])
        #expect(pair.client.answers[long]?.status == 413)
        #expect(pair.client.answers[endless]?.status == 413)
        #expect(pair.refusals.map(\.reason) == ["http_body_too_large", "http_body_too_large"])
        #expect(pair.server.bodyBytes == 0)
    }

    @Test("a client that goes on sending after its answer is told to stop, a moment later")
    func linger() {
        let pair = Pair()
        let stream = pair.client.send(
            [(":method", "POST"), (":scheme", "https"), (":path", "/../"), (":authority", "a")], withheld: true)
        pair.run()
        #expect(pair.client.answers[stream]?.isComplete == true)
        #expect(pair.client.answers[stream]?.resetCode == nil)
        pair.feed(frame(0, stream: UInt32(stream), pattern(10_000)))
        pair.tick(after: 500)
        pair.run()
        #expect(pair.client.answers[stream]?.resetCode == 0)
        #expect(pair.server.exchanges.isEmpty && pair.server.bodyBytes == 0)
        #expect(pair.error == nil)
    }

    @Test("a body that is announced too long is refused before it comes")
    func announced() {
        let pair = Pair()
        let stream = pair.client.post("/api", pattern(70_000), [("content-length", "70000")])
        pair.run()
        #expect(pair.client.answers[stream]?.status == 413)
        #expect(pair.requests.isEmpty)
    }

    @Test("bodies of many streams share a limit; the one that goes beyond it is answered 503")
    func sharedBodies() {
        var limits = HTTP2Limits()
        limits.maxBodies = 100_000
        let pair = Pair(limits: limits)
        var open: [Int32] = []
        for _ in 0..<3 {
            open.append(pair.client.post("/api", pattern(60_000)))
        }
        // The first two are given at once; parked requests hold nothing.
        pair.run()
        #expect(pair.server.bodyBytes == 0)
        #expect(pair.refusals.allSatisfy { $0.status == 503 })
        #expect(pair.requests.count + pair.refusals.count == 3)
        #expect(pair.requests.count >= 1)
    }

    @Test("who expects 100 is told to continue")
    func expectation() {
        let pair = Pair()
        let stream = pair.client.post("/api", pattern(10), [("expect", "100-continue")])
        pair.run()
        #expect(pair.client.answers[stream]?.interim == [100])
        #expect(pair.requests.count == 1)
        pair.server.respond(stream, HTTPResponse(status: 200, text: "fine"))
        pair.run()
        #expect(pair.client.answers[stream]?.status == 200)
    }

    @Test("cookies in crumbs are one header")
    func cookies() {
        let pair = Pair()
        pair.client.get("/", [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")])
        pair.run()
        #expect(pair.requests.first?.request.headers.filter { $0.name == "cookie" }.map(\.value) == ["a=1; b=2"])
    }

    @Test(
        "a request that HTTP/1 would refuse is refused alike",
        arguments: [
            ("/../etc/passwd", 400), ("/a/%2e%2e/b", 400), ("/a%00b", 400), ("/%zz", 400), ("/a%2Fb", 400),
            ("/" + String(repeating: "x", count: 9_000), 414), ("/#part", 400),
        ])
    func targets(_ target: String, _ status: Int) {
        let pair = Pair()
        let stream = pair.client.get(target)
        pair.run()
        #expect(pair.client.answers[stream]?.status == status)
        #expect(pair.requests.isEmpty)
        #expect(pair.refusals.map(\.status) == [status])
        #expect(pair.error == nil, "the connection goes on")
        #expect(pair.server.exchanges.isEmpty)
    }

    @Test("headers beyond the limit are answered 431, and the next request is served")
    func largeHeaders() {
        let pair = Pair()
        let large = pair.client.get("/", [("x", String(repeating: "y", count: 17_000))])
        let many = pair.client.get("/", (0..<101).map { ("x\($0)", "y") })
        let fine = pair.client.get("/", [("x", String(repeating: "y", count: 15_000))])
        pair.run()
        #expect(pair.client.answers[large]?.status == 431)
        #expect(pair.client.answers[many]?.status == 431)
        #expect(pair.requests.map(\.stream) == [fine])
    }

    @Test("CONNECT is answered 405")
    func connect() {
        let pair = Pair()
        let stream = pair.client.send([(":method", "CONNECT"), (":authority", "other:443")], withheld: true)
        pair.run()
        #expect(pair.client.answers[stream]?.status == 405)
        #expect(pair.refusals.map(\.reason) == ["http_connect"])
        pair.tick(after: 500)
        pair.run()
        #expect(pair.server.exchanges.isEmpty)
    }

    @Test("a host that contradicts the authority is refused; one that agrees appears once")
    func hosts() {
        let pair = Pair()
        let other = pair.client.get("/", [("host", "other.org")])
        let same = pair.client.get("/", [("host", "Example.org")])
        let only = pair.client.send([(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "only.org")])
        pair.run()
        #expect(pair.client.answers[other]?.status == 400)
        #expect(pair.requests.map(\.stream) == [same, only])
        #expect(
            pair.requests.map { $0.request.headers.filter { $0.name == "host" }.map(\.value) } == [
                ["example.org"], ["only.org"],
            ])
    }

    @Test(
        "a malformed request costs its stream, not the connection",
        arguments: [
            [(":method", "GET"), (":scheme", "https"), (":authority", "a")],
            [(":method", "GET"), (":path", "/"), (":authority", "a")],
            [(":scheme", "https"), (":path", "/"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", "nothing"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", ""), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "a"), ("connection", "close")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), ("x", "y"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":path", "/b"), (":authority", "a")],
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":status", "200"), (":authority", "a")],
        ])
    func malformed(_ headers: [(String, String)]) {
        let pair = Pair()
        let bad = pair.client.send(headers)
        pair.run()
        let good = pair.client.get("/")
        pair.run()
        #expect(pair.client.answers[bad]?.resetCode == 1)
        #expect(pair.requests.map(\.stream) == [good])
        #expect(pair.error == nil)
        #expect(pair.server.exchanges.count == 1)
    }

    @Test("upper-case names are malformed")
    func upperCase() {
        let pair = Pair()
        // HPACK by hand (RFC 7541 §6.2.2): the library's client would write names in lower case.
        let block: [UInt8] = [0x82, 0x87, 0x84, 0x41, 1, 0x61, 0, 1, 0x58, 1, 0x79]
        pair.feed(opening + frame(1, flags: 5, stream: 1, block))
        let answer = pair.collect()
        #expect(pair.requests.isEmpty)
        #expect(pair.error == nil)
        #expect(answer.suffix(13) == frame(3, stream: 1, [0, 0, 0, 1])[...])
    }

    @Test("a header value with a control character is answered 400")
    func controlCharacters() {
        let pair = Pair()
        let block: [UInt8] = [0x82, 0x87, 0x84, 0x41, 1, 0x61, 0, 1, 0x78, 1, 0x01]
        pair.feed(opening + frame(1, flags: 5, stream: 1, block))
        #expect(pair.refusals.map(\.reason) == ["http_bad_header_value"])
    }

    @Test("a body whose length is not the announced one costs its stream")
    func wrongLength() {
        let pair = Pair()
        let stream = pair.client.post("/api", pattern(10), [("content-length", "11")])
        pair.run()
        #expect(pair.client.answers[stream]?.resetCode == 1)
        #expect(pair.requests.isEmpty)
        #expect(pair.server.bodyBytes == 0)
    }

    @Test("what does not begin like HTTP/2 ends at once, with a reason")
    func preface() {
        let pair = Pair()
        pair.feed(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(pair.error?.reason == "http2_bad_preface")
    }
}
