import Media
import Testing

@testable import RTMP

@Suite struct ServerSessionTests {
    private let create = command("createStream", 4.0, .null)
    private func publish(_ name: String) -> [UInt8] { command("publish", 5.0, .null, .string(name), "live") }
    private func play(_ name: String) -> [UInt8] { command("play", 5.0, .null, .string(name), -2.0) }

    private func codes(_ answers: [[AMFValue]]) -> [String] {
        answers.compactMap { $0.last?.object?["code"]?.string }
    }

    @Test("a connect is answered with windows, a chunk size and a result")
    func connects() throws {
        var session = try ServerSession.fed(connect())
        guard case .connect(let info) = session.nextEvent() else {
            Issue.record("no connect")
            return
        }
        #expect(info.app == "live")
        let sent = try messages(Array(session.takeOutput().dropFirst(3073)))
        #expect(sent.map(\.type) == [5, 6, 20])
        #expect(session.clientInfo == info)
    }

    @Test(
        "the app comes from wherever the client put it",
        arguments: [
            (["app": "live"], "live", ""), (["app": "/live/"], "live", ""), (["app": "live?k=1"], "live", "k=1"),
            (["tcUrl": "rtmp://host:1935/a/b?k=2"], "a/b", "k=2"), (["app": "", "tcUrl": "rtmp://host/x"], "x", ""),
            (["app": "live", "tcUrl": "rtmp://host/live?k=3"], "live", "k=3"), (["tcUrl": "rtmp://host"], "", ""),
        ] as [(AMFObject, String, String)])
    func apps(object: AMFObject, app: String, query: String) throws {
        var session = try ServerSession.fed(connect(object))
        #expect(session.nextEvent() != nil)
        #expect(session.clientInfo?.app == app)
        #expect(session.clientInfo?.query == query)
    }

    @Test("an enhanced client learns what passes through")
    func enhanced() throws {
        let offer: AMFObject = [
            "app": "live", "fourCcList": .strictArray(["hvc1", "av01"]), "audioFourCcInfoMap": .object(["Opus": 7.0]),
            "capsEx": 15.0,
        ]
        var session = try ServerSession.fed(connect(offer))
        #expect(session.clientInfo?.fourCCs == ["hvc1", "av01", "Opus"])
        #expect(session.clientInfo?.capsEx == 15)
        let info = try session.answers(skipping: 3073).first?.last?.object
        #expect(info?["capsEx"] == 14.0)
        #expect(info?["fourCcList"]?.array?.contains("hvc1") == true)
        #expect(info?["videoFourCcList"] != nil && info?["audioFourCcInfoMap"]?.object?["Opus"] != nil)
        var plain = try ServerSession.fed(connect())
        #expect(try plain.answers(skipping: 3073).first?.last?.object?["fourCcList"] == nil)
    }

    @Test("an encoder publishes, sends, stops and publishes again")
    func publishes() throws {
        var session = try ServerSession.fed(
            connect(["app": "live?a=1"]) + command("releaseStream", 2.0, .null, "s")
                + command("FCPublish", 3.0, .null, "s") + create + publish("/s/t?b=2"))
        let events = session.drain()
        let request = PublishRequest(app: "live", stream: "s/t", query: "b=2&a=1", type: "live")
        #expect(events.last == .publish(request))
        let early = try session.answers(skipping: 3073)
        #expect(early.map { $0[0].string ?? "" } == ["_result", "_result", "_result", "onFCPublish", "_result"])
        #expect(early.last == ["_result", 4.0, .null, 1.0])
        session.acceptPublish()
        #expect(codes(try session.answers()) == ["NetStream.Publish.Start"])
        try session.feed(message(8, time: 20, [0xAF, 1]) + message(9, time: 21, []))
        #expect(session.drain() == [.media(MediaMessage(kind: .audio, timestamp: 20, payload: [0xAF, 1]))])
        try session.feed(command("FCUnpublish", 6.0, .null, "s") + command("deleteStream", 7.0, .null, 1.0))
        #expect(session.drain() == [.unpublish])
        #expect(codes(try session.answers()).contains("NetStream.Unpublish.Success"))
        try session.feed(message(8, [0xAF, 1]))
        #expect(session.drain() == [])
        try session.feed(publish("again"))
        #expect(session.drain().count == 1)
    }

