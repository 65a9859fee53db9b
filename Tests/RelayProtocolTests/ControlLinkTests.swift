import Testing

@testable import RelayProtocol

struct ControlLinkTests {
    // MARK: Splitting

    private func carried(_ index: Int, longest: Bool = false) -> Carried {
        let name = longest ? longestName : RelayStreamName(app: "live", name: "cam\(index)")!
        return Carried(
            name: name, epoch: UInt64(index + 1), role: .child(of: longest ? longestNode : node("p")),
            viewers: UInt32(index))
    }

    private func lists(_ messages: [RelayMessage]) -> [Carry] {
        messages.map { if case .carry(let carry) = $0 { carry } else { preconditionFailure("\($0)") } }
    }

    @Test("a whole list without streams is one message, changes without streams are none")
    func empty() {
        #expect(Carry.messages([], isWhole: true) == [.carry(Carry(isWhole: true, streams: []))])
        #expect(Carry.messages([], isWhole: false) == [])
    }

    @Test("a list of streams is split by their number", arguments: [1, 63, 64, 65, 128, 129, 1_000])
    func splitByNumber(_ count: Int) {
        let streams = (0..<count).map { carried($0) }
        let split = lists(Carry.messages(streams, isWhole: true))
        #expect(split.flatMap(\.streams) == streams)
        #expect(split.count == (count + 63) / 64)
        #expect(split.map(\.isWhole) == [true] + Array(repeating: false, count: split.count - 1))
        #expect(lists(Carry.messages(streams, isWhole: false)).allSatisfy { !$0.isWhole })
    }

    @Test("a list of streams with long names is split by their bytes")
    func splitByBytes() {
        let streams = (0..<100).map { carried($0, longest: true) }
        let fit = (RelayLimits.controlBody - 2) / streams[0].wireSize
        #expect(fit == 27)
        let split = lists(Carry.messages(streams, isWhole: true))
        #expect(split.map(\.streams.count) == [fit, fit, fit, 100 - 3 * fit])
        #expect(split.flatMap(\.streams) == streams)
    }

    @Test("a list that fills a message to its last byte is not split")
    func exactFit() throws {
        var streams = (0..<63).map { carried($0) }
        func room() -> Int { Carry.bodyRoom - streams.reduce(0) { $0 + $1.wireSize } }
        // Longer names one by one until the last stream has exactly the rest.
        for index in streams.indices where room() > 530 {
            let suffix = String(repeating: "x", count: 240)
            streams[index].name = RelayStreamName(app: "a" + suffix, name: "s\(index)" + suffix)!
        }
        var last = carried(63)
        last.name = RelayStreamName(app: "a", name: "b")!
        let rest = room() - last.wireSize
        #expect(rest > 0 && rest < 510)
        last.name = RelayStreamName(
            app: String(repeating: "a", count: 1 + rest / 2), name: String(repeating: "b", count: 1 + rest - rest / 2))!
        let full = Carry.messages(streams + [last], isWhole: true)
        #expect(full.count == 1 && full[0].bytes.count == MessageHeader.size + RelayLimits.controlBody)
        #expect(try messages(full[0].bytes) == full)
        last.role = .child(of: node("pp"))
        #expect(lists(Carry.messages(streams + [last], isWhole: true)).map(\.streams.count) == [63, 1])
    }

