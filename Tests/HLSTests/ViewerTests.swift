import Fixtures
import HLS
import Testing

@Suite("Viewers") struct ViewerTests {
    @Test("a token is 22 characters that read back, in one spelling")
    func tokens() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<1_000 {
            let token = ViewerToken(high: random.next(), low: random.next())
            #expect(token.text.utf8.count == ViewerToken.length)
            #expect(ViewerToken(token.text) == token)
        }
        #expect(ViewerToken(high: .max, low: .max).text == "_____________________w")
        #expect(ViewerToken(high: 0, low: 1).text == "AAAAAAAAAAAAAAAAAAAAAQ")
        #expect(ViewerToken("AAAAAAAAAAAAAAAAAAAAAB") == nil)
        #expect(ViewerToken("AAAAAAAAAAAAAAAAAAAAA=") == nil)
        #expect(ViewerToken("AAAAAAAAAAAAAAAAAAAAAAA") == nil)
    }

    @Test("a viewer counts until it has been silent for the expiry")
    func expiry() {
        var viewers = ViewerSessions(limit: 10)
        let (one, two) = (ViewerToken(high: 1, low: 1), ViewerToken(high: 2, low: 2))
        #expect(viewers.request(one, now: 0) == .new)
        #expect(viewers.request(two, now: 5_000) == .new)
        #expect(viewers.request(one, now: 9_999) == .known)
        #expect(viewers.count(now: 14_999) == 2)
        #expect(viewers.count(now: 15_000) == 1)
        #expect(viewers.request(two, now: 15_000) == .new)
        viewers.remove(one)
        #expect(viewers.count(now: 15_000) == 1)
        #expect(ViewerSessions.expiry(target: 2) == 10_000)
        #expect(ViewerSessions.expiry(target: 6) == 18_000)
    }

    @Test("a full table refuses newcomers until somebody leaves")
    func limit() {
        var viewers = ViewerSessions(limit: 2)
        let tokens = (0..<3).map { ViewerToken(high: 0, low: UInt64($0)) }
        #expect(viewers.request(tokens[0], now: 0) == .new)
        #expect(viewers.request(tokens[1], now: 1) == .new)
        #expect(viewers.request(tokens[2], now: 2) == .full)
        #expect(viewers.request(tokens[0], now: 3) == .known)
        #expect(viewers.request(tokens[2], now: 10_001) == .new)
        #expect(viewers.request(tokens[1], now: 10_001) == .full)
    }

    @Test("the table agrees with a plain list of last requests")
    func model() {
        for seed in UInt64(1)...10 {
            var random = SeededGenerator(seed: seed)
            var viewers = ViewerSessions(limit: 20)
            var heard: [ViewerToken: Int64] = [:]
            var now: Int64 = 0
            for _ in 0..<3_000 {
                now += Int64.random(in: 0...900, using: &random)
                let token = ViewerToken(high: 0, low: UInt64.random(in: 0..<40, using: &random))
                heard = heard.filter { now - $0.value < viewers.expiry }
                let expected: ViewerSessions.Answer =
                    heard[token] != nil ? .known : heard.count < 20 ? .new : .full
                #expect(viewers.request(token, now: now) == expected, "seed \(seed)")
                if expected != .full { heard[token] = now }
                if Int.random(in: 0..<10, using: &random) == 0 {
                    viewers.remove(token)
                    heard[token] = nil
                }
                #expect(viewers.count(now: now) == heard.count, "seed \(seed)")
            }
        }
    }

    @Test("a clock that goes back or leaps is survived")
    func clocks() {
        var viewers = ViewerSessions(limit: 3)
        for now in [0, .max, .min, 5, .max, 0] as [Int64] {
            _ = viewers.request(ViewerToken(high: 1, low: UInt64(bitPattern: now)), now: now)
        }
        #expect(viewers.count(now: .max) <= 3)
    }
}
