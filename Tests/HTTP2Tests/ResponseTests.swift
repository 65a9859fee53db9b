import HTTP
import Testing

@testable import HTTP2

@Suite("HTTP/2 responses")
struct ResponseTests {
    @Test("an answer arrives with its headers in lower case and none that only HTTP/1 has")
    func answer() {
        let pair = Pair()
        let stream = pair.client.get("/")
        pair.run()
        var response = HTTPResponse(status: 200, text: "hello")
        response.set("X-Odd", " a\r\nb: c\u{1}")
        response.set("Connection", "close")
        response.set("Content-Length", "99")
        pair.server.respond(stream, response, date: "Sun, 06 Nov 1994 08:49:37 GMT")
        pair.run()
        let answer = pair.client.answers[stream]
        #expect(answer?.status == 200)
        #expect(answer?.body == Array("hello".utf8))
        #expect(answer?.isComplete == true)
        #expect(
            answer?.headers == [
                "date": "Sun, 06 Nov 1994 08:49:37 GMT", "content-type": "text/plain; charset=utf-8",
                "x-odd": "a  b: c", "content-length": "5",
            ])
        #expect(pair.closed == [stream: .complete])
        #expect(pair.server.exchanges.isEmpty)
        #expect(pair.server.idleSince == pair.now)
    }

    @Test("HEAD, 204 and 304 have no body; HEAD has its length")
    func bodiless() {
        let pair = Pair()
        let head = pair.client.send([
            (":method", "HEAD"), (":scheme", "https"), (":path", "/"), (":authority", "a"),
        ])
        let none = pair.client.get("/")
        let same = pair.client.get("/")
        pair.run()
        pair.server.respond(head, HTTPResponse(status: 200, text: "hello"), isHead: true)
        pair.server.respond(none, HTTPResponse(status: 204))
        pair.server.respond(same, HTTPResponse(status: 304, text: "ignored"))
        pair.run()
        #expect(pair.client.answers[head]?.headers["content-length"] == "5")
        #expect(pair.client.answers[none]?.headers["content-length"] == nil)
        #expect(pair.client.answers[same]?.status == 304)
        #expect(pair.client.answers.values.allSatisfy { $0.isComplete && $0.body.isEmpty })
        #expect(pair.closed.values.allSatisfy { $0 == .complete })
    }

    @Test(
        "ranges arrive in order over many windows, whatever the socket takes at a time", arguments: [1 << 30, 1_000, 7])
    func ranges(_ piece: Int) {
        let pair = Pair()
        pair.piece = piece
        let releases = Releases()
        let stream = pair.client.get("/segment")
        pair.run()
        let pieces = [200_000, 0, 1, 16_384, 33, 150_000].enumerated().map { pattern($1, $0) }
        pair.server.respond(
            stream, HTTPResponse(status: 200), ranges: pieces.map { Owned($0, releases).range })
        #expect(releases.count <= 1, "of the empty one nothing is needed")
        pair.run()
        #expect(pair.client.answers[stream]?.body == pieces.flatMap { $0 })
        #expect(pair.client.answers[stream]?.headers["content-length"] == "366418")
        #expect(releases.count == pieces.count)
    }

    @Test("no byte of a range is copied")
    func noCopy() {
        let pair = Pair()
        let owned = Owned(pattern(50_000), Releases())
        let stream = pair.client.get("/")
        pair.run()
        pair.server.respond(stream, HTTPResponse(status: 200), ranges: [owned.range])
        var borrowed = 0
        _ = pair.server.send { vectors in
            for vector in vectors where vector.iov_base >= owned.memory && vector.iov_base < owned.memory + owned.count
            {
                borrowed += vector.iov_len
            }
            return vectors.reduce(0) { $0 + $1.iov_len }
        }
        #expect(borrowed == 50_000)
    }

    @Test("what is ready ahead of the socket is bounded")
    func bounded() {
        let pair = Pair(Client(window: 1 << 30))
        pair.room = 0
        var streams: [Int32] = []
        for _ in 0..<50 { streams.append(pair.client.get("/")) }
        pair.feed(pair.client.takeOutput())
        let owned = Owned(pattern(1 << 20), Releases())
        for stream in streams { pair.server.respond(stream, HTTPResponse(status: 200), ranges: [owned.range]) }
        _ = pair.collect()
        #expect(pair.server.output.count < HTTP2Limits.outputTarget + 20_000)
    }

    @Test("parked requests are answered in any order")
    func parked() {
        let pair = Pair()
        let streams = (0..<100).map { pair.client.get("/part\($0)") }
        pair.run()
        #expect(pair.requests.map(\.stream) == streams)
        #expect(pair.server.idleSince == nil)
        for stream in streams.reversed() {
            pair.server.respond(stream, HTTPResponse(status: 200, text: "\(stream)"))
            pair.run()
            #expect(pair.client.answers[stream]?.body == Array("\(stream)".utf8))
        }
        #expect(pair.closed.count == 100)
    }

    @Test("the hundred-and-first stream is refused and may be tried again")
    func concurrency() {
        let pair = Pair()
        // Before it knows the server's settings the client opens as many as it likes.
        let streams = (0..<101).map { _ in pair.client.get("/") }
        pair.run()
        #expect(pair.requests.count == 100)
        #expect(pair.client.answers[streams[100]]?.resetCode == 7)
        #expect(pair.error == nil)
    }

    @Test("a live body goes out as it comes, and ends when it says so")
    func live() {
        let pair = Pair()
        let stream = pair.client.get("/live.flv")
        pair.run()
        let tap = Tap()
        pair.server.respond(stream, HTTPResponse(status: 200), live: tap)
        pair.run()
        #expect(pair.client.answers[stream]?.status == 200)
        #expect(pair.client.answers[stream]?.headers["content-length"] == nil)
        #expect(tap.asked == 1, "who has nothing is not asked again")
        var sent: [UInt8] = []
        for round in 0..<50 {
            let bytes = pattern(7_000, round)
            sent += bytes
            tap.put(bytes)
            pair.server.resume(stream)
            pair.run()
            #expect(pair.client.answers[stream]?.body.count == sent.count)
        }
        tap.isOver = true
        pair.server.resume(stream)
        pair.run()
        #expect(pair.client.answers[stream]?.body == sent)
        #expect(pair.client.answers[stream]?.isComplete == true)
        #expect(pair.closed == [stream: .complete])
        #expect(tap.largest <= 16_384)
    }

    @Test("a body that comes in pieces but has a length tells it, to a HEAD too")
    func pieces() {
        let pair = Pair()
        let (stream, head) = (pair.client.get("/1.m4s"), pair.client.get("/2.m4s"))
        pair.run()
        let tap = Tap()
        tap.put(pattern(1_000))
        pair.server.respond(stream, HTTPResponse(status: 200), live: tap, length: 3_000)
        pair.server.respond(head, HTTPResponse(status: 200), live: Tap(), length: 7, isHead: true)
        pair.run()
        #expect(pair.client.answers[stream]?.headers["content-length"] == "3000")
        #expect(pair.client.answers[stream]?.body == pattern(1_000) && pair.closed[stream] == nil)
        #expect(pair.client.answers[head]?.headers["content-length"] == "7")
        #expect(pair.client.answers[head]?.body.isEmpty == true && pair.closed[head] == .complete)
        tap.put(pattern(2_000, 1))
        tap.isOver = true
        pair.server.resume(stream)
        pair.run()
        #expect(pair.client.answers[stream]?.body == pattern(1_000) + pattern(2_000, 1))
        #expect(pair.closed[stream] == .complete)
    }

    @Test("a live body stays in its log while the client's window is shut")
    func liveWindow() {
        let client = Client(opensWindows: false)
        let pair = Pair(client)
        let stream = client.get("/live.flv")
        pair.run()
        let tap = Tap()
        tap.put(pattern(200_000))
        pair.server.respond(stream, HTTPResponse(status: 200), live: tap)
        pair.run()
        #expect(client.answers[stream]?.body.count == 65_535)
        #expect(tap.waiting == 200_000 - 65_535)
        client.consume(stream)
        pair.run()
        #expect(client.answers[stream]?.body.count == 2 * 65_535)
    }

    @Test("what has an end is not held up by a live body that always has more")
    func fairness() {
        let client = Client(window: 1 << 30)
        let pair = Pair(client)
        let live = client.get("/live.flv")
        let segment = client.get("/segment")
        pair.run()
        let tap = Tap()
        tap.put(pattern(1 << 20))
        pair.room = 200_000
        pair.server.respond(live, HTTPResponse(status: 200), live: tap)
        pair.server.respond(
            segment, HTTPResponse(status: 200), ranges: [Owned(pattern(40_000), Releases()).range])
        pair.run()
        #expect(client.answers[segment]?.isComplete == true)
    }

    @Test("an answer to a stream that is over is dropped")
    func late() {
        let pair = Pair()
        let releases = Releases()
        pair.server.respond(77, HTTPResponse(status: 200), ranges: [Owned([1, 2, 3], releases).range])
        pair.server.respond(78, HTTPResponse(status: 200), live: Tap(releases))
        pair.server.resume(78)
        pair.server.reset(78)
        pair.run()
        #expect(releases.count == 2)
        #expect(pair.error == nil)
    }
}
