/// SRT connections of a loop: those that come in, and those that the node makes to get streams.
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

    /// Takes in a connection that this node made; `started` is given the session before it does anything.
    func adopt(
        _ socket: SRTSocket, _ request: SRTRequest, called: String, started: (SRTSession) -> Void = { _ in },
        onEnd: @escaping (String) -> Void
    ) -> Bool {
        guard admit() else {
            socket.close()
            return false
        }
        _ = state.addresses.enter(socket.peer.host)
        let session = SRTSession(socket, request, called: called, worker: self, number: takeNumber(), onEnd: onEnd)
        started(session)
        run(session)
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
            callers.start(SRTCaller(name, settings.srt.pull, worker: self))
        }
    }
}

/// The calls that a loop keeps up.
final class SRTCallers {
    private var all: [SRTCaller] = []

    func start(_ caller: SRTCaller) {
        all.append(caller)
        caller.start()
    }

    func forget(_ caller: SRTCaller) { all.removeAll { $0 === caller } }
}
