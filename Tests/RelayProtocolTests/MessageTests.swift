import Media
import Testing

@testable import RelayProtocol

struct MessageTests {
    @Test("every message reads as it was written", arguments: MessageType.allCases)
    func roundTrip(_ type: MessageType) throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            let message = random.message(type)
            #expect(message.type == type)
            #expect(try messages(message.bytes) == [message], "seed \(seed)")
        }
    }

    @Test("fields that a later version adds behind the known ones are passed over", arguments: MessageType.allCases)
    func trailingBytes(_ type: MessageType) throws {
        guard type != .frame else { return }
        var random = Random(seed: 3)
        let message = random.message(type)
        let bytes = message.bytes
        let longer = raw(type.rawValue, stream: message.stream, Array(bytes[10...]) + [1, 2, 3, 4, 5])
        let ping = RelayMessage.ping(Ping(token: 1, clock: 2))
        #expect(try messages(longer + ping.bytes) == [message, ping])
    }

    @Test("a message that ends before its last field is refused, wherever it ends", arguments: MessageType.allCases)
    func truncated(_ type: MessageType) {
        var random = Random(seed: 4)
        let message = random.message(type)
        let body = Array(message.bytes[10...])
        let needed = type == .frame ? RelayFrame.leastFieldsSize : body.count
        for count in 0..<needed where Array(body[..<count]) != message.firstVersion {
            #expect(
                failure(raw(type.rawValue, stream: message.stream, Array(body[..<count]))) == .truncated(message: type))
        }
    }

    @Test("a frame's header is 49 bytes, each in its place")
    func frameLayout() throws {
        let header = RelayFrame.Header(
            stream: 0x0102_0304, number: FrameNumber(epoch: 0x1122_3344_5566_7788, sequence: 0x2122_2324_2526_2728),
            kind: .video, flags: [.keyframe, .configuration], timestamp: 0xa1a2_a3a4, wallClock: -2,
            segment: SegmentNumber(number: 0x3132_3334, discontinuity: 0x4142_4344, target: 6), bodyCount: 0x10203)
        var bytes = [UInt8](repeating: 0xee, count: 51)
        bytes.withUnsafeMutableBytes { header.write(into: $0) }
        let expected: [UInt8] = [
            0, 1, 2, 0x2a, 7, 3, 1, 2, 3, 4, 39, 9, 0xa1, 0xa2, 0xa3, 0xa4, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
            0x88, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 255, 255, 255, 255, 255, 255, 255, 254, 0x31, 0x32,
            0x33, 0x34,
            0x41, 0x42, 0x43, 0x44, 6, 0xee, 0xee,
        ]
        #expect(bytes == expected)
        #expect(header.wireSize == 49 + 0x10203)
        #expect(try events(Array(bytes[..<49])) == [.frameBegins(header)])
    }

    @Test("stream 0 is refused where a stream is meant")
    func streamZero() {
        for type in MessageType.allCases where type.needsStream {
            #expect(failure(raw(type.rawValue, [UInt8](repeating: 0, count: 64))) == .missingStream(message: type))
        }
    }

    @Test("numbers that arithmetic could overflow with are refused")
    func numbers() {
        for (epoch, sequence) in [(0, 1), (1, 0), (1 << 63, 1), (1, UInt64.max)] as [(UInt64, UInt64)] {
            let number = FrameNumber(epoch: epoch, sequence: sequence)
            #expect(failure(RelayMessage.frame(frame(sequence, epoch: epoch)).bytes) == .badFrameNumber(number))
            let subscribed = Subscribed(request: 1, stream: 1, first: number, continuity: .exact, path: path("a"))
            #expect(failure(RelayMessage.subscribed(subscribed).bytes) == .badFrameNumber(number))
            let subscribe = Subscribe(
                request: 1, name: RelayStreamName(app: "a", name: "b")!, from: .at(number), credit: 1)
            #expect(failure(RelayMessage.subscribe(subscribe).bytes) == .badField(message: .subscribe, field: "start"))
        }
    }

    @Test("a subscription says what is needed where somebody needs it, and an older node's does not")
    func needed() throws {
        let name = RelayStreamName(app: "a", name: "b")!
        let number = FrameNumber(epoch: 7, sequence: 9)
        let asked = Subscribe(request: 1, name: name, from: .keyframe, needed: number, credit: 1)
        let plain = Subscribe(request: 1, name: name, from: .keyframe, credit: 1)
        #expect(try messages(RelayMessage.subscribe(asked).bytes) == [.subscribe(asked)])
        #expect(RelayMessage.subscribe(asked).bytes.count == RelayMessage.subscribe(plain).bytes.count + 16)
        let bad = Subscribe(
            request: 1, name: name, from: .keyframe, needed: FrameNumber(epoch: 0, sequence: 9), credit: 1)
        #expect(
            failure(RelayMessage.subscribe(bad).bytes) == .badFrameNumber(FrameNumber(epoch: 0, sequence: 9)))
    }

    @Test("strings and lists beyond their limits are refused")
    func limits() {
        let name = RelayStreamName(app: "live", name: "cam")!
        func announce(_ change: (inout [UInt8]) -> Void) -> RelayError? {
            let message = RelayMessage.announce(Announce(name: name, epoch: 1, priority: 2, path: path("a", "b")))
            var body = Array(message.bytes[10...])
            change(&body)
            return failure(raw(MessageType.announce.rawValue, body + [UInt8](repeating: 0x61, count: 600)))
        }
        #expect(announce { _ in } == nil)
        #expect(announce { $0[0] = 2 } == .badField(message: .announce, field: "length of the application name"))
        #expect(announce { $0[1] = 0 } == .badField(message: .announce, field: "length of the stream name"))
        #expect(announce { $0[2] = 0xff } == .badField(message: .announce, field: "application name"))
        #expect(announce { $0[3] = 0x0a } == .badField(message: .announce, field: "stream name"))
        // After the names (4 + 4 + 3 bytes) and epoch and priority comes the path.
        #expect(announce { $0[21] = 9 } == .pathTooLong(limit: 8))
        #expect(announce { $0[21] = 0 } == .badField(message: .announce, field: "path"))
        #expect(announce { $0[22] = 65 } == .badField(message: .announce, field: "length of the node id"))
        #expect(announce { $0[23] = 0x20 } == .badField(message: .announce, field: "node id"))
        #expect(announce { $0[25] = 0x61 } == .pathLoop(node: node("a"), path: "a > a"))
        #expect(announce { for i in 13..<19 { $0[i] = 0xff } } == nil)
        #expect(announce { for i in 11..<19 { $0[i] = 0xff } } == .badField(message: .announce, field: "epoch"))
        #expect(
            failure(raw(MessageType.moved.rawValue, stream: 1, [9]))
                == .badField(message: .moved, field: "number of places"))
        let credit = Subscribe(request: 1, name: name, from: .live, credit: .max)
        #expect(
            failure(RelayMessage.subscribe(credit).bytes) == .creditOverflow(granted: .max, limit: RelayLimits.credit))
    }

    @Test("texts are cut to their limit when they are written, and lose control characters when they are read")
    func texts() throws {
        let long = Refused(request: 0, reason: .overloaded, text: String(repeating: "ä", count: 400))
        let read = try messages(RelayMessage.refused(long).bytes)
        #expect(read == [.refused(Refused(request: 0, reason: .overloaded, text: String(repeating: "ä", count: 256)))])
        let forged = Refused(request: 0, reason: .overloaded, text: "a\n2026 error\u{1b}[2J")
        let clean = Refused(request: 0, reason: .overloaded, text: "a2026 error[2J")
        #expect(try messages(RelayMessage.refused(forged).bytes) == [.refused(clean)])
        let places = (0..<20).map { RelayPlace(node: node("n\($0)"), address: "h:\($0)")! }
        let moved = try messages(RelayMessage.moved(stream: 1, places: places).bytes)
        #expect(moved == [.moved(stream: 1, places: Array(places.prefix(8)))])
    }

    @Test("the largest message of every type fits its receiver's limit")
    func largest() throws {
        let place = RelayPlace(
            node: node(String(repeating: "n", count: 64)), address: String(repeating: "h", count: 264))!
        let refused = RelayMessage.refused(
            Refused(
                request: 1, reason: .loop, text: String(repeating: "t", count: 512),
                elsewhere: Array(repeating: place, count: 8)))
        #expect(try messages(refused.bytes) == [refused])
        #expect(refused.bytes.count < RelayLimits.controlBody)
        let hello = Hello(
            node: place.node, idc: place.node.name, nonce: [UInt8](repeating: 0, count: 32))
        #expect(RelayMessage.hello(hello).bytes.count < 300)
    }
}

