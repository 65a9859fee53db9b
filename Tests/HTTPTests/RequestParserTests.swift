import HTTP
import Testing

struct RequestParserTests {
    static let pipeline =
        "GET /live/a.flv?token=x%20y HTTP/1.1\r\nHost: h\r\nUser-Agent: VLC/3.0 \r\n\r\n"
        + "POST /api HTTP/1.1\r\nhost: h\r\nContent-Length: 5\r\n\r\nhello"
        + "PUT /c HTTP/1.1\r\nHOST: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
        + "\r\nGET / HTTP/1.0\r\n\r\n"

    @Test("pipelined requests read the same at every size of piece", arguments: 1...300)
    func everyPiece(piece: Int) throws {
        let found = try requests(Self.pipeline, piece: piece)
        try #require(found.map(\.method) == ["GET", "POST", "PUT", "GET"])
        #expect(found.map(\.path) == ["/live/a.flv", "/api", "/c", "/"])
        #expect(found[0].query("token") == "x y")
        #expect(found[0].header("USER-agent") == "VLC/3.0")
        #expect(found[1].body == Array("hello".utf8))
        #expect(found[2].body == Array("abc0123456789".utf8))
        #expect(found.map(\.version) == [1, 1, 1, 0])
        #expect(found.map(\.keepAlive) == [true, true, true, false])
    }

    @Test("every split in two parts reads the same")
    func everySplit() throws {
        let bytes = Array(Self.pipeline.utf8)
        for split in 1..<bytes.count {
            var parser = RequestParser()
            let found =
                try requests(Array(bytes[..<split]), from: &parser)
                + requests(Array(bytes[split...]), from: &parser)
            #expect(found.count == 4)
            #expect(found.last?.path == "/")
        }
    }

    @Test("a connection is idle only between requests")
    func idle() throws {
        var parser = RequestParser()
        #expect(parser.isIdle)
        _ = try requests(Array("GET / HT".utf8), from: &parser)
        #expect(!parser.isIdle)
        _ = try requests(Array("TP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n".utf8), from: &parser)
        #expect(!parser.isIdle)
        #expect(try requests(Array("abc".utf8), from: &parser).count == 1)
        #expect(parser.isIdle)
    }

    @Test("Connection decides about keep-alive in both versions")
    func keepAlive() throws {
        #expect(try request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keepAlive)
        #expect(try !request("GET / HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n\r\n").keepAlive)
    }

    @Test("a client that expects 100 is told once, and only while its body is missing")
    func expectContinue() throws {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        var parser = RequestParser()
        _ = try requests(Array(head.utf8), from: &parser)
        let answers = [parser.takeContinue(), parser.takeContinue()]
        #expect(answers == [true, false])
        parser = RequestParser()
        #expect(try requests(Array((head + "ab").utf8), from: &parser).count == 1)
        let isLate = parser.takeContinue()
        #expect(!isLate)
        expectRefusal("GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n", "http_expectation", status: 417)
    }

    @Test("a higher minor version is read as 1.1, other versions are refused")
    func versions() throws {
        #expect(try request("GET / HTTP/1.7\r\nHost: h\r\n\r\n").version == 1)
        for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/1", "http/1.1", "RTSP/1.0", "HTTP/1.10", "HTTP/1.x", ""] {
            expectRefusal("GET / \(version)\r\nHost: h\r\n\r\n", "http_bad_version", status: 505)
        }
    }

    @Test("another protocol on the port is told apart by its first byte")
    func otherProtocols() {
        expectRefusal("\u{16}\u{3}\u{1}", "http_tls_on_plain")
        expectRefusal("\u{3}\u{0}", "http_rtmp_on_http")
        expectRefusal(" GET / HTTP/1.1\r\n", "http_not_http")
        expectRefusal("\r\n\r\n", "http_bad_request_line")
    }

    @Test("the first error is final")
    func errorIsFinal() {
        var parser = RequestParser()
        #expect(throws: HTTPError.self) { try requests([0], from: &parser) }
        #expect(throws: HTTPError.self) { try requests(Array("GET / HTTP/1.0\r\n\r\n".utf8), from: &parser) }
    }

    @Test("bytes behind an upgrade are left alone")
    func remainder() throws {
        var parser = RequestParser()
        let frame = clientFrame(WebSocket.ping, [1, 2])
        let found = try requests(Array(UpgradeTests.handshake.utf8) + frame, from: &parser)
        #expect(found.count == 1)
        let remainders = [parser.takeRemainder(), parser.takeRemainder()]
        #expect(remainders == [frame, []])
    }
}
