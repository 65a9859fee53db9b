/// One connected client, whatever it speaks: its identity, its place in the stats, and what every protocol's session
/// does alike: play a stream, publish one, end.
///
/// It lives on the loop that accepted it, and in its worker's table until `end`. Publishing is in an extension.
import Admission
import Configuration
import EventLoop
import Fanout
import Operations
import RTMP

class Session {
    enum Role: String {
        case none, publish, play, api, relay
    }

    /// What carries it: a TCP connection, an SRT socket.
    let carrier: any Carrier
    unowned let worker: Worker
    let number: UInt64
    let since: UInt64
    var role = Role.none
    var name: StreamName?
    var tracks = WireKind.Tracks.all
    /// The stream that it publishes, once that is granted.
    var stream: Stream?
    /// A publish request that the stream's home has not answered yet.
    var isClaiming = false
    /// Of two encoders of one stream.
    var priority: UInt16 = 0
    private(set) var isEnded = false
    private var wait: StreamWait?
    /// What the session takes of the node's room while it plays or publishes.
    private var claim: Claim?
    private var viewerBytes: UInt64 = 0

    init(over carrier: any Carrier, worker: Worker, number: UInt64) {
        self.carrier = carrier
        self.worker = worker
        self.number = number
        since = worker.loop.now
    }

    var state: NodeState { worker.state }
    var loop: Loop { worker.loop }
    var id: String { "\(protocolName.prefix(1))\(worker.loop.index)-\(String(number, radix: 36))" }

    // MARK: What a protocol says of itself

    /// As it stands in the stats, such as `http-flv`.
    var protocolName: String { preconditionFailure("each protocol has a name") }
    var agent: String { "" }
    /// The nodes that a stream has come through which it publishes, where they say so.
    var via: Via { Via() }
    /// Called about twice a second.
    func housekeep(now: UInt64) {}
    /// The wanted stream is here: say so to the client; the viewer is attached next.
    func playStarts() {}
    func playIsMissing() {}
    /// There is no room for it.
    func playIsRefused(_ turned: Turned) {}
    func playEnded(_ reason: ViewerEnd) { end(reason == .streamEnded ? "stream ended" : "\(reason)") }
    /// The stream is its own to publish: media may come.
    func publishStarts() {}
    func publishIsRefused(_ refusal: PublishTurned) { end("publish refused") }
    /// Another session publishes the stream from now on.
    func publishIsTaken(by session: String) { kick("replaced by \(session)") }
    /// Makes what stands for this session among the stream's viewers; `show` puts it there.
    func prepareView(_ ended: @escaping (ViewerEnd) -> Void) {}
    func show(_ handle: StreamHandle, _ kind: WireKind) {}
    func leaveView() {}
    var viewStats: ViewerStats { ViewerStats() }
    /// What only some protocols have to report.
    func complete(_ report: inout SessionReport) {}
    /// The connection is about to close.
    func willEnd() { unpublish("session ended") }
    /// An operator, or the shutdown, ends the session.
    func kick(_ reason: String) { end(reason) }

    // MARK: Playing

    /// Shows `name` to the client as soon as it exists, for at most `play.wait` from now.
    func play(_ name: StreamName, _ kind: WireKind) {
        role = .play
        self.name = name
        tracks = kind.tracks
        guard claim != nil || claim(.viewer, name) else { return }
        seek(name) { [unowned self] handle in
            if let handle { start(handle, kind) } else { missing() }
        }
    }

    /// Finds the stream, or waits for it. `then` is not called when the session ends or stops playing in the meantime.
    private func seek(_ name: StreamName, _ then: @escaping (StreamHandle?) -> Void) {
        let wait = StreamWait(name, worker, then)
        self.wait = wait
        wait.begin()
    }

    private func start(_ handle: StreamHandle, _ kind: WireKind) {
        state.log.write(
            .info, "play.start", session: id,
            [
                ("stream", "\(handle.name)"), ("protocol", protocolName), ("address", "\(carrier.peer)"),
                ("agent", agent),
            ])
        prepareView { [unowned self] reason in viewerEnded(reason) }
        playStarts()
        guard !isEnded else { return }
        show(handle, kind)
    }

