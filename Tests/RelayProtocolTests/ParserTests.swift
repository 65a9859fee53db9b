import Media
import Testing

@testable import RelayProtocol

struct ParserTests {
    /// One message of each type in every round, with unknown ones between them.
    private static func dialogue(seed: UInt64, rounds: Int = 2) -> (bytes: [UInt8], messages: [RelayMessage]) {
        var random = Random(seed: seed)
        var bytes: [UInt8] = []
        var messages: [RelayMessage] = []
        for type in repeatElement(MessageType.allCases, count: rounds).joined() {
            messages.append(random.message(type))
            messages.last!.append(to: &bytes)
            if random.chance(30) { bytes += raw(UInt8(138 + random.below(118)), random.bytes(random.below(40))) }
        }
        return (bytes, messages)
    }

    private func told(_ events: [RelayEvent]) -> [RelayMessage] {
        events.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    @Test("a dialogue reads the same however it is cut in two")
    func everySplit() throws {
        let (bytes, messages) = Self.dialogue(seed: 1, rounds: 1)
        let whole = try events(bytes)
        #expect(told(whole) == messages)
        for cut in 0...bytes.count {
            let cutEvents = try events(bytes, cuts: [cut])
            guard cutEvents == whole else {
                Issue.record("the cut at \(cut) of \(bytes.count) changes what is read")
                return
            }
        }
    }

    @Test("a dialogue reads the same byte by byte, and in pieces of any size")
    func pieces() throws {
        for seed in 1...30 as ClosedRange<UInt64> {
            let (bytes, messages) = Self.dialogue(seed: seed)
            #expect(told(try events(bytes, cuts: Array(1..<bytes.count))) == messages, "seed \(seed)")
            var random = Random(seed: seed)
            let cuts = (0..<random.below(60)).map { _ in random.below(bytes.count) }.sorted()
            #expect(told(try events(bytes, cuts: cuts)) == messages, "seed \(seed)")
        }
    }

    @Test("a frame's header is told before its body is there")
    func headerFirst() throws {
        let frame = frame(9, body: [UInt8](repeating: 7, count: 1000))
        let bytes = RelayMessage.frame(frame).bytes
        #expect(try events(Array(bytes[..<39])) == [])
        #expect(try events(Array(bytes[..<49])) == [.frameBegins(frame.header)])
        #expect(try events(Array(bytes[..<1039])) == [.frameBegins(frame.header)])
        #expect(try events(bytes) == [.frameBegins(frame.header), .message(.frame(frame))])
    }

    @Test("a frame without a body is told twice as well")
    func emptyBody() throws {
        let frame = frame(9, body: [])
        #expect(try events(RelayMessage.frame(frame).bytes) == [.frameBegins(frame.header), .message(.frame(frame))])
    }

    @Test("a frame that is not wanted is passed over at every split")
    func skip() throws {
        let first = RelayMessage.frame(frame(1, body: [UInt8](repeating: 9, count: 30))).bytes
        let second = RelayMessage.frame(frame(2))
        let bytes = first + second.bytes
        for cut in 0...bytes.count {
            var parser = RelayParser(open: true)
            var seen: [RelayMessage] = []
            for range in [0..<cut, cut..<bytes.count] {
                var at = 0
                let piece = bytes.span.extracting(range)
                while let event = try parser.next(piece, &at) {
                    switch event {
                    case .frameBegins(let header): if header.number.sequence == 1 { parser.skipBody() }
                    case .message(let message): seen.append(message)
                    }
                }
            }
            #expect(seen == [second], "cut at \(cut)")
        }
    }

    @Test("a frame that lies whole in a piece is taken from where it lies, at every split of the input")
    func taken() throws {
        let frames = [frame(1, body: [UInt8](repeating: 9, count: 30)), frame(2, body: []), frame(3, body: [7, 8])]
        let ping = RelayMessage.ping(Ping(token: 1, clock: 2))
        let bytes = frames.flatMap { RelayMessage.frame($0).bytes } + ping.bytes
        for cut in 0...bytes.count {
            var parser = RelayParser(open: true)
            var seen: [RelayFrame] = []
            var taken = 0
            var others: [RelayMessage] = []
            for range in [0..<cut, cut..<bytes.count] {
                var at = 0
                let piece = bytes.span.extracting(range)
                while true {
                    if let (header, place) = parser.takeFrame(piece, &at) {
                        taken += 1
                        seen.append(RelayFrame(header: header, copying: piece.extracting(place)))
                        continue
                    }
                    guard let event = try parser.next(piece, &at) else { break }
                    switch event {
                    case .frameBegins: break
                    case .message(.frame(let frame)): seen.append(frame)
                    case .message(let message): others.append(message)
                    }
                }
                #expect(at == piece.count)
            }
            #expect(seen == frames && others == [ping], "cut at \(cut)")
            #expect(taken >= 2, "cut at \(cut)")
        }
    }

    @Test("behind a frame that was taken, and was the last of a piece, nothing is left to be told")
    func takenLast() throws {
        let bytes = [[7, 8], []].flatMap { RelayMessage.frame(frame(1, body: $0)).bytes }
        var parser = RelayParser(open: true)
        var at = 0
        while parser.takeFrame(bytes.span, &at) != nil {
            guard at == bytes.count else { continue }
            #expect(try parser.next(bytes.span, &at) == nil)
        }
        #expect(at == bytes.count)
    }

    @Test("fields that a later version adds to a frame are passed over, with the body or without it")
    func longerFields() throws {
        let frame = frame(3, body: [1, 2, 3, 4])
        let bytes = RelayMessage.frame(frame).bytes
        var longer = raw(7, stream: 5, Array(bytes[10..<49]) + [0xaa, 0xbb, 0xcc] + frame.body)
        longer[10] = 42
        for cut in 0...longer.count {
            let begun = try #require(try events(longer, cuts: [cut]).first)
            guard case .frameBegins(let header) = begun else {
                Issue.record("cut at \(cut): \(begun)")
                continue
            }
            #expect(header.number == frame.header.number && header.bodyCount == 4 && header.wireSize == longer.count)
            #expect(try events(longer, cuts: [cut]).count == 2)
        }
        var parser = RelayParser(open: true)
        var at = 0
        let input = longer + bytes
        _ = try parser.next(input.span, &at)
        parser.skipBody()
        #expect(try parser.next(input.span, &at) == .frameBegins(frame.header))
        longer[10] = 29
        #expect(failure(longer) == .badField(message: .frame, field: "size of its fields"))
        longer[10] = 47
        #expect(failure(longer) == .badField(message: .frame, field: "size of its fields"))
    }

    @Test("a frame of an older version, which says nothing of segments, is read wherever it is cut")
    func shorterFields() throws {
        let bytes = RelayMessage.frame(frame(3, body: [1, 2])).bytes
        var shorter = raw(7, stream: 5, Array(bytes[10..<40]) + [1, 2])
        shorter[10] = 30
        for cut in 0...shorter.count {
            let seen = try events(shorter + shorter, cuts: [cut])
            #expect(seen.count == 4)
            for case .frameBegins(let header) in seen {
                #expect(header.segment == .none && header.bodyCount == 2 && header.wireSize == shorter.count)
            }
            for case .message(.frame(let frame)) in seen { #expect(frame.body == [1, 2]) }
        }
    }

    @Test("a frame says the same when it is written again, whatever its size was")
    func rewritten() throws {
        let bytes = RelayMessage.frame(frame(3, body: [1, 2])).bytes
        var shorter = raw(7, stream: 5, Array(bytes[10..<40]) + [1, 2])
        shorter[10] = 30
        let message = try #require(try messages(shorter).first)
        #expect(try messages(message.bytes) == [message])
    }

    @Test("an unknown message that is optional is passed over; one that is not ends the connection")
    func unknown() throws {
        let ping = RelayMessage.ping(Ping(token: 1, clock: 2))
        for type in 138...255 as ClosedRange<UInt8> {
            #expect(try messages(raw(type, stream: 3, [1, 2, 3]) + raw(type) + ping.bytes) == [ping])
        }
        for type in [0] + Array(18...127) as [UInt8] { #expect(failure(raw(type)) == .unknownMessage(type: type)) }
    }

    @Test("a length beyond the limit is refused before a byte of it comes")
    func tooLarge() {
        let frameLimit = (16 << 20) + 255
        #expect(
            failure(raw(7, stream: 1, announced: frameLimit + 1))
                == .messageTooLarge(type: 7, announced: frameLimit + 1, limit: frameLimit))
        #expect(
            failure(raw(11, announced: 16_385)) == .messageTooLarge(type: 11, announced: 16_385, limit: 16_384))
        #expect(
            failure(raw(200, announced: 1 << 31))
                == .messageTooLarge(type: 200, announced: 1 << 31, limit: RelayLimits.skippedBody))
        var limits = RelayLimits()
        limits.frameBody = 100
        let bytes = RelayMessage.frame(frame(1, body: [UInt8](repeating: 0, count: 101))).bytes
        #expect(failure(bytes, limits: limits) == .messageTooLarge(type: 7, announced: 101, limit: 100))
    }

