import Testing

@testable import loadgen

@Suite struct HLSTests {
    private static func answers(_ bytes: [UInt8], _ pieces: Int) throws -> [(status: Int, body: String, isLast: Bool)] {
        var scanner = AnswerScanner()
        var body: [UInt8] = []
        var found: [(status: Int, body: String, isLast: Bool)] = []
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + pieces)
            try bytes[at..<end].withUnsafeBytes { piece in
                var input = piece
                while input.count > 0 {
                    guard let head = try scanner.next(&input, body: { body += $0 }) else { continue }
                    found.append((head.status, String(decoding: body, as: UTF8.self), head.isLast))
                    body = []
                }
            }
            at = end
        }
        return found
    }

    @Test("answers on one connection come apart, however they are split")
    func answers() throws {
        let bytes = Array(
            ("HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 5\r\nConnection: keep-alive\r\n\r\nhello"
                + "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n").utf8)
        for pieces in 1...bytes.count {
            let found = try Self.answers(bytes, pieces)
            #expect(found.map(\.status) == [200, 404], "\(pieces)")
            #expect(found.map(\.body) == ["hello", "no\n"], "\(pieces)")
            #expect(found.map(\.isLast) == [false, true], "\(pieces)")
        }
        #expect(throws: Failure.self) { try Self.answers(Array("SSH-2.0-x\r\n\r\n".utf8), 4) }
    }

    @Test("a playlist says which segments are new, which part is the newest and which comes next")
    func playlist() {
        let text = """
            #EXTM3U
            #EXT-X-TARGETDURATION:2
            #EXT-X-PART-INF:PART-TARGET=0.200
            #EXT-X-MEDIA-SEQUENCE:100
            #EXT-X-SKIP:SKIPPED-SEGMENTS=3
            #EXTINF:2.000,
            103.m4s?v=x
            #EXT-X-PART:DURATION=0.200,URI="104.0.m4s?v=x",INDEPENDENT=YES
            #EXT-X-PART:DURATION=0.200,URI="104.1.m4s?v=x"
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI="104.2.m4s?v=x"

            """
        let playlist = LivePlaylist(Array(text.utf8))
        #expect(playlist.target == 2 && playlist.segments == ["103.m4s?v=x"])
        #expect(playlist.firstListed == 103 && playlist.openNumber == 104)
        #expect(playlist.newestPart == "104.1.m4s?v=x" && playlist.hint == "104.2.m4s?v=x")
        #expect(playlist.hint.flatMap { PartPlace($0) } == PartPlace(number: 104, index: 2))
        #expect(PartPlace("104.m4s") == nil && PartPlace("a.1.m4s") == nil)
    }

    @Test("who waited for a part is measured from the picture that begins the next one")
    func watch() {
        var watch = PartWatch()
        func begin(_ number: Int, _ index: Int, at clock: UInt64) {
            var bytes: [UInt8] = [0, 0, 0, 9]
            Stamp(clock: clock, run: 1, sequence: 2, stream: 3).append(to: &bytes, lengthSize: 4)
            bytes.withUnsafeBytes { watch.learn(PartPlace(number: number, index: index), $0) }
        }
        let ms = nanosecondsPerMillisecond
        begin(1, 0, at: 1_000 * ms)
        begin(1, 1, at: 1_200 * ms)
        begin(2, 0, at: 1_400 * ms)
        begin(2, 2, at: 1_900 * ms)
        #expect(watch.isKnown(PartPlace(number: 2, index: 0)) && !watch.isKnown(PartPlace(number: 2, index: 1)))
        let first = PartPlace(number: 1, index: 0)
        watch.answered(first, asked: 1_100 * ms, at: 1_205 * ms)
        watch.answered(first, asked: 1_150 * ms, at: 1_215 * ms)
        watch.answered(first, asked: 1_201 * ms, at: 1_202 * ms)
        watch.answered(PartPlace(number: 1, index: 1), asked: 1_210 * ms, at: 1_403 * ms)
        // Between it and the next that is known something is missing: nobody knows when it ended.
        watch.answered(PartPlace(number: 2, index: 0), asked: 1_410 * ms, at: 1_450 * ms)
        let result = watch.result(from: 0, to: 10_000 * ms)
        #expect(result.parts == 2 && result.fewest == 1 && result.most == 2 && result.late == 1)
        #expect(result.answers.count == 3 && result.answers.maximum == 15)
        #expect(result.last.count == 2 && result.last.maximum == 15)
        #expect(watch.result(from: 1_300 * ms, to: 10_000 * ms).parts == 1)
    }

    @Test("a stream's address stands for its playlist, and a playlist's for itself")
    func paths() throws {
        #expect(try HLSRun.playlistPath(Target("http://h:80/live/a")) == "/live/a/index.m3u8")
        #expect(try HLSRun.playlistPath(Target("http://h:80/live/a/media.m3u8?x=1")) == "/live/a/media.m3u8?x=1")
        #expect(try Options(["hls", "--follow", "parts"]).follow == .parts)
        #expect(throws: Failure.self) { try Options(["hls", "--follow", "all"]) }
    }
}