    private func missing() {
        state.log.write(
            .info, "play.missing", session: id,
            [
                ("stream", name.map { "\($0)" } ?? ""), ("address", "\(carrier.peer)"),
            ])
        playIsMissing()
    }

    private func viewerEnded(_ reason: ViewerEnd) {
        if reason == .stalled { state.count(error: "viewer_stalled") }
        playEnded(reason)
    }

    /// Leaves the stream; the connection may go on. Who comes back at once keeps its place.
    func stopPlaying(comesBack: Bool = false) {
        if !comesBack, role == .play { giveClaimBack() }
        wait?.stop()
        wait = nil
        viewerBytes += viewStats.bytesOut
        leaveView()
    }

    // MARK: Room

    /// The settings in force for the session's stream.
    var settings: Settings { name.map { state.settings.of(app: $0.app, stream: $0.name) } ?? state.settings }

    /// Takes a place of `rank`, or says to the client that there is none.
    private func claim(_ rank: Rank, _ name: StreamName) -> Bool {
        switch state.gate.enter(rank, name, on: loop) {
        case .success(let claim): self.claim = claim
        case .failure(let turned):
            logTurned(turned)
            playIsRefused(turned)
        }
        return claim != nil
    }

    /// A publisher's place; `turned` is told when there is none.
    func claimToPublish(_ name: StreamName, _ refused: (Turned) -> Void) -> Bool {
        giveClaimBack()
        if state.hub.find(name) != nil {
            claim = state.gate.replace(name)
            return true
        }
        switch state.gate.enter(.publisher, name, on: loop) {
        case .success(let claim): self.claim = claim
        case .failure(let turned): refused(turned)
        }
        return claim != nil
    }

    func giveClaimBack() {
        claim.map(state.gate.leave)
        claim = nil
    }

    func logTurned(_ turned: Turned) {
        state.count(error: turned.short.label)
        state.log.write(
            .warning, "session.turned_away", session: id,
            [
                ("reason", "\(turned.short)"), ("stream", name.map { "\($0)" } ?? ""),
                ("address", "\(carrier.peer)"),
            ])
    }

    // MARK: Life

    func tick(now: UInt64) {
        wait?.tick(now: now)
        if !isEnded { housekeep(now: now) }
    }

    /// The peer did what it must not: its session ends with the reason in the log and in a counter.
    func fail(_ reason: String, _ explanation: String) {
        guard !isEnded else { return }
        state.count(error: reason)
        state.log.write(
            .warning, "session.error", session: id,
            [
                ("reason", reason), ("detail", explanation), ("protocol", protocolName),
                ("address", "\(carrier.peer)"),
            ])
        end(reason)
    }

    func end(_ reason: String) {
        guard !isEnded else { return }
        isEnded = true
        let lasted = loop.now - since
        willEnd()
        stopPlaying()
        giveClaimBack()
        state.log.write(
            role == .none || role == .api ? .debug : .info, "session.end", session: id,
            [
                ("reason", reason), ("role", role.rawValue), ("stream", name.map { "\($0)" } ?? ""),
                ("seconds", "\(lasted / 1000)"), ("bytes_in", "\(carrier.bytesIn)"), ("bytes_out", "\(bytesOut)"),
            ])
        carrier.finish()
        worker.forget(self)
    }

    var bytesOut: UInt64 { carrier.bytesOut + viewerBytes + viewStats.bytesOut }

    var report: SessionReport {
        let stats = viewStats
        var report = SessionReport(
            id: id, protocol: protocolName, role: role.rawValue, app: name?.app ?? "", stream: name?.name ?? "",
            address: "\(carrier.peer)", agent: agent, since: Double(loop.now - since) / 1000,
            bytesIn: carrier.bytesIn, bytesOut: bytesOut, lagBytes: stats.lagBytes,
            lagMilliseconds: UInt64(max(0, stats.lagMilliseconds)), skips: stats.skips, track: tracks.rawValue)
        complete(&report)
        return report
    }
}

/// Remembers an object without keeping it.
struct Weak<Object: AnyObject> {
    private(set) weak var object: Object?
    init(_ object: Object) { self.object = object }
}
