import Media

/// What a server session does when a client commands.
extension ServerSession {
    mutating func perform(_ command: Command) throws(RTMPError) {
        switch command.name {
        case "connect": try connect(command)
        case "createStream":
            answer(command, .number(Double(Self.mediaStream)))
        case "publish": try publish(command)
        case "play", "play2": try play(command)
        case "deleteStream", "closeStream": endStream()
        case "FCPublish":
            answer(command, .undefined)
            notify("onFCPublish", "NetStream.Publish.Start", command[1]?.string ?? "")
        case "FCUnpublish":
            notify("onFCUnpublish", "NetStream.Unpublish.Success", command[1]?.string ?? "")
            answer(command, .undefined)
            endStream()
        case "FCSubscribe":
            notify("onFCSubscribe", "NetStream.Play.Start", command[1]?.string ?? "")
            answer(command, .undefined)
        case "getStreamLength": answer(command, 0.0)
        case "pause", "pauseRaw": pause(command)
        case "seek":
            // A live stream has no other place to be at; Flash waits for the notification.
            status("NetStream.Seek.Notify", "Seeking is of no effect on a live stream.")
        case "receiveAudio": events.append(.receiveAudio(command[1]?.boolean ?? true))
        case "receiveVideo": events.append(.receiveVideo(command[1]?.boolean ?? true))
        case "_result", "_error", "onStatus": return
        default:
            // releaseStream, _checkbw, checkBandwidth, getMovLen and whatever else a client invents.
            if command.transaction > 0 { answer(command, .undefined) }
        }
    }

    // MARK: Connect

    private mutating func connect(_ command: Command) throws(RTMPError) {
        guard clientInfo == nil else { throw .unexpectedCommand(command.name) }
        guard let object = command[0]?.object else { throw .malformedCommand }
        let info = try ConnectInfo(object, limits: limits)
        clientInfo = info
        if let refusal = screen(info) { return turnAway(command, info, refusal) }
        wire.announceWindow(Self.window)
        var bandwidth: [UInt8] = []
        bandwidth.append(u32: Self.window)
        // Dynamic: the client may treat it as it likes (RTMP 1.0 §5.4.5).
        bandwidth.append(2)
        wire.send(MessageType.setPeerBandwidth, bandwidth)
        wire.announceChunkSize(Self.outboundChunkSize)
        let properties: AMFObject = [
            "fmsVer": "FMS/3,5,7,7009", "capabilities": 31.0, "mode": 1.0,
        ]
        var status: AMFObject = [
            "level": "status", "code": "NetConnection.Connect.Success", "description": "Connection succeeded.",
            "objectEncoding": .number(Double(info.objectEncoding)),
        ]
        info.addCapabilities(to: &status)
        wire.send(command: ["_result", .number(command.transaction), .object(properties), .object(status)])
        events.append(.connect(info))
    }

    /// The redirect is where Flash Media Server had it: code and address in `ex`.
    private mutating func turnAway(_ command: Command, _ info: ConnectInfo, _ refusal: ConnectRefusal) {
        var status: AMFObject = [
            "level": "error", "code": "NetConnection.Connect.Rejected", "description": .string(refusal.description),
        ]
        if let redirect = refusal.redirect {
            status.append("ex", .object(["code": 302.0, "redirect": .string(redirect)]))
        }
        wire.send(command: ["_error", .number(command.transaction), .null, .object(status)])
        wire.send(command: ["close", 0.0, .null])
        role = .closed
        events.append(.turnedAway(info, refusal))
    }

    // MARK: Publish and play

    private mutating func publish(_ command: Command) throws(RTMPError) {
        guard let info = clientInfo, case .idle = role else { throw .unexpectedCommand(command.name) }
        let (name, query) = try streamName(command[1]?.string, info)
        role = .publishRequested
        // The connection may have been a viewer's before.
        wire.reader.limits = publisherLimits
        let type = command[2]?.string ?? "live"
        events.append(.publish(PublishRequest(app: info.app, stream: name, query: query, type: type)))
    }

    private mutating func play(_ command: Command) throws(RTMPError) {
        guard let info = clientInfo else { throw .unexpectedCommand(command.name) }
        switch role {
        case .idle: break
        case .playing:
            // Another stream on the same connection, without closing the first: ends that one.
            events.append(.stop)
        default: throw .unexpectedCommand(command.name)
        }
        let wanted = command[1]?.object?["streamName"]?.string ?? command[1]?.string
        let (name, query) = try streamName(wanted, info)
        let reset = command[4]?.boolean ?? true
        role = .playRequested(reset: reset)
        events.append(
            .play(
                PlayRequest(
                    app: info.app, stream: name, query: query, start: command[2]?.number ?? -2,
                    duration: command[3]?.number ?? -1, reset: reset)))
    }

    private mutating func streamName(
        _ text: String?, _ info: ConnectInfo
    ) throws(RTMPError) -> (name: String, query: String) {
        guard let text else { throw .malformedCommand }
        guard text.utf8.count + info.app.utf8.count + info.query.utf8.count <= limits.maxName else {
            throw .nameTooLong(limit: limits.maxName)
        }
        let (name, query) = StreamName.split(text)
        guard StreamName.isValid(name), StreamName.isValid(info.app) else { throw .invalidName }
        streamName = name
        return (name, StreamName.join(query, info.query))
    }

    private mutating func endStream() {
        switch role {
        case .publishing, .publishRequested:
            events.append(.unpublish)
            status("NetStream.Unpublish.Success", "\(streamName) is no longer published.")
            role = .idle
        case .playing, .playRequested:
            events.append(.stop)
            role = .idle
        case .idle, .closed: return
        }
    }

    private mutating func pause(_ command: Command) {
        let paused = command[1]?.boolean ?? true
        events.append(.pause(paused))
        paused
            ? status("NetStream.Pause.Notify", "Paused.") : status("NetStream.Unpause.Notify", "Playing again.")
    }

    // MARK: Answers

    func command(_ name: String, _ values: AMFValue...) -> [AMFValue] { [.string(name), 0.0, .null] + values }

    mutating func status(_ code: String, _ description: String, level: String = "status") {
        wire.send(
            command: command("onStatus", .status(code, description, level: level)), stream: Self.mediaStream)
    }

    private mutating func answer(_ command: Command, _ value: AMFValue) {
        wire.send(command: ["_result", .number(command.transaction), .null, value])
    }

    private mutating func notify(_ name: String, _ code: String, _ description: String) {
        wire.send(command: command(name, .object(["code": .string(code), "description": .string(description)])))
    }
}
