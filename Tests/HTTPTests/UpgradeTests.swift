import HTTP
import Testing

struct UpgradeTests {
    /// The handshake of RFC 6455 §1.3.
    static let handshake =
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
        + "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n"

    @Test("the example handshake of RFC 6455 is accepted with its example key")
    func example() throws {
        let upgrade = try request(Self.handshake)
        #expect(upgrade.webSocketKey == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(!upgrade.keepAlive)
        #expect(WebSocket.acceptKey("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        #expect(WebSocket.upgradeResponse(for: upgrade) == Array((head + accept + "\r\n").utf8))
        let named = WebSocket.upgradeResponse(for: upgrade, protocol: "chat")
        #expect(named == Array((head + accept + "Sec-WebSocket-Protocol: chat\r\n\r\n").utf8))
        #expect(WebSocket.upgradeResponse(for: upgrade, protocol: "flv") == Array((head + accept + "\r\n").utf8))
    }

    @Test("Firefox lists keep-alive before Upgrade")
    func firefox() throws {
        let text = Self.handshake.replacing("Connection: Upgrade", with: "Connection: keep-alive, Upgrade")
        #expect(try request(text).webSocketKey != nil)
    }

    @Test(
        "a handshake with a part missing or wrong has no key",
        arguments: [
            ("GET ", "POST "), ("Connection: Upgrade", "Connection: close"), ("Version: 13", "Version: 8"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ!="),
            ("Host:", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost:"), ("Host:", "Content-Length: 1\r\nHost:"),
        ])
    func incomplete(part: String, replacement: String) throws {
        let found = try requests(Self.handshake.replacing(part, with: replacement) + "x")
        try #require(found.count == 1)
        #expect(found[0].webSocketKey == nil)
        #expect(found[0].asksForWebSocket)
    }
}

extension String {
    fileprivate func replacing(_ part: String, with replacement: String) -> String {
        var out = ""
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(part) {
                out += replacement
                rest.removeFirst(part.count)
            } else {
                out.append(rest.removeFirst())
            }
        }
        return out
    }
}