    @Test("a viewer hears what it waits for, in order")
    func plays() throws {
        var session = try ServerSession.fed(connect() + create + play("s?x=1"))
        let request = PlayRequest(app: "live", stream: "s", query: "x=1", start: -2, duration: -1, reset: true)
        #expect(session.drain().last == .play(request))
        _ = session.takeOutput()
        session.acceptPlay()
        let sent = try session.answers()
        #expect(codes(sent) == ["NetStream.Play.Reset", "NetStream.Play.Start", "NetStream.Data.Start"])
        #expect(sent.contains(["|RtmpSampleAccess", true, true]))
        session.becomePlayer()
        try session.feed(
            command("pause", 0.0, .null, true, 0.0) + command("receiveVideo", 0.0, .null, false)
                + message(4, stream: 0, [0, 7, 0, 0, 0, 9]) + command("closeStream", 0.0, .null))
        #expect(session.drain() == [.pause(true), .receiveVideo(false), .pong(9), .stop])
    }

    @Test("refusals carry their codes")
    func refusals() throws {
        var session = try ServerSession.fed(connect() + publish("s"))
        _ = session.takeOutput()
        session.rejectPublish(code: "NetStream.Publish.BadName", description: "busy")
        #expect(codes(try session.answers()) == ["NetStream.Publish.BadName"])
        try session.feed(play("s"))
        session.rejectPlay(code: "NetStream.Play.StreamNotFound", description: "none")
        #expect(codes(try session.answers()) == ["NetStream.Play.StreamNotFound"])
        try session.feed(play("s"))
        session.acceptPlay()
        _ = session.takeOutput()
        session.endPlay(reason: .unpublished)
        #expect(codes(try session.answers()) == ["NetStream.Play.UnpublishNotify"])
    }

    @Test("a client is turned away before its next commands are answered, with the place where it may go")
    func turnedAway() throws {
        let refusal = ConnectRefusal(description: "full", redirect: "rtmp://b.example:1935/live")
        var asked: [ConnectInfo] = []
        var session = ServerSession(random: 1) {
            asked.append($0)
            return refusal
        }
        try session.feed(
            plainHandshake + connect(["app": "live", "type": "nonprivate"]) + command("createStream", 2.0, .null)
                + publish("s"))
        #expect(asked.map(\.publishes) == [true])
        #expect(session.drain() == [.turnedAway(asked[0], refusal)])
        let answers = try messages(Array(session.takeOutput().dropFirst(3073))).map {
            var reader = AMFReader($0.payload)
            return try reader.readAll()
        }
        #expect(answers.map { $0.first } == ["_error", "close"], "nothing behind it is answered")
        let status = answers[0][3].object
        #expect(status?["code"] == "NetConnection.Connect.Rejected" && status?["description"] == "full")
        #expect(status?["ex"]?.object?["code"] == 302.0)
        #expect(status?["ex"]?.object?["redirect"] == "rtmp://b.example:1935/live")
    }

    @Test("metadata reaches viewers without the words for the server, from AMF0 and AMF3 messages")
    func metadata() throws {
        let body = amf("onMetaData", .ecmaArray(["width": 1.0]))
        let marked = amf("@setDataFrame") + body
        var session = try ServerSession.fed(
            connect() + publish("s") + message(18, marked) + message(15, [0] + marked) + message(18, body)
                + message(18, amf("@clearDataFrame", "onMetaData")))
        let expected = ServerEvent.media(MediaMessage(kind: .script, timestamp: 0, payload: body))
        #expect(Array(session.drain().dropFirst(2)) == [expected, expected, expected])
    }

