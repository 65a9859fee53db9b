/// Who is let in over SRT, decided while the caller still waits for the answer to its handshake.
///
/// It is asked on a thread of the library's: it reads what all loops share, and says no to whatever is certain to fail,
/// because only now a reason can be given. What changes in between is decided once more by the session.
import Admission
import Configuration
import EventLoop
import Fanout
import SRT
import StreamID

struct SRTDoorman: Sendable {
    let state: NodeState

    func answer(_ call: SRTCall) -> SRTAnswer {
        do throws(SRTTurned) {
            return try admit(call)
        } catch {
            state.count(error: error.reason)
            state.log.write(
                .warning, "srt.refused",
                [
                    ("reason", error.text), ("code", "\(error.rejection.rawValue)"), ("stream_id", call.streamID),
                    ("address", "\(call.peer)"),
                ])
            return .reject(error.rejection)
        }
    }

    /// Of a call that the library itself refused, after the answer.
    func hear(_ refusal: SRTRefusal) {
        let reason = refusal.reason == .wrongPassphrase ? "srt_wrong_passphrase" : "srt_handshake"
        state.count(error: reason)
        state.log.write(
            .warning, "srt.refused",
            [
                ("reason", refusal.description), ("code", "\(refusal.reason.rawValue)"),
                ("stream_id", refusal.call?.streamID ?? ""), ("address", refusal.call.map { "\($0.peer)" } ?? ""),
            ])
    }

    private func admit(_ call: SRTCall) throws(SRTTurned) -> SRTAnswer {
        let request = try SRTDoorman.request(call.streamID)
        guard !state.isDraining else { throw SRTTurned(.down, "draining", "the node is on its way out") }
        if request.mode == .publish {
            try mayPublish(request, from: call.peer.host)
        } else {
            try mayPlay(request)
        }
        let settings = state.settings.of(app: request.name.app, stream: request.name.name)
        return .accept(
            passphrase: state.passphrases.of(settings.srt), keyLength: SRTKeyLength(settings.srt.keyLength),
            latency: settings.srt.latency)
    }

    private func mayPublish(_ request: SRTRequest, from host: String) throws(SRTTurned) {
        try checkRoom(request, .publisher)
        // Encoders with a rank may wait for one another.
        guard request.parameters["priority"] == nil, let owner = state.carriage.publisher(of: request.name) else {
            return
        }
        let isFree =
            switch state.settings.publish.takeover {
            case .always: true
            case .same: owner == host
            case .never: false
            }
        guard isFree else {
            throw SRTTurned(
                .conflict, "publish_refused",
                "\(request.name) is being published from \(owner); give both priority= if they are two encoders of one stream"
            )
        }
    }

    private func mayPlay(_ request: SRTRequest) throws(SRTTurned) {
        try checkRoom(request, .viewer)
        let settings = state.settings.of(app: request.name.app, stream: request.name.name)
        // Whoever has not said what it wants may be a publisher.
        guard request.mode == .play, settings.play.wait == 0, !state.hasParents,
            state.hub.find(request.name) == nil
        else { return }
        throw SRTTurned(
            .notFound, "srt_not_found", "nobody publishes \(request.name); publish it first, or let viewers play.wait")
    }

    private func checkRoom(_ request: SRTRequest, _ rank: Rank) throws(SRTTurned) {
        // A publisher that comes back takes its own place.
        if rank == .publisher, state.hub.find(request.name) != nil { return }
        switch state.gate.enter(rank, request.name, loop: 0) {
        case .success(let claim): state.gate.leave(claim)
        case .failure(let turned):
            throw SRTTurned(.overload, turned.short.label, "\(turned.text); raise that limit or send it elsewhere")
        }
    }

    /// What a stream id asks for.
    static func request(_ streamID: String) throws(SRTTurned) -> SRTRequest {
        let id: StreamID
        do throws(StreamIDError) { id = try StreamID(parsing: streamID, defaultApp: defaultApp) } catch {
            throw SRTTurned(SRTRejection(rawValue: error.rejectCode), "srt_bad_stream_id", error.description)
        }
        guard let name = StreamName(app: id.app, name: id.name) else {
            throw SRTTurned(
                .badRequest, "srt_bad_stream_id", "the stream's name is empty, too long or not printable; send app/name"
            )
        }
        guard id.mode != .bidirectional else {
            throw SRTTurned(.badMode, "srt_bad_mode", "m=bidirectional is not possible; send m=publish or m=request")
        }
        let mode: SRTRequest.Mode? = id.statesMode ? (id.mode == .publish ? .publish : .play) : nil
        var request = SRTRequest(name: name, mode: mode)
        request.user = id.user ?? ""
        request.parameters = id.parameters
        return request
    }

    /// Of a stream id that is a bare name.
    private static let defaultApp = "live"
}

/// What a caller over SRT wants.
struct SRTRequest: Sendable {
    enum Mode: Sendable {
        case publish, play
    }

    var name: StreamName
    /// nil where the stream id does not say: who sends is a publisher then.
    var mode: Mode?
    var user = ""
    var parameters: [String: String] = [:]

    init(name: StreamName, mode: Mode?) {
        self.name = name
        self.mode = mode
    }
}

struct SRTTurned: Error {
    let rejection: SRTRejection
    /// For the counters.
    let reason: String
    /// For the operator: what is wrong, and what to do.
    let text: String

    init(_ rejection: SRTRejection, _ reason: String, _ text: String) {
        self.rejection = rejection
        self.reason = reason
        self.text = text
    }
}

extension SRTKeyLength {
    init(_ length: Settings.SRT.KeyLength) {
        self =
            switch length {
            case .bits128: .aes128
            case .bits192: .aes192
            case .bits256: .aes256
            }
    }
}
