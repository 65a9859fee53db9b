/// A node's connection to the dispatcher.
import EventLoop
import Operations
import RelayProtocol

final class DispatchSession: ConnectionHandler {
    private let connection: Connection
    private unowned let server: DispatchServer
    private var machine: RelayConnection
    private var heartbeat: Heartbeat
    private let began = Clock.monotonicNanoseconds
    private var isEnded = false
    private(set) var node: NodeID?
    private lazy var timer = Timer(on: connection.loop) { [unowned self] in beat() }

    /// Nanoseconds. A node that a dispatcher cannot see for a while goes on: there is no hurry.
    private static let interval: UInt64 = 500_000_000
    private static let deadAfter: UInt64 = 2_000_000_000
    /// Bytes that a node may leave unread: a node that does not read is not there.
    private static let maxOutbox = 16 << 20

    init(_ connection: Connection, server: DispatchServer) {
        self.connection = connection
        self.server = server
        machine = RelayConnection(
            role: .responder, configuration: server.identity, nonce: EventLoop.Process.randomBytes(Hello.nonceSize))
        heartbeat = Heartbeat(
            interval: DispatchSession.interval, deadAfter: DispatchSession.deadAfter, now: Clock.monotonicNanoseconds)
    }

    func begin() {
        connection.write(machine.start())
        beat()
    }

    func send(_ message: RelayMessage) {
        connection.write(message.bytes)
        if connection.outboxBytes > DispatchSession.maxOutbox { end("it reads too slowly") }
    }

    /// The node has made a new connection: this one counts no more.
    func replace() {
        node = nil
        end("replaced by a newer connection")
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        heartbeat.heard(now: Clock.monotonicNanoseconds)
        var at = 0
        // Sound: the bytes stay where they are for the length of this call.
        let span = Span(_unsafeElements: bytes)
        while !isEnded, let action = machine.next(span, &at) { perform(action) }
    }

    private func perform(_ action: RelayAction) {
        switch action {
        case .send(let bytes): connection.write(bytes)
        case .authenticated(let peer):
            guard server.connected(self, peer.node) else {
                let text = "the topology of this dispatcher has no node \(peer.node)"
                connection.write(RelayMessage.refused(Refused(request: 0, reason: .notTrusted, text: text)).bytes)
                return end(text)
            }
            node = peer.node
            server.log(.info, "dispatch.node", nil, [("node", peer.node.name), ("address", "\(connection.peer)")])
        case .frameBegins: machine.skipBody()
        case .message(.ping(let ping)):
            let now = Clock.unixMicroseconds
            send(.pong(ping.answered(received: now, sent: now)))
        case .message(let message): if let node { server.take(message, from: node) }
        case .misrouted(_, _, let send): connection.write(send)
        case .close(let error, let send):
            connection.write(send)
            end(error.description)
        }
    }

    private func beat() {
        guard !isEnded else { return }
        let now = Clock.monotonicNanoseconds
        // A peer that sends just enough to count as alive must still say who it is.
        if node == nil, now - began > RelayLimits.handshakeNanoseconds, let action = machine.handshakeTimedOut() {
            return perform(action)
        }
        switch heartbeat.tick(now: now) {
        case .none: break
        case .ping(let token): if node != nil { send(.ping(Ping(token: token, clock: Clock.unixMicroseconds))) }
        case .dead(let error): return end(error.description)
        }
        guard !isEnded else { return }
        let deadline = heartbeat.deadline
        timer.arm(after: deadline > now ? (deadline - now) / 1_000_000 + 1 : 1)
    }

    func ended(_ reason: ConnectionEnd) { end(reason.description) }

    func writable() {}

    private func end(_ reason: String) {
        guard !isEnded else { return }
        isEnded = true
        timer.disarm()
        server.log(.info, "dispatch.session_end", nil, [("node", node?.name ?? ""), ("reason", reason)])
        connection.finish()
        server.forget(self)
    }
}
