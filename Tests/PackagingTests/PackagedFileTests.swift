import HLS
import HTTP
import StreamLog
import Testing

@testable import Packaging

@Suite("What a shelf gives out") struct PackagedFileTests {
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("playlists come plain or compressed, each with a tag of its own, and age as they stand")
    func playlists() throws {
        let lines = "#EXTM3U\n" + String(repeating: "#EXTINF:2.000,\n1.m4s\n", count: 40)
        let text = RenderedPlaylist(Array(lines.utf8))
        let plain = text.file(isSettled: false, takesGzip: false)
        let packed = text.file(isSettled: true, takesGzip: true)
        #expect(Self.text(plain.bytes.copy) == lines)
        #expect(packed.bytes.count < plain.bytes.count && packed.bytes.copy.starts(with: [0x1f, 0x8b]))
        #expect(plain.tag != packed.tag)
        let head = Self.text(packed.answer.head)
        for line in [
            "Content-Encoding: gzip", "Vary: Accept-Encoding", "Cache-Control: public, max-age=10",
            "Access-Control-Allow-Origin: *", "ETag: \(packed.tag)", "Content-Length: \(packed.bytes.count)",
        ] {
            #expect(head.contains("\r\n\(line)\r\n"), "\(line)")
        }
        #expect(!Self.text(plain.answer.head).contains("Content-Encoding"))
        #expect(Self.text(plain.answer.head).contains("max-age=1\r\n"))
        let small = RenderedPlaylist([1, 2, 3])
        #expect(small.file(isSettled: true, takesGzip: true).bytes.copy == [1, 2, 3], "compression does not pay")
    }

    @Test("the answer is the same object for all who ask for the same")
    func shared() throws {
        var feed = Feed()
        let node = Node(.lowLatency)
        node.receive(feed.begin() + feed.next(6))
        let last = try #require(node.playlist?.entries.last)
        for name in [last.uri] + last.parts.map(\.uri) {
            guard case .file(let one) = node.offer(name), case .file(let other) = node.offer(name) else {
                Issue.record("\(name) is listed")
                continue
            }
            #expect(one === other)
        }
        #expect(!last.parts.isEmpty)
    }
}
