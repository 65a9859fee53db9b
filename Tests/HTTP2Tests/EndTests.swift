import HTTP
import Testing

@testable import HTTP2

@Suite("HTTP/2 streams and connections end")
struct EndTests {
    @Test("a parked stream that the client resets is reported once and lets go")
    func parkedReset() {
        let pair = Pair()
        let stream = pair.client.get("/part")
        pair.run()
        pair.client.reset(stream)
        pair.run()
        #expect(pair.closed == [stream: .reset(code: 8)])
        #expect(pair.server.exchanges.isEmpty)
        pair.server.respond(stream, HTTPResponse(status: 200, text: "late"))
        pair.run()
        #expect(pair.error == nil)
    }

    @Test("a request that is reset before anybody saw it is nobody's business")
    func unseenReset() {
        let client = Client()
        let pair = Pair(client)
        let stream = client.get("/")
        var bytes = client.takeOutput()
        client.reset(stream)
        bytes += client.takeOutput()
        pair.feed(bytes)
        #expect(pair.events.isEmpty)
        #expect(pair.server.requests == 0)
    }

    /// Each way in which a stream that sends a body can end.
    enum Ending: CaseIterable {
        case complete, resetByClient, resetHere, stalled, protocolError, connectionError, rest, dropped
    }

    @Test("whichever way it ends, the owner of a body is released exactly once", arguments: Ending.allCases)
    func releases(_ ending: Ending) {
        let releases = Releases()
        do {
            let client = Client(opensWindows: ending == .complete)
            let pair = Pair(client)
            let (ranges, live) = (client.get("/segment"), client.get("/live.flv"))
            pair.run()
            let owned = (0..<3).map { Owned(pattern(60_000, $0), releases) }
            pair.server.respond(ranges, HTTPResponse(status: 200), ranges: owned.map(\.range))
            let tap = Tap(releases)
            tap.put(pattern(50_000))
            tap.isOver = ending == .complete
            pair.server.respond(live, HTTPResponse(status: 200), live: tap)
            // The socket stops in the middle of a range.
            pair.room = 40_000
            pair.run()
            pair.room = .max
            end(pair, ranges, live, ending)
        }
        #expect(releases.count == 4)
    }

    private func end(_ pair: Pair, _ ranges: Int32, _ live: Int32, _ ending: Ending) {
        switch ending {
        case .complete:
            pair.run()
            #expect(pair.client.answers[ranges]?.body == (0..<3).flatMap { pattern(60_000, $0) })
            #expect(pair.closed == [ranges: .complete, live: .complete])
        case .resetByClient:
            for stream in [ranges, live] { pair.client.reset(stream) }
            pair.run()
            #expect(pair.closed == [ranges: .reset(code: 8), live: .reset(code: 8)])
        case .resetHere:
            for stream in [ranges, live] { pair.server.reset(stream) }
            pair.run()
            #expect(pair.closed == [ranges: .resetHere, live: .resetHere])
            #expect(pair.client.answers[ranges]?.resetCode == 8)
        case .stalled:
            pair.run()
            for _ in 0..<130 { pair.tick(after: 500) }
            pair.run()
            #expect(pair.closed[ranges] == .stalled)
        case .protocolError:
            // The second goes beyond the largest window, whatever is left of the first.
            for stream in [ranges, live, ranges, live] {
                pair.feed(frame(8, stream: UInt32(stream), [0x7F, 0xFF, 0xFF, 0xFF]))
            }
            pair.run()
            #expect(pair.closed == [ranges: .reset(code: 3), live: .reset(code: 3)])
        case .connectionError:
            pair.feed(frame(8, [0, 0, 0, 0]))
            #expect(pair.error?.reason == "http2_protocol")
            pair.run()
            #expect(pair.client.goodbyes.map(\.code) == [1])
        case .rest:
            #expect(pair.client.receive(pair.server.takeRest()), "whole frames to the last")
            #expect(pair.server.takeRest().isEmpty)
        case .dropped: break
        }
    }

    @Test("a half-written frame is finished when its stream is reset under it")
    func halfWritten() {
        let pair = Pair()
        let releases = Releases()
        let stream = pair.client.get("/")
        let other = pair.client.get("/")
        pair.run()
        pair.room = 5_000
        pair.server.respond(stream, HTTPResponse(status: 200), ranges: [Owned(pattern(10_000), releases).range])
        pair.run()
        pair.server.reset(stream)
        #expect(releases.count == 0, "its bytes are still to go")
        pair.room = .max
        pair.server.respond(other, HTTPResponse(status: 200, text: "fine"))
        pair.run()
        #expect(releases.count == 1)
        #expect(pair.client.answers[stream]?.body == pattern(10_000))
        #expect(pair.client.answers[other]?.body == Array("fine".utf8))
    }

    // MARK: Time

