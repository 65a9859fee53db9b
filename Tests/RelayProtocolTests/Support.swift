import Media
import Testing

@testable import RelayProtocol

/// SplitMix64: the same numbers for the same seed on every machine.
struct Random: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &self) } }
}

func node(_ name: String) -> NodeID { NodeID(name)! }
func path(_ names: String...) -> RelayPath { try! RelayPath(names.map { node($0) }) }

func frame(
    _ sequence: UInt64, epoch: UInt64 = 7, kind: MediaKind = .audio, flags: RelayFrame.Flags = [],
    body: [UInt8] = [1, 2, 3]
) -> RelayFrame {
    let header = RelayFrame.Header(
        stream: 5, number: FrameNumber(epoch: epoch, sequence: sequence), kind: kind, flags: flags,
        timestamp: UInt32(truncatingIfNeeded: sequence &* 20), wallClock: 1_700_000_000_000_000)
    return RelayFrame(header: header, body: body)
}

/// Everything that a parser says to `bytes`, given in pieces that end at `cuts`.
func events(
    _ bytes: [UInt8], cuts: [Int] = [], open: Bool = true, limits: RelayLimits = RelayLimits()
) throws(RelayError) -> [RelayEvent] {
    var parser = RelayParser(limits: limits, open: open)
    var events: [RelayEvent] = []
    var start = 0
    for end in cuts + [bytes.count] {
        let piece = bytes.span.extracting(start..<end)
        var at = 0
        while let event = try parser.next(piece, &at) { events.append(event) }
        #expect(at == piece.count)
        start = end
    }
    return events
}

func messages(_ bytes: [UInt8]) throws(RelayError) -> [RelayMessage] {
    var messages: [RelayMessage] = []
    for case .message(let message) in try events(bytes) { messages.append(message) }
    return messages
}

/// The error that a parser ends with on `bytes`, if it does.
func failure(_ bytes: [UInt8], open: Bool = true, limits: RelayLimits = RelayLimits()) -> RelayError? {
    do {
        _ = try events(bytes, open: open, limits: limits)
        return nil
    } catch {
        return error
    }
}

/// A message header with any body, as no encoder would write it.
func raw(_ type: UInt8, stream: UInt32 = 0, announced: Int? = nil, flags: UInt8 = 0, _ body: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(u32: UInt32(announced ?? body.count))
    bytes.append(type)
    bytes.append(flags)
    bytes.append(u32: stream)
    return bytes + body
}

extension Random {
    mutating func text(_ longest: Int) -> String {
        String((0..<below(longest + 1)).map { _ in Array("abcdefgh-0123 äöü").randomElement(using: &self)! })
    }

    mutating func id() -> NodeID {
        node(String((0...below(20)).map { _ in Array("abcXYZ019.-_").randomElement(using: &self)! }))
    }

    mutating func number() -> FrameNumber {
        FrameNumber(
            epoch: UInt64.random(in: 1...RelayLimits.highestNumber, using: &self),
            sequence: UInt64.random(in: 1...RelayLimits.highestNumber, using: &self))
    }

    mutating func path() -> RelayPath {
        var names: [NodeID] = []
        for i in 0...below(RelayLimits.pathNodes) { names.append(node("\(i)" + id().name)) }
        return try! RelayPath(names)
    }

    mutating func places() -> [RelayPlace] {
        (0..<below(RelayLimits.places + 1)).map { i in RelayPlace(node: id(), address: "10.0.0.\(i):\(below(65536))")! }
    }

    mutating func streamName() -> RelayStreamName { RelayStreamName(app: "a" + text(30), name: "s" + text(200))! }

    mutating func message(_ type: MessageType) -> RelayMessage {
        let stream = UInt32.random(in: 1 ... .max, using: &self)
        switch type {
        case .hello:
            return .hello(
                Hello(
                    versions: UInt16(below(3))...UInt16(3 + below(9)), node: id(), idc: id().name, nonce: bytes(32),
                    capabilities: RelayCapabilities(rawValue: next())))
        case .proof: return .proof(bytes(32))
        case .subscribe:
            let from: ResumePoint = [.live, .keyframe, .at(number())].randomElement(using: &self)!
            return .subscribe(
                Subscribe(
                    request: stream, name: streamName(), from: from, needed: number(), credit: UInt32(below(1 << 28)),
                    serviceClass: UInt8(below(256))))
        case .subscribed:
            let continuity: Continuity = [.fresh, .exact, .lost(frames: next())].randomElement(using: &self)!
            return .subscribed(
                Subscribed(
                    request: UInt32(below(1 << 32)), stream: stream, first: number(), continuity: continuity,
                    path: path()))
        case .refused:
            return .refused(
                Refused(
                    request: UInt32(below(1 << 32)), reason: RefusalReason(rawValue: UInt16(below(65536))),
                    text: text(200), elsewhere: places()))
        case .credit: return .credit(stream: stream, bytes: UInt32(below(1 << 32)))
        case .frame:
            let kind = MediaKind.allCases.randomElement(using: &self)!
            let header = RelayFrame.Header(
                stream: stream, number: number(), kind: kind, flags: RelayFrame.Flags(rawValue: UInt8(below(256))),
                timestamp: UInt32(below(1 << 32)), wallClock: Int64(bitPattern: next()))
            return .frame(RelayFrame(header: header, body: bytes(below(600))))
        case .end: return .end(stream: stream, reason: EndReason(rawValue: UInt8(below(256))), text: text(100))
        case .moved: return .moved(stream: stream, places: places())
        case .unsubscribe: return .unsubscribe(stream: stream)
        case .ping: return .ping(Ping(token: next(), clock: Int64(bitPattern: next())))
        case .pong:
            return .pong(
                Ping(token: next(), clock: Int64(bitPattern: next())).answered(
                    received: Int64(bitPattern: next()), sent: Int64(bitPattern: next())))
        case .path: return .path(stream: stream, path())
        case .announce:
            return .announce(
                Announce(name: streamName(), epoch: number().epoch, priority: UInt16(below(65536)), path: path()))
        case .withdraw: return .withdraw(streamName(), epoch: number().epoch)
        case .fenced: return .fenced(stream: chance(50) ? 0 : stream, streamName(), newer: number().epoch)
        case .goaway:
            return .goaway(
                Goaway(graceMilliseconds: UInt32(below(1 << 32)), text: text(100), elsewhere: places()))
        case .register, .load, .carry, .want, .unwant, .steer, .room, .raise, .allow, .used:
            return control(type)
        }
    }
}