struct PathTests {
    @Test("a path that would hold a node twice is refused")
    func loop() throws {
        let path = path("ingest", "relay")
        #expect(path.contains(node("relay")) && !path.contains(node("edge")))
        #expect(try path.extended(by: node("edge")).description == "ingest > relay > edge")
        #expect(throws: RelayError.pathLoop(node: node("ingest"), path: "ingest > relay > ingest")) {
            try path.extended(by: node("ingest"))
        }
    }

    @Test("a path has eight nodes at most")
    func length() throws {
        var path = RelayPath(ingest: node("n0"))
        for i in 1..<8 { path = try path.extended(by: node("n\(i)")) }
        #expect(path.hops == 7)
        #expect(throws: RelayError.pathTooLong(limit: 8)) { try path.extended(by: node("n8")) }
    }

    @Test("names that could not stand in a log or a label are none")
    func names() {
        for name in ["", "a b", "a/b", "a\n", "ä", String(repeating: "a", count: 65)] { #expect(NodeID(name) == nil) }
        #expect(NodeID("fra-1.edge_2") != nil)
        #expect(RelayStreamName(app: "", name: "a") == nil && RelayStreamName(app: "a", name: "b\u{7f}") == nil)
        #expect(RelayPlace(node: node("a"), address: "a b") == nil && RelayPlace(node: node("a"), address: "") == nil)
    }
}