    @Test("an aggregate is split and its times are moved to the message's")
    func aggregate() throws {
        func tag(_ type: UInt8, _ time: UInt32, _ body: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = [type]
            bytes.append(u24: UInt32(body.count))
            bytes.append(u24: time & 0xFFFFFF)
            bytes.append(UInt8(time >> 24))
            bytes.append(u24: 0)
            bytes += body
            bytes.append(u32: UInt32(body.count + 11))
            return bytes
        }
        let whole = tag(8, 0x0100_0000, [1]) + tag(9, 0x0100_0028, [2, 3])
        var session = try ServerSession.fed(connect() + publish("s") + message(22, time: 500, whole))
        #expect(
            Array(session.drain().dropFirst(2)) == [
                .media(MediaMessage(kind: .audio, timestamp: 500, payload: [1])),
                .media(MediaMessage(kind: .video, timestamp: 540, payload: [2, 3])),
            ])
        #expect(throws: RTMPError.malformedAggregate) { try session.feed(message(22, Array(whole.prefix(11)))) }
    }

    @Test("AMF3 commands are understood")
    func amf3Command() throws {
        var session = try ServerSession.fed(
            connect(["app": "live", "objectEncoding": 3.0])
                + message(17, stream: 0, [0] + amf("publish", 5.0) + [0x11, 0x01, 0x11, 0x06, 0x03, 0x73]))
        #expect(session.clientInfo?.objectEncoding == 3)
        #expect(session.drain().last == .publish(PublishRequest(app: "live", stream: "s", query: "", type: "live")))
    }

    @Test("windows are acknowledged and pings answered")
    func acknowledges() throws {
        var window: [UInt8] = []
        window.append(u32: 500)
        var session = try ServerSession.fed(message(5, stream: 0, window) + message(4, stream: 0, [0, 6, 0, 0, 0, 3]))
        let sent = try messages(Array(session.takeOutput().dropFirst(3073)))
        #expect(sent.map(\.type) == [4, 3])
        #expect(sent.first?.payload == [0, 7, 0, 0, 0, 3])
        try session.feed(message(3, stream: 0, window))
        #expect(!session.hasOutput)
    }

    @Test("commands at the wrong time, floods and bad names end the session")
    func abuse() throws {
        #expect(throws: RTMPError.unexpectedCommand("publish")) { try ServerSession.fed(publish("s")) }
        #expect(throws: RTMPError.unexpectedCommand("connect")) { try ServerSession.fed(connect() + connect()) }
        #expect(throws: RTMPError.malformedCommand) { try ServerSession.fed(message(20, amf(1.0))) }
        #expect(throws: RTMPError.invalidName) { try ServerSession.fed(connect() + publish("/")) }
        #expect(throws: RTMPError.invalidName) { try ServerSession.fed(connect() + publish("a\nb")) }
        let long = String(repeating: "x", count: 2048)
        #expect(throws: RTMPError.nameTooLong(limit: 2048)) { try ServerSession.fed(connect() + publish(long)) }
        let flood = [[UInt8]](repeating: create, count: 64).flatMap(\.self)
        #expect(throws: RTMPError.tooManyCommands(limit: 64)) { try ServerSession.fed(connect() + flood) }
        var limits = Limits()
        limits.maxCommand = 10
        let size = amf("createStream", 4.0, .null).count
        #expect(throws: RTMPError.commandTooLarge(size: size, limit: 10)) {
            try ServerSession.fed(create, limits: limits)
        }
        let pings = [[UInt8]](repeating: message(4, stream: 0, [0, 6, 0, 0, 0, 3]), count: 70_000).flatMap(\.self)
        #expect(throws: RTMPError.outputNotRead(limit: 1 << 20)) { try ServerSession.fed(pings) }
    }

    @Test("a viewer may not send large messages")
    func playerLimits() throws {
        var session = try ServerSession.fed(connect() + play("s"))
        session.acceptPlay()
        session.becomePlayer()
        #expect(throws: RTMPError.messageTooLarge(announced: 65_537, limit: 65_536)) {
            try session.feed(header(0, 4, length: 65_537, type: 9))
        }
    }

    @Test("a viewer's session is small, and may publish later with a publisher's limits")
    func playerSize() throws {
        #expect(MemoryLayout<ServerSession>.size < 700)
        var session = try ServerSession.fed(connect(["app": "live", "tcUrl": "rtmp://h/live"]) + play("s"))
        _ = session.drain()
        session.acceptPlay()
        session.becomePlayer()
        #expect(session.clientInfo?.tcUrl == "")
        try session.feed(
            command("closeStream", 0.0, .null) + publish("s") + message(9, [UInt8](repeating: 1, count: 70_000)))
        #expect(session.drain().count == 3)
    }

    @Test("every split of the input gives the same events", arguments: 0..<40)
    func splits(seed: Int) throws {
        var size: [UInt8] = []
        size.append(u32: 1)
        let input =
            plainHandshake + connect() + create + publish("s") + message(18, amf("@setDataFrame", "onMetaData"))
            + message(9, time: 0x0100_0000, [UInt8](repeating: 0x17, count: 700)) + message(1, stream: 0, size)
            + message(9, time: 0x0100_0010, [UInt8](repeating: 0x27, count: 90), chunkSize: 1)
            + message(8, time: 5, [1, 2, 3], chunkSize: 1)
        var whole = ServerSession(random: 1)
        try whole.feed(input)
        let expected = whole.drain()
        #expect(expected.count == 6)
        var session = ServerSession(random: 1)
        var random = Random(seed: UInt64(seed))
        var events: [ServerEvent] = []
        var at = 0
        while at < input.count {
            let end = seed == 0 ? at + 1 : min(input.count, at + 1 + random.below(seed * 5))
            try session.feed(Array(input[at..<end]))
            events += session.drain()
            at = end
        }
        #expect(events == expected)
    }
}
