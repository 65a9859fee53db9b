/// SRT connections of a loop: those that come in, and those that the node makes to get streams or to send them on.
import Configuration
import EventLoop
import Fanout
import SRT

extension Worker {
    /// Takes in a connection that the doorman has let in.
    func welcome(_ socket: SRTSocket) {
        guard admit() else { return socket.close() }
        guard enter(socket.peer) else { return socket.close() }
        // Its stream id has been read once before.
        guard let request = try? SRTDoorman.request(socket.streamID) else { return socket.close() }
        run(SRTSession(socket, request, worker: self, number: takeNumber()))
    }

    /// Takes in a connection that this node made.
    func adopt(
        _ socket: SRTSocket, _ request: SRTRequest, called: String, onEnd: @escaping (String) -> Void
    ) -> Bool {
        guard admit() else {
            socket.close()
            return false
        }
        _ = state.addresses.enter(socket.peer.host)
        run(SRTSession(socket, request, called: called, worker: self, number: takeNumber(), onEnd: onEnd))
        return true
    }

    private func run(_ session: SRTSession) {
        keep(session)
        session.begin()
    }

    // MARK: Calls of this node's own

    /// Gets the streams that are to be fetched.
    func startPulls() {
        for (target, settings) in state.settings.everywhere where !settings.srt.pull.isEmpty {
            guard let slash = target.lastIndex(of: "/"),
                let name = StreamName(
                    app: String(target[..<slash]), name: String(target[target.index(after: slash)...]))
            else { continue }
            callers.start(SRTCaller(.pull, name, settings.srt.pull, worker: self))
        }
    }

    /// A stream is published here: it is sent to whoever is to have it.
    func startPushes(of name: StreamName) {
        for address in state.settings.of(app: name.app, stream: name.name).srt.push {
            callers.start(SRTCaller(.push, name, [address], worker: self))
        }
    }
}

/// The calls that a loop keeps up.
final class SRTCallers {
    private var all: [SRTCaller] = []

    /// One call of a kind, stream and address at a time.
    func start(_ caller: SRTCaller) {
        guard !all.contains(where: { $0.isSame(as: caller) }) else { return }
        all.append(caller)
        caller.start()
    }

    func forget(_ caller: SRTCaller) { all.removeAll { $0 === caller } }
}
