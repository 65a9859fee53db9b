import Testing

@testable import HTTP

/// Requests whose fields are those of earlier ones are known by them, and say the same as if they were looked at.
struct FieldMemoryTests {
    private static let fields = "Host: h\r\nUser-Agent: Player/1.0\r\nAccept-Encoding: gzip\r\n\r\n"

    private func one(_ text: String, _ memory: FieldMemory, piece: Int = .max) throws -> HTTPRequest {
        var parser = RequestParser()
        let found = try requests(Array(text.utf8), piece: piece, from: &parser, memory)
        try #require(found.count == 1 && parser.isIdle)
        return found[0]
    }

    @Test("the same fields are looked at once, whoever sends them")
    func shared() throws {
        let memory = FieldMemory()
        let first = try one("GET /a HTTP/1.1\r\n" + Self.fields, memory)
        let second = try one("HEAD /b/%63?v=1 HTTP/1.1\r\n" + Self.fields, memory)
        #expect(first.head.block === second.head.block)
        #expect(second.method == "HEAD" && second.path == "/b/c" && second.query("v") == "1" && second.isHead)
        #expect(second.agent == "Player/1.0" && second.header("accept-encoding", mentions: "gzip") && second.keepAlive)
        #expect(second.headers == first.headers)
        let pieces = try one("GET /a HTTP/1.1\r\n" + Self.fields, memory, piece: 7)
        #expect(pieces.head.block === first.head.block && pieces.path == "/a")
        #expect(memory.count == 1)
    }

    @Test("fields of another version of HTTP, or with one byte more or less, are others")
    func others() throws {
        let memory = FieldMemory()
        let first = try one("GET / HTTP/1.1\r\n" + Self.fields, memory)
        let old = try one("GET / HTTP/1.0\r\n" + Self.fields, memory)
        #expect(old.head.block !== first.head.block && !old.keepAlive && old.version == 0)
        let closing = try one("GET / HTTP/1.1\r\nConnection: close\r\n" + Self.fields, memory)
        #expect(closing.head.block !== first.head.block && !closing.keepAlive)
        for text in ["Host: h\r\nUser-Agent: Player/1.0\r\nAccept-Encoding: gzi\r\n\r\n", "Host: h\r\n\r\n"] {
            #expect(try one("GET / HTTP/1.1\r\n" + text, memory).head.block !== first.head.block)
        }
    }

    @Test("requests that come together are told apart, and a body is nobody's fields")
    func together() throws {
        let memory = FieldMemory()
        var parser = RequestParser()
        let get = "GET /a HTTP/1.1\r\n" + Self.fields
        let post = "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: \(get.utf8.count)\r\n\r\n" + get
        let all = try requests(Array((get + post + post + get + "GET /").utf8), from: &parser, memory)
        #expect(all.map(\.path) == ["/a", "/b", "/b", "/a"])
        #expect(all.map(\.body.count) == [0, get.utf8.count, get.utf8.count, 0])
        #expect(try requests(Array("c HTTP/1.1\r\n".utf8), from: &parser, memory).isEmpty)
        #expect(try requests(Array(Self.fields.utf8), from: &parser, memory).map(\.path) == ["/c"])
    }

    @Test("an upgrade's key is asked for each time")
    func upgrades() throws {
        let memory = FieldMemory()
        for turn in 0..<3 {
            let key = "dGhlIHNhbXBsZSBub25jZ\(turn)=="
            let text =
                "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(key)\r\n\r\n"
            var parser = RequestParser()
            let found = try requests(Array(text.utf8), from: &parser, memory)
            #expect(found.map(\.webSocketKey) == [WebSocket.isKey(key) ? key : nil])
        }
    }

    @Test("what is refused of others is refused of known fields, for the same reason")
    func refusals() throws {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 120
        limits.maxTarget = 40
        let long = String(repeating: "x", count: 30)
        for line in [
            "GET /\(long) HTTP/1.1", "GET /\(long)\(long) HTTP/1.1", "GET /a\u{0} HTTP/1.1", "GET /a HTTP/2.0",
            "GET  /a HTTP/1.1",
            "GET /../a HTTP/1.1", "\u{3}GET / HTTP/1.1", "GET /a\nHTTP/1.1", "GET /\rHTTP/1.1", "", "G",
        ] {
            let memory = FieldMemory()
            var warm = RequestParser(limits: limits)
            _ = try requests(Array(("GET / HTTP/1.1\r\n" + Self.fields).utf8), from: &warm, memory)
            func reason(_ memory: FieldMemory?) -> String? {
                var parser = RequestParser(limits: limits)
                do {
                    _ = try requests(Array((line + "\r\n" + Self.fields).utf8), from: &parser, memory)
                } catch { return (error as? HTTPError)?.reason }
                return nil
            }
            #expect(reason(memory) == reason(nil), "\(line)")
        }
    }

    @Test("as many as a loop's clients need, and no more")
    func bounded() throws {
        let memory = FieldMemory()
        for number in 1...100 { _ = try one("GET / HTTP/1.1\r\nHost: \(number)\r\n\r\n", memory) }
        #expect(memory.count == FieldMemory.mostBlocks)
        let other = FieldMemory()
        _ = try one("GET / HTTP/1.1\r\nHost: \(String(repeating: "h", count: 5_000))\r\n\r\n", other)
        #expect(other.count == 0)
        let often = try one("GET / HTTP/1.1\r\nHost: often\r\n\r\n", memory)
        for number in 1...100 {
            _ = try one("GET / HTTP/1.1\r\nHost: \(number)\r\n\r\n", memory)
            let again = try one("GET / HTTP/1.1\r\nHost: often\r\n\r\n", memory)
            #expect(again.head.block === often.head.block)
        }
    }
}
