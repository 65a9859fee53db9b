import Media
import Testing

@testable import RTMP

@Suite struct ViaTests {
    private func heard(_ via: Via) throws -> ConnectInfo {
        var client = ClientSession(app: "live", stream: "s", tcUrl: "rtmp://h/live", mode: .publish, via: via)
        var server = ServerSession(random: 2)
        for _ in 0..<4 {
            try server.feed(client.takeOutput())
            try client.receive(server.takeOutput().span)
        }
        return try #require(server.clientInfo)
    }

    @Test("a publisher that is a node says which nodes the stream has come through, in their order")
    func told() throws {
        var via = Via()
        for node: UInt64 in [.max, 7, 0] { via = try #require(via.extended(by: node)) }
        #expect(try heard(via).via == via)
        #expect(via.contains(7) && !via.contains(8))
    }

    @Test("an encoder says nothing of the kind")
    func silent() throws {
        #expect(try heard(Via()).via.nodes.isEmpty)
    }

    @Test("a way ends at its longest, whoever tells of it, and what is no number is passed over")
    func bounded() throws {
        var via = Via()
        for node in 1...UInt64(Via.longest) { via = try #require(via.extended(by: node)) }
        #expect(via.extended(by: 99) == nil)
        #expect(Via(String(repeating: "f ", count: 30_000)).nodes.count == Via.longest)
        #expect(Via("7 -1 zz  10000000000000000 ff").nodes == [7, 0xFF])
    }
}
