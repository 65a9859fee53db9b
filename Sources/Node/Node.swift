/// A running node: starts a worker for each processor, listens, and goes down in order.
import Configuration
import EventLoop
import Glibc
import SRT

public enum Node {
    public static let version = "0.1.0"

    /// Where the node listens: what was configured, with the ports that the system chose for 0.
    public struct Ports: Sendable {
        public var rtmp: [UInt16] = []
        public var rtmps: [UInt16] = []
        public var http: [UInt16] = []
        public var https: [UInt16] = []
        public var srt: [UInt16] = []
        public var api: [UInt16] = []
        public var relay: [UInt16] = []
        public var relayTLS: [UInt16] = []
        public var relaySRT: [UInt16] = []
    }

    /// Runs until a signal ends it. `started` is called once everything listens.
    public static func run(_ settings: Settings, started: (Ports) -> Void) throws(StartError) {
        let descriptors = Int(clamping: EventLoop.Process.raiseFileLimit())
        let count = settings.threads > 0 ? settings.threads : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let state = try NodeState(
            settings: settings, relay: try relayConfiguration(settings), loops: count, descriptors: descriptors)
        let workers = (0..<count).map { Worker(index: $0, state: state) }
        var ports: Ports
        do { ports = try listen(workers, settings) } catch { throw .listen(error) }
        let peers = workers.map { LoopBound($0, on: $0.loop) }
        for worker in workers {
            worker.peers = peers
            worker.peerMailboxes = workers.map(\.loop.mailbox)
        }
        let doors = try listenForSRT(peers, workers.map(\.loop.mailbox), state, &ports)
        state.listens(at: ports)
        state.recordings.start()
        try state.rewinding.start()
        workers[0].startPulls()
        if !settings.dispatch.servers.isEmpty {
            let dispatchers = LoopBound(Dispatchers(workers[0]), on: workers[0].loop)
            let mailbox = workers[0].loop.mailbox
            state.dispatch.with { $0 = DispatchDoor(mailbox: mailbox, dispatchers: dispatchers) }
            dispatchers.value(on: workers[0].loop).start(workers[0])
        }
        let threads = workers.dropFirst().map { LoopThread($0.loop) }
        let shutdown = Shutdown(workers[0])
        let certificates = state.certificates.watch(on: workers[0].loop, state.log)
        state.log.write(
            .info, "node.start",
            [
                ("version", version), ("threads", "\(count)"), ("rtmp", "\(ports.rtmp)"), ("http", "\(ports.http)"),
                ("rtmps", "\(ports.rtmps)"), ("https", "\(ports.https)"), ("srt", "\(ports.srt)"),
                ("api", "\(ports.api)"),
                ("relay", "\(ports.relay)"),
                ("relay_tls", "\(ports.relayTLS)"), ("relay_srt", "\(ports.relaySRT)"), ("node", state.relay.node.name),
            ])
        started(ports)
        workers[0].loop.run()
        for thread in threads { thread.join() }
        state.recordings.close()
        state.rewinding.close()
        withExtendedLifetime((shutdown, certificates, doors, workers)) {}
        state.log.write(.info, "node.stop")
    }

    private static func listen(_ workers: [Worker], _ settings: Settings) throws(ListenError) -> Ports {
        var ports = Ports()
        for endpoint in settings.rtmp.listen { ports.rtmp.append(try listen(workers, endpoint, .rtmp)) }
        for endpoint in settings.rtmp.tlsListen {
            ports.rtmps.append(try listen(workers, endpoint, .rtmp, sealed: true))
        }
        for endpoint in settings.http.tlsListen {
            ports.https.append(try listen(workers, endpoint, .http, sealed: true))
        }
        for endpoint in settings.http.listen { ports.http.append(try listen(workers, endpoint, .http)) }
        for endpoint in settings.api.listen { ports.api.append(try listen(workers, endpoint, .api)) }
        for endpoint in settings.relay.listen { ports.relay.append(try listen(workers, endpoint, .relay)) }
        for endpoint in settings.relay.tlsListen {
            ports.relayTLS.append(try listen(workers, endpoint, .relay, sealed: true))
        }
        return ports
    }

    private static func listen(
        _ workers: [Worker], _ endpoint: Endpoint, _ service: Worker.Service, sealed: Bool = false
    ) throws(ListenError) -> UInt16 {
        var port = UInt16(endpoint.port)
        for worker in workers { port = try worker.listen(endpoint, port: port, service, sealed: sealed) }
        return port
    }

    /// One socket takes the callers of all loops: libsrt hands them out in turn.
    private static func listenForSRT(
        _ peers: [LoopBound<Worker>], _ loops: [Mailbox], _ state: NodeState, _ ports: inout Ports
    ) throws(StartError) -> [SRTListener] {
        var listeners: [SRTListener] = []
        let doorman = SRTDoorman(state: state)
        let passphrase = state.linkPassphrase
        let anybody: @Sendable (SRTCall) -> SRTAnswer = { _ in .accept(passphrase: passphrase, keyLength: .aes256) }
        do throws(SRTListenError) {
            for endpoint in state.settings.srt.listen {
                let listener = try SRTListener(
                    host: endpoint.boundHost, port: UInt16(endpoint.port), latency: state.settings.srt.latency,
                    loops: loops, decide: doorman.answer, refused: doorman.hear
                ) { socket in peers[socket.loop.index].value(on: socket.loop).welcome(socket) }
                listeners.append(listener)
                ports.srt.append(listener.port)
            }
            for endpoint in state.settings.relay.srtListen {
                let listener = try SRTListener(
                    host: endpoint.boundHost, port: UInt16(endpoint.port), flavour: .link, loops: loops,
                    decide: anybody, refused: doorman.hear
                ) { socket in peers[socket.loop.index].value(on: socket.loop).welcomeNode(socket) }
                listeners.append(listener)
                ports.relaySRT.append(listener.port)
            }
        } catch {
            throw .srt(error)
        }
        return listeners
    }
}

extension Endpoint {
    /// As listeners want it: empty for every address.
    var boundHost: String { host == Endpoint.everywhere ? "" : host }
}
