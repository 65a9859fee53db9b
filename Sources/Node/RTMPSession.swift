/// An RTMP client: a publisher, a player, or one who has not said yet.
import EventLoop
import Fanout
import RTMP

final class RTMPSession: WireSession {
    private var machine: ServerSession
    private var paused = false

    override init(_ connection: Connection, worker: Worker, number: UInt64) {
        var limits = Limits()
        limits.maxMessage = worker.state.settings.rtmp.maxMessage
        machine = ServerSession(
            limits: limits, random: Clock.monotonicNanoseconds &* 0x9E37_79B9_7F4A_7C15 ^ number,
            screen: { [unowned worker] in worker.refusal(of: $0) })
        super.init(connection, worker: worker, number: number)
    }

    override var protocolName: String { "rtmp" }
    override var agent: String { machine.clientInfo?.flashVer ?? "" }
    override var via: Via { machine.clientInfo?.via ?? Via() }

    // MARK: Input

    override func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        do {
            // Sound: the bytes stay where they are for the length of this call.
            try machine.receive(Span(_unsafeElements: bytes))
            try drain()
        } catch let error as RTMPError {
            flushOutput()
            fail(error.reason, error.description)
        } catch {
            fail("rtmp_bad_media", "\(error)")
        }
    }

    private func drain() throws {
        while !isClaiming, !isEnded, let event = machine.nextEvent() { try handle(event) }
        flushOutput()
        stream?.flushIfDue()
    }

    private func flushOutput() {
        guard machine.hasOutput, !isEnded else { return }
        send(machine.takeOutput())
    }

    private func handle(_ event: ServerEvent) throws {
        switch event {
        case .media(let message):
            // Media of a session that was refused, or replaced, goes nowhere.
            try stream?.append(message.kind, timestamp: message.timestamp, body: message.payload)
        case .connect(let info):
            state.log.write(.debug, "rtmp.connect", session: id, [("app", info.app), ("agent", info.flashVer)])
        case .turnedAway(let info, let refusal):
            state.log.write(
                .warning, "session.turned_away", session: id,
                [("reason", refusal.description), ("app", info.app), ("address", "\(connection.peer)")])
            flushOutput()
            end("turned away")
        case .publish(let request): publish(request)
        case .play(let request): play(request)
        case .unpublish: unpublish("unpublished")
        case .stop: stopPlaying()
        case .pause(let isPaused): pause(isPaused)
        case .receiveAudio(let wanted): choose(audio: wanted, video: tracks != .audio)
        case .receiveVideo(let wanted): choose(audio: tracks != .video, video: wanted)
        case .pong: break
        }
    }

    // MARK: Publishing

    private func publish(_ request: PublishRequest) {
        guard let name = StreamName(app: request.app, name: request.stream) else {
            return refusePublish(.unusable("the stream's name is empty, too long or not printable"))
        }
        guard !via.contains(state.mark) else {
            self.name = name
            state.count(error: "publish_loop")
            return refusePublish(
                .unusable("the stream has come through this node before: it is pushed round in a circle"))
        }
        publish(name, priority: request.parameter("priority").map { String($0) })
        // What follows waits for the answer.
        if isClaiming { connection.pauseReading(true) }
    }

    override func publishStarts() {
        machine.acceptPublish()
        goOn()
    }

    override func publishIsRefused(_ refusal: PublishTurned) {
        let code = if case .full = refusal { "NetStream.Publish.Rejected" } else { "NetStream.Publish.BadName" }
        machine.rejectPublish(code: code, description: refusal.text)
        flushOutput()
        end("publish refused")
    }

    private func goOn() {
        connection.pauseReading(false)
        do { try drain() } catch { fail("rtmp_bad_media", "\(error)") }
    }

    // MARK: Playing

    private func play(_ request: PlayRequest) {
        guard let name = StreamName(app: request.app, name: request.stream) else {
            machine.rejectPlay(code: "NetStream.Play.StreamNotFound", description: "the stream's name is not usable")
            flushOutput()
            return end("bad stream name")
        }
        play(name, WireKind(.rtmp))
    }

    override func playStarts() {
        machine.acceptPlay()
        machine.becomePlayer()
        flushOutput()
    }

    override func playIsMissing() {
        machine.rejectPlay(
            code: "NetStream.Play.StreamNotFound", description: "nobody publishes \(name.map { "\($0)" } ?? "that")")
        flushOutput()
        end("stream not found")
    }

    override func playIsRefused(_ turned: Turned) {
        machine.rejectPlay(code: "NetStream.Play.Failed", description: turned.text)
        flushOutput()
        end("turned away")
    }

    override func playEnded(_ reason: ViewerEnd) {
        if reason != .connectionFailed, reason != .stalled {
            machine.endPlay(reason: reason == .streamEnded ? .unpublished : .stopped)
            if machine.hasOutput { connection.write(machine.takeOutput()) }
        }
        super.playEnded(reason)
    }

    private func pause(_ isPaused: Bool) {
        guard role == .play, isPaused != paused else { return }
        paused = isPaused
        reattach(tracks)
    }

    private func choose(audio: Bool, video: Bool) {
        guard role == .play, audio || video else { return }
        let wanted: WireKind.Tracks = audio && video ? .all : audio ? .audio : .video
        if wanted != tracks { reattach(wanted) }
    }

    /// Once the viewer stands between two frames: a frame that has begun must be finished before its log is left.
    private func reattach(_ wanted: WireKind.Tracks) {
        tracks = wanted
        let leaveAndReturn = { [unowned self] in
            stopPlaying(comesBack: true)
            resumePlaying()
        }
        if let viewer { viewer.atBoundary(leaveAndReturn) } else { leaveAndReturn() }
    }

    private func resumePlaying() {
        guard !paused, let name else { return }
        play(name, WireKind(.rtmp, tracks))
    }

    // MARK: Life

    override func housekeep(now: UInt64) {
        if !machine.handshakeDone, now - since > UInt64(state.settings.rtmp.handshakeTimeout) {
            return fail("rtmp_handshake_timeout", "the handshake was not completed in rtmp.handshake_timeout")
        }
        if role == .none, now - connection.lastReceived > UInt64(state.settings.publish.idleTimeout) {
            return fail("rtmp_idle", "neither published nor played anything in publish.idle_timeout")
        }
        if role == .publish, !isClaiming, now - connection.lastReceived > UInt64(settings.publish.idleTimeout) {
            fail("publish_idle", "the publisher sent nothing for publish.idle_timeout")
        }
    }

    override func kick(_ reason: String) {
        machine.kick(description: reason)
        flushOutput()
        super.kick(reason)
    }
}

extension Worker {
    /// Clients say at `connect` whether they publish, and can only then be sent elsewhere.
    fileprivate func refusal(of client: ConnectInfo) -> ConnectRefusal? {
        guard let turned = state.gate.isClosed(to: client.publishes ? .publisher : .viewer, on: loop) else {
            return nil
        }
        state.count(error: turned.short.label)
        let query = client.query.isEmpty ? "" : "?\(client.query)"
        return ConnectRefusal(
            description: turned.text, redirect: turned.rtmp.map { "rtmp://\($0)/\(client.app)\(query)" })
    }
}
