import Media
import Testing

@testable import RelayProtocol

struct ControlMessageTests {
    private let name = RelayStreamName(app: "live", name: "cam")!

    /// What reading says to a message's body after `change`; long enough never to be truncated.
    private func refusal(of message: RelayMessage, _ change: (inout [UInt8]) -> Void) -> RelayError? {
        var body = Array(message.bytes[10...])
        change(&body)
        return failure(raw(message.type.rawValue, body + [UInt8](repeating: 0x61, count: 600)))
    }

    // MARK: The wire

    @Test("every message of the control link has its number, from 128 on, and its bytes in their places")
    func layout() {
        #expect(MessageType.control.map(\.rawValue) == Array(128...137))
        let register = Register(
            roles: [.ingest, .edge], relays: ["a:1", "c:3"], dials: [.tcp, .srt], http: "b:2", isDraining: true)
        let load = Load(
            kilobitsOut: 1, kilobitsIn: 2, sessions: 3, cpuPermille: 1_000, fullPermille: 801,
            links: [LinkMeasure(node: node("n"), roundTripMicroseconds: 256, lossPerMillion: 1_000_000)])
        let carry = Carry(
            isWhole: true,
            streams: [
                Carried(name: name, epoch: 5, role: .publisher(priority: 7), viewers: 8, kilobits: 9),
                Carried(name: name, epoch: 0, role: .child(of: node("n")), isWanted: false),
            ])
        let place = RelayPlace(node: node("n"), address: "h:1")!
        let steer = Steer(request: 3, name: name, parents: [SteerParent(place: place, path: path("m", "n"))], why: "w")
        let nameBytes: [UInt8] = [0, 4, 0x6c, 0x69, 0x76, 0x65, 0, 3, 0x63, 0x61, 0x6d]
        let expected: [(RelayMessage, [UInt8])] = [
            (
                .register(register),
                [5, 1, 0, 3, 0x61, 0x3a, 0x31, 0, 0, 0, 3, 0x62, 0x3a, 0x32, 5, 1, 0, 3, 0x63, 0x3a, 0x33]
            ),
            (
                .load(load),
                [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 3, 0xe8, 3, 0x21, 0, 1, 0, 0, 1, 0, 0, 0x0f, 0x42, 0x40, 1, 0x6e]
            ),
            (
                .carry(carry),
                [1, 2] + nameBytes + [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 9, 1, 1, 0, 7] + nameBytes
                    + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0x6e]
            ),
            (.want(Want(request: 2, name: name, failed: [node("n")])), [0, 0, 0, 2] + nameBytes + [1, 1, 0x6e]),
            (.unwant(name), nameBytes),
            (
                .steer(steer),
                [0, 0, 0, 3] + nameBytes
                    + [1, 1, 0x6e, 0, 3, 0x68, 0x3a, 0x31, 2, 1, 0x6d, 1, 0x6e, 0, 1, 0x77]
            ),
            (
                .room(
                    Room(
                        retrySeconds: 7, places: [Room.Place(node: node("n"), roles: .edge, rtmp: "", http: "h:1")])),
                [0, 7, 1, 1, 0x6e, 4, 0, 0, 0, 3, 0x68, 0x3a, 0x31]
            ),
            (
                .raise(name, from: 5, to: 6),
                nameBytes + [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6]
            ),
            (
                .allow(allow),
                [0, 0, 0, 9, 3, 0, 1, 0x61, 0, 0, 0, 0, 1, 0x61, 0, 1, 0x62, 16, 0, 1, 0x61, 0, 1, 0x62, 0x0d]
                    + [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6]
            ),
            (
                .used(used),
                [0, 0, 0, 9, 1, 0, 1, 0x61, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9]
            ),
        ]
        for (message, body) in expected { #expect(message.bytes == raw(message.type.rawValue, body)) }
    }