    @Test("a body that does not end is answered 408 in time")
    func slowBody() {
        let pair = Pair()
        let stream = pair.client.send(
            [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a")], withheld: true)
        pair.run()
        pair.tick(after: 10_000)
        #expect(pair.refusals.isEmpty)
        pair.tick(after: 1)
        pair.run()
        #expect(pair.refusals.map(\.status) == [408])
        #expect(pair.client.answers[stream]?.status == 408)
        #expect(pair.error == nil)
    }

    @Test("headers that do not end cost the connection")
    func slowHead() {
        let pair = Pair()
        pair.feed(opening + frame(1, flags: 1, stream: 1, [0x82, 0x87]))
        pair.tick(after: 10_001)
        #expect(pair.error?.reason == "http2_slow_head")
    }

    @Test("a parked request and a live body without bytes wait for as long as they are wanted")
    func patience() {
        let pair = Pair()
        let (parked, live) = (pair.client.get("/"), pair.client.get("/live.flv"))
        pair.run()
        let tap = Tap()
        pair.server.respond(live, HTTPResponse(status: 200), live: tap)
        pair.run()
        for _ in 0..<1_000 { pair.tick(after: 500) }
        #expect(pair.closed.isEmpty && pair.error == nil)
        tap.put([1])
        pair.server.resume(live)
        pair.server.respond(parked, HTTPResponse(status: 200))
        pair.run()
        #expect(pair.client.answers[live]?.body == [1])
        #expect(pair.client.answers[parked]?.isComplete == true)
    }

    @Test("a client whose socket takes nothing loses the connection")
    func stuckSocket() {
        let pair = Pair(Client(window: 1 << 30))
        let stream = pair.client.get("/")
        pair.run()
        pair.room = 100
        pair.server.respond(stream, HTTPResponse(status: 200), ranges: [Owned(pattern(1 << 20), Releases()).range])
        pair.run()
        for _ in 0..<121 { pair.tick(after: 500) }
        #expect(pair.error?.reason == "http2_stalled")
    }

    // MARK: Goodbyes

    @Test("a shutdown says goodbye twice, loses no request on its way, and is finished with the last answer")
    func shutdown() {
        let pair = Pair()
        let first = pair.client.get("/1")
        pair.run()
        // On its way when the goodbye is said.
        let second = pair.client.get("/2")
        let onItsWay = pair.client.takeOutput()
        pair.server.shutDown(now: pair.now)
        let goodbye = pair.collect()
        pair.feed(onItsWay)
        #expect(pair.client.receive(goodbye))
        #expect(pair.client.goodbyes.map(\.last) == [Int32.max])
        pair.run()
        #expect(pair.client.goodbyes.map(\.last) == [Int32.max, second])
        #expect(pair.client.goodbyes.allSatisfy { $0.code == 0 })
        #expect(pair.requests.map(\.stream) == [first, second])
        #expect(!pair.server.isFinished)
        for stream in [first, second] {
            pair.server.respond(stream, HTTPResponse(status: 200, text: "bye"))
            pair.run()
            #expect(pair.client.answers[stream]?.body == Array("bye".utf8))
        }
        #expect(pair.server.isFinished)
        #expect(pair.error == nil)
    }

    @Test("the second goodbye does not wait for a client that answers no ping")
    func silentClient() {
        let pair = Pair()
        pair.run()
        pair.server.shutDown(now: pair.now)
        _ = pair.collect()
        pair.tick(after: 999)
        #expect(pair.collect().isEmpty)
        pair.tick(after: 1)
        #expect(pair.collect() == frame(7, [0, 0, 0, 0, 0, 0, 0, 0]))
        #expect(pair.server.isFinished)
    }

    @Test("a client's goodbye is reported, and its last streams are served")
    func clientGoodbye() {
        let pair = Pair()
        let stream = pair.client.get("/")
        pair.run()
        pair.client.sayGoodbye()
        pair.run()
        #expect(pair.goodbyes == 1)
        #expect(!pair.server.isFinished && pair.error == nil)
        pair.server.respond(stream, HTTPResponse(status: 200, text: "bye"))
        pair.run()
        #expect(pair.client.answers[stream]?.isComplete == true)
        #expect(pair.server.isFinished)
    }

    @Test("the first error is final")
    func finalError() throws {
        let pair = Pair()
        pair.run()
        pair.feed(frame(0, stream: 0, [1]))
        let error = try #require(pair.error)
        #expect(error.code == 1)
        #expect(throws: error) {
            let bytes = opening
            try pair.server.receive(bytes.span, now: pair.now)
        }
        #expect(throws: error) { try pair.server.tick(now: pair.now) }
        #expect(!pair.server.takeRest().isEmpty, "the goodbye")
        #expect(pair.server.takeRest().isEmpty)
    }
}
