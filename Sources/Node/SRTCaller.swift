/// One stream that this node gets from another SRT listener: calls, and calls again when the connection is lost, later
/// each time up to a limit.
import Configuration
import EventLoop
import Fanout
import SRT

final class SRTCaller {
    private let name: StreamName
    private let addresses: [SRTAddress]
    private unowned let worker: Worker
    private var next = 0
    private var pause = SRTCaller.shortestPause
    private var connectedAt: UInt64?
    private var dialer: SRTDialer?
    private lazy var timer = Timer(on: worker.loop) { [unowned self] in dial() }

    /// Milliseconds between two calls, at first and at last.
    private static let shortestPause: UInt64 = 1_000
    private static let longestPause: UInt64 = 30_000
    /// Milliseconds for a call to be answered.
    private static let patience: UInt64 = 5_000

    init(_ name: StreamName, _ addresses: [SRTAddress], worker: Worker) {
        self.name = name
        self.addresses = addresses
        self.worker = worker
    }

    func start() { dial() }

    private var state: NodeState { worker.state }
    private var address: SRTAddress { addresses[next % addresses.count] }

    private func dial() {
        guard !isOver else { return worker.callers.forget(self) }
        let srt = state.settings.of(app: name.app, stream: name.name).srt
        let options = SRTOptions(
            streamID: address.streamID(app: name.app, stream: name.name), passphrase: state.passphrases.of(srt),
            keyLength: SRTKeyLength(srt.keyLength), latency: address.latency ?? srt.latency)
        dialer = SRTDialer(
            address.remote.host, port: UInt16(address.remote.port), options: options, timeout: SRTCaller.patience,
            on: worker.loop
        ) { [unowned self] result in
            dialer = nil
            switch result {
            case .success(let socket): connected(socket)
            case .failure(let error): failed(error.description)
            }
        }
    }

    /// Nobody needs the connection any more.
    private var isOver: Bool { state.isDraining }

    private func connected(_ socket: SRTSocket) {
        state.log.write(
            .info, "srt.pull", [("stream", "\(name)"), ("address", "\(address)"), ("peer", "\(socket.peer)")])
        connectedAt = worker.loop.now
        let request = SRTRequest(name: name, mode: .publish)
        let adopted = worker.adopt(socket, request, called: "pull \(address)") { [weak self] reason in
            self?.lost(reason)
        }
        if !adopted { failed("the node has no room for the connection") }
    }

    private func lost(_ reason: String) {
        if let connectedAt, worker.loop.now - connectedAt > SRTCaller.longestPause { pause = SRTCaller.shortestPause }
        connectedAt = nil
        failed(reason)
    }

    private func failed(_ reason: String) {
        guard !isOver else { return worker.callers.forget(self) }
        state.log.write(
            .warning, "srt.pull_failed",
            [("stream", "\(name)"), ("address", "\(address)"), ("reason", reason), ("again_ms", "\(pause)")])
        next += 1
        timer.arm(after: pause)
        pause = min(pause * 2, SRTCaller.longestPause)
    }
}