    @Test("every control message reads as it was written", arguments: MessageType.control)
    func roundTrip(_ type: MessageType) throws {
        for seed in 1...1_000 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            let message = random.control(type)
            #expect(message.type == type && message.stream == 0)
            #expect(try messages(message.bytes) == [message], "seed \(seed)")
        }
    }

    @Test(
        "every cut of a control message is an error; what follows its last field is not", arguments: MessageType.control
    )
    func truncated(_ type: MessageType) throws {
        for seed in 1...25 as ClosedRange<UInt64> {
            var random = Random(seed: seed)
            let message = random.control(type)
            let body = Array(message.bytes[10...])
            for count in body.indices where Array(body[..<count]) != message.firstVersion {
                let error = failure(raw(type.rawValue, Array(body[..<count])))
                guard error == .truncated(message: type) else {
                    Issue.record("seed \(seed): \(count) of \(body.count) bytes give \(String(describing: error))")
                    return
                }
            }
            #expect(try messages(raw(type.rawValue, body + random.bytes(20))) == [message], "seed \(seed)")
        }
    }

    @Test("an old peer passes over every control message, however it is cut")
    func oldPeer() throws {
        let ping = RelayMessage.ping(Ping(token: 1, clock: 2))
        var bytes: [UInt8] = []
        for (index, type) in MessageType.control.enumerated() {
            var random = Random(seed: 9)
            // To this parser 200 and its neighbours are what 128 and its are to one from before them.
            var message = random.control(type).bytes
            message[4] = UInt8(200 + index)
            bytes += message
        }
        bytes += ping.bytes
        for cut in 0...bytes.count {
            #expect(try events(bytes, cuts: [cut]) == [.message(ping)], "cut at \(cut)")
        }
    }

    // MARK: Limits

    @Test("a wrong value is refused wherever it stands")
    func values() {
        func bad(_ type: MessageType, _ field: String) -> RelayError { .badField(message: type, field: field) }
        let register = RelayMessage.register(Register(roles: .relay, relays: ["a:1", "b:2"]))
        #expect(refusal(of: register) { _ in } == nil)
        // The first address ends at 7, those of RTMP and HTTP at 9 and 11; what the node dials stands there.
        #expect(refusal(of: register) { $0[11] = 0xff } == nil, "unknown transports are kept")
        #expect(refusal(of: register) { $0[12] = 8 } == bad(.register, "number of relay addresses"))
        #expect(refusal(of: register) { $0[13...14] = [0, 0] } == bad(.register, "address"))
        #expect(
            refusal(of: register) { $0.replaceSubrange(2..<7, with: [0, 0]) } == bad(.register, "first relay address"))
        #expect(refusal(of: register) { $0[0] = 0xff } == nil, "unknown roles are kept")
        #expect(refusal(of: register) { $0[1] = 2 } == bad(.register, "mark of draining"))
        #expect(refusal(of: register) { $0[2] = 2 } == bad(.register, "length of the address"))
        for byte in [0, 0x20, 0x7f, 0xff] as [UInt8] {
            #expect(refusal(of: register) { $0[4] = byte } == bad(.register, "address"))
        }

        let load = RelayMessage.load(
            Load(
                kilobitsOut: 1, kilobitsIn: 2, sessions: 3, cpuPermille: 1_000,
                links: [LinkMeasure(node: node("n"), roundTripMicroseconds: 4, lossPerMillion: 1_000_000)]))
        #expect(refusal(of: load) { _ in } == nil)
        #expect(refusal(of: load) { $0[13] += 1 } == bad(.load, "share of the processors"))
        #expect(refusal(of: load) { $0[14] = 4 } == bad(.load, "share of the limits"))
        #expect(refusal(of: load) { $0[16...17] = [1, 1] } == bad(.load, "number of links"))
        #expect(refusal(of: load) { $0[25] += 1 } == bad(.load, "loss"))
        #expect(refusal(of: load) { $0[26] = 0 } == bad(.load, "node id"))
        #expect(refusal(of: load) { $0[26] = 65 } == bad(.load, "length of the node id"))

        let carry = RelayMessage.carry(
            Carry(isWhole: false, streams: [Carried(name: name, epoch: 1, role: .publisher(priority: 1))]))
        #expect(refusal(of: carry) { _ in } == nil)
        #expect(refusal(of: carry) { $0[0] = 2 } == bad(.carry, "mark of a whole list"))
        #expect(refusal(of: carry) { $0[1] = 65 } == bad(.carry, "number of streams"))
        #expect(refusal(of: carry) { $0[4] = 0 } == bad(.carry, "stream name"))
        // Two bytes, eleven of the name, eight of the epoch, eight of figures, and the mark.
        #expect(refusal(of: carry) { $0[20] = 0 } == bad(.carry, "epoch"))
        #expect(refusal(of: carry) { $0[13] = 0x80 } == bad(.carry, "epoch"))
        #expect(refusal(of: carry) { $0[29] = 2 } == bad(.carry, "mark of being wanted"))
        #expect(refusal(of: carry) { $0[30] = 4 } == bad(.carry, "role"))
        for role in [0, 3] as [UInt8] { #expect(refusal(of: carry) { ($0[20], $0[30]) = (0, role) } == nil) }
        #expect(refusal(of: carry) { ($0[13], $0[30]) = (0x80, 0) } == bad(.carry, "epoch"))

        let want = RelayMessage.want(Want(request: 1, name: name, failed: [node("n")]))
        #expect(refusal(of: want) { _ in } == nil)
        #expect(refusal(of: want) { $0[3] = 0 } == bad(.want, "request"))
        #expect(refusal(of: want) { $0[15] = 9 } == bad(.want, "number of failed parents"))
        #expect(refusal(of: want) { $0[17] = 0x20 } == bad(.want, "node id"))
        #expect(refusal(of: .unwant(name)) { $0[0] = 2 } == bad(.unwant, "length of the application name"))
        #expect(refusal(of: .unwant(name)) { $0[8] = 0x1f } == bad(.unwant, "stream name"))

        let place = Room.Place(node: node("n"), roles: .edge, rtmp: "", http: "h:1")
        let room = RelayMessage.room(Room(retrySeconds: 7, places: [place]))
        #expect(refusal(of: room) { _ in } == nil)
        #expect(refusal(of: room) { $0[2] = 9 } == bad(.room, "number of places"))
        #expect(refusal(of: room) { $0[4] = 0x20 } == bad(.room, "node id"))
        #expect(refusal(of: room) { $0[10] = 0x20 } == bad(.room, "address"))
        #expect(refusal(of: .allow(allow)) { _ in } == nil)
        #expect(refusal(of: .allow(allow)) { $0[4] = 65 } == bad(.allow, "number of quotas"))
        #expect(refusal(of: .allow(allow)) { $0[7] = 0x1f } == bad(.allow, "name of a quota"))
        #expect(refusal(of: .allow(allow)) { $0[10] = 24 } == bad(.allow, "order about a quota"))
        #expect(refusal(of: .used(used)) { $0[7] = 0x1f } == bad(.used, "name of a quota"))
        let raise = RelayMessage.raise(name, from: 5, to: 6)
        #expect(refusal(of: raise) { _ in } == nil)
        #expect(refusal(of: raise) { $0[18] = 6 } == bad(.raise, "epoch"), "an epoch only rises")
        #expect(refusal(of: raise) { $0[11] = 0x80 } == bad(.raise, "epoch"))
    }

    @Test("a parent's path that does not end with it, is a loop or too long is refused")
    func steerValues() {
        let place = RelayPlace(node: node("n"), address: "h:1")!
        let steer = RelayMessage.steer(
            Steer(request: 0, name: name, parents: [SteerParent(place: place, path: path("m", "n"))], why: "why"))
        func bad(_ field: String) -> RelayError { .badField(message: .steer, field: field) }
        #expect(refusal(of: steer) { _ in } == nil)
        #expect(refusal(of: steer) { $0[15] = 9 } == bad("number of parents"))
        // The id is at 16, the address from 18 to 22, the path at 23.
        #expect(refusal(of: steer) { $0[17] = 0x6f } == bad("end of a parent's path"))
        #expect(refusal(of: steer) { $0[20] = 0x20 } == bad("address"))
        #expect(refusal(of: steer) { $0.replaceSubrange(18..<23, with: [0, 0]) } == bad("address"))
        #expect(refusal(of: steer) { $0[23] = 0 } == bad("path"))
        #expect(refusal(of: steer) { $0[23] = 9 } == .pathTooLong(limit: 8))
        #expect(refusal(of: steer) { $0[25] = 0x6e } == .pathLoop(node: node("n"), path: "n > n"))
        #expect(refusal(of: steer) { $0[28] = 3 } == bad("length of the text"))
        #expect(refusal(of: steer) { $0[30] = 0xff } == bad("text"))
    }

    private var allow: Allow {
        func amount(_ first: UInt32) -> AllowedQuota.Amount { .init(limit: first, used: first + 1, hard: first + 2) }
        let (app, stream) = (QuotaName(app: "a")!, QuotaName(app: "a", stream: "b")!)
        return Allow(
            serial: 9,
            quotas: [
                AllowedQuota(name: app, order: .tell), AllowedQuota(name: stream, order: .forget),
                AllowedQuota(name: stream, order: .keep(viewers: amount(1), kilobits: nil, publishers: amount(4))),
            ])
    }

    private var used: Used {
        Used(serial: 9, quotas: [UsedQuota(name: QuotaName(app: "a")!, viewers: 7, kilobits: 8, publishers: 9)])
    }

    @Test("a long list of quotas goes in several messages, of which the last confirms")
    func quotaLists() throws {
        let names = (0..<200).map { QuotaName(app: longestName.app, stream: longestName.name.dropLast(3) + "\($0)")! }
        let amount = AllowedQuota.Amount(limit: 1, used: 2, hard: 3)
        let quotas = names.map {
            AllowedQuota(name: $0, order: .keep(viewers: amount, kilobits: amount, publishers: amount))
        }
        let parts = Allow.messages(quotas, serial: 7)
        let read = try parts.flatMap { try messages($0.bytes) }.map { message -> Allow in
            guard case .allow(let allow) = message else { throw RelayError.truncated(message: .allow) }
            return allow
        }
        #expect(read.flatMap(\.quotas) == quotas && read.count > 1)
        #expect(read.dropLast().allSatisfy { $0.serial == 0 } && read.last?.serial == 7)
        let short = (0..<65).map { UsedQuota(name: QuotaName(app: "\($0)")!, viewers: 0, kilobits: 0, publishers: 0) }
        #expect(Used.messages(short, serial: 7).count == 2)
        #expect(Used.messages([], serial: 7) == [.used(Used(serial: 7, quotas: []))], "to confirm")
    }

    @Test("addresses are none, or what a place takes")
    func addresses() {
        for address in ["", "h:1", "[2001:db8::1]:1935", longestAddress] { #expect(Register.allows(address)) }
        for address in [" ", "a b", "h:1\n", "ä:1", longestAddress + "h"] { #expect(!Register.allows(address)) }
    }

    @Test("what is beyond a limit is cut when it is written, and the largest messages fit")
    func cut() throws {
        let place = RelayPlace(node: longestNode, address: longestAddress)!
        let parent = SteerParent(place: place, path: longestPath(to: longestNode))
        func steer(_ parents: Int, _ text: Int) -> RelayMessage {
            .steer(
                Steer(
                    request: 1, name: longestName, parents: Array(repeating: parent, count: parents),
                    why: String(repeating: "w", count: text)))
        }
        #expect(try messages(steer(9, 513).bytes) == [steer(8, 512)])
        func want(_ count: Int) -> RelayMessage {
            .want(Want(request: 1, name: longestName, failed: (1...count).map { node("n\($0)") }))
        }
        #expect(try messages(want(9).bytes) == [want(8)])
        func load(_ id: NodeID, links: Int, cpu: UInt16 = 1_000, loss: UInt32 = 1_000_000) -> RelayMessage {
            let link = LinkMeasure(node: id, roundTripMicroseconds: 1, lossPerMillion: loss)
            return .load(
                Load(
                    kilobitsOut: .max, kilobitsIn: .max, sessions: .max, cpuPermille: cpu,
                    links: Array(repeating: link, count: links)))
        }
        #expect(try messages(load(node("n"), links: 257, cpu: .max, loss: .max).bytes) == [load(node("n"), links: 256)])
        // Of the longest ids, 73 bytes a link, fewer fit behind the first 16 bytes.
        let room = (RelayLimits.controlBody - 16) / 73
        #expect(try messages(load(longestNode, links: 256).bytes) == [load(longestNode, links: room)])
        let register = RelayMessage.register(
            Register(
                roles: [], relays: Array(repeating: longestAddress, count: Register.relayLimit), rtmp: longestAddress,
                http: longestAddress))
        #expect(try messages(register.bytes) == [register])
    }

    @Test("a node that registers one address as the first version did is read, and taken to dial everything")
    func oldRegister() throws {
        let old: [UInt8] = [5, 0, 0, 3, 0x61, 0x3a, 0x31, 0, 0, 0, 3, 0x62, 0x3a, 0x32]
        let register = Register(roles: [.ingest, .edge], relays: ["a:1"], dials: .all, http: "b:2")
        #expect(try messages(raw(MessageType.register.rawValue, old)) == [.register(register)])
        let none: [UInt8] = [5, 0, 0, 0, 0, 0, 0, 0]
        #expect(
            try messages(raw(MessageType.register.rawValue, none)) == [.register(Register(roles: [.ingest, .edge]))])
        // To who reads the first version, the message begins as it always has.
        let new = Register(roles: [.ingest, .edge], relays: ["a:1", "srt://a:2"], dials: [.tcp], http: "b:2")
        #expect(Array(RelayMessage.register(new).bytes[10...].prefix(old.count)) == old)
    }

    @Test("a reason for operators loses control characters when it is read")
    func why() throws {
        func steer(_ why: String) -> RelayMessage { .steer(Steer(request: 1, name: name, parents: [], why: why)) }
        #expect(try messages(steer("nobody\n2026 error\u{1b}[2J").bytes) == [steer("nobody2026 error[2J")])
    }
}