    @Test("split lists of any streams read as they were, in order")
    func splitAnything() throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            let streams = (0..<random.below(400)).map { _ in random.carried() }
            let split = Carry.messages(streams, isWhole: true)
            let read = try messages(split.flatMap(\.bytes))
            #expect(read == split, "seed \(seed)")
            #expect(lists(read).flatMap(\.streams) == streams, "seed \(seed)")
        }
    }

    // MARK: The connection

    /// A connection of `edge` with a peer that has said hello.
    private func connected(to peer: String, _ capabilities: RelayCapabilities) -> (RelayConnection, RelayPeer?) {
        let configuration = RelayConnection.Configuration(node: node("edge"), idc: "idc")
        var connection = RelayConnection(
            role: .initiator, configuration: configuration, nonce: [UInt8](repeating: 1, count: 32))
        _ = connection.start()
        let hello = Hello(
            node: node(peer), idc: "idc", nonce: [UInt8](repeating: 2, count: 32), capabilities: capabilities)
        let bytes = RelayMessage.hello(hello).bytes
        var at = 0
        guard case .authenticated(let known) = connection.next(bytes.span, &at) else { return (connection, nil) }
        return (connection, known)
    }

    @Test("a dispatcher is a peer whose hello says so")
    func capability() {
        #expect(connected(to: "d1", .dispatcher).1?.capabilities.contains(.dispatcher) == true)
        #expect(connected(to: "r1", []).1?.capabilities.contains(.dispatcher) == false)
        #expect(RelayCapabilities.dispatcher.isDisjoint(with: .proof))
    }

    @Test("a steer whose paths hold the receiver, or leave the dispatcher out, reaches the shell as it is")
    func steerIsNotMisrouted() throws {
        let parents = [path("ingest", "edge", "relay"), longestPath(to: node("relay")), path("ingest", "relay")].map {
            SteerParent(place: RelayPlace(node: node("relay"), address: "h:1")!, path: $0)
        }
        let steer = RelayMessage.steer(Steer(request: 1, name: longestName, parents: parents))
        #expect(steer.path == nil)
        var (connection, _) = connected(to: "d1", .dispatcher)
        let bytes = steer.bytes
        var at = 0
        #expect(connection.next(bytes.span, &at) == .message(steer))
        #expect(connection.peer?.node == node("d1"))
        let usable = parents.filter { (try? $0.path.extended(by: node("edge"))) != nil }
        #expect(usable == [parents[2]])
    }

    @Test("a dispatcher's announcement tells a path that ends with the dispatcher")
    func announcement() {
        func told(_ path: RelayPath) -> RelayAction? {
            var (connection, _) = connected(to: "d1", .dispatcher)
            let bytes = RelayMessage.announce(Announce(name: longestName, epoch: 1, priority: 0, path: path)).bytes
            var at = 0
            return connection.next(bytes.span, &at)
        }
        let good = Announce(name: longestName, epoch: 1, priority: 0, path: path("ingest", "d1"))
        #expect(told(good.path) == .message(.announce(good)))
        guard case .close(.pathOfAnother, _) = told(path("ingest")) else {
            Issue.record("a path that leaves the dispatcher out is taken")
            return
        }
    }

    @Test("a control message that is not valid ends the connection with a reason")
    func invalid() {
        var (connection, _) = connected(to: "d1", .dispatcher)
        let bytes = raw(MessageType.want.rawValue, [0, 0, 0, 0])
        var at = 0
        let error = RelayError.badField(message: .want, field: "request")
        let refused = Refused(request: 0, reason: .protocolError, text: error.description)
        #expect(
            connection.next(bytes.span, &at) == .close(error, send: RelayMessage.refused(refused).bytes))
        #expect(error.description == "the request in a message want is not valid")
    }

    // MARK: Fuzzing

    @Test("the fuzz entries survive control messages, as they are and mutated")
    func fuzz() {
        for seed in 1...1_000 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            var bytes = MessageType.control.shuffled(using: &random).flatMap { random.control($0).bytes }
            for _ in 0..<random.below(6) {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[at] ^= UInt8(1 << random.below(8))
                case 1: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random)!
                case 2: bytes.remove(at: at)
                default: bytes.insert(contentsOf: random.bytes(random.below(9)), at: at)
                }
            }
            // The first byte steers: the size of the pieces, and for a connection an honest hello before the input.
            let pieces = UInt8(random.below(32)) << 3
            fuzzRelayParser(([pieces] + bytes).span)
            fuzzRelayConnection(([pieces | 4] + bytes).span)
        }
    }
}