    @Test("a frame of an unknown kind ends the connection")
    func unknownKind() {
        var bytes = RelayMessage.frame(frame(1)).bytes
        bytes[11] = 10
        #expect(failure(bytes) == .unknownFrameKind(10))
    }

    @Test("who speaks another protocol is told apart at the first bytes")
    func notRelay() {
        for text in ["G", "GET / HTTP/1.1\r\n\r\n", "\u{3}", "\u{16}\u{3}\u{1}"] {
            let bytes = Array(text.utf8)
            #expect(failure(bytes, open: false) == .notRelay(firstBytes: Array(bytes.prefix(10))))
        }
        let error = failure(Array("GET / HTTP/1.1\r\n".utf8), open: false)
        #expect(error?.description.contains("\"GET / HTTP\"") == true)
        #expect(failure(raw(11, [0, 0]), open: false) == .notRelay(firstBytes: raw(11, [0, 0]).dropLast(2)))
    }

    @Test("after an error a parser takes nothing more")
    func dead() throws {
        var parser = RelayParser(open: true)
        let bad = raw(99)
        let good = RelayMessage.ping(Ping(token: 1, clock: 2)).bytes
        var at = 0
        #expect(throws: RelayError.unknownMessage(type: 99)) { try parser.next(bad.span, &at) }
        at = 0
        #expect(throws: RelayError.unknownMessage(type: 99)) { try parser.next(good.span, &at) }
    }
}
