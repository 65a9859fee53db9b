/// A listening socket of one loop. Each loop has its own on the same port (`SO_REUSEPORT`), so the kernel spreads
/// connections and no loop hands sockets to another.
import CSystem
import Glibc

public struct ListenError: Error, CustomStringConvertible {
    public let host: String
    public let port: UInt16
    public let code: Int32

    public var description: String {
        let reason = String(cString: strerror(code))
        let place = host.isEmpty ? "port \(port)" : "\(host) port \(port)"
        let advice: String =
            switch code {
            case EADDRINUSE: "; another program holds it: stop that one, or listen elsewhere"
            case EACCES: "; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)"
            case EADDRNOTAVAIL: "; this machine has no such address"
            default: ""
            }
        return "cannot listen on \(place): \(reason)\(advice)"
    }
}

public final class Listener: PollerOwner {
    public let port: UInt16

    private let descriptor: Int32
    private let sendBuffer: Int32
    private let accepted: (Connection) -> Void
    private unowned let loop: Loop
    private var poller: Poller?
    private lazy var pause = Timer(on: loop) { [unowned self] in poller?.watch(readable: true, writable: false) }

    private static let backlog: Int32 = 4096
    /// Connections taken in one turn, so that a flood of them does not hold up the streams.
    private static let acceptsPerTurn = 64
    /// How long to leave the queue alone when descriptors run out: the kernel would report it ready for ever.
    private static let exhaustedPause: UInt64 = 100

    public init(
        host: String, port: UInt16, sendBuffer: Int = 0, on loop: Loop, _ accepted: @escaping (Connection) -> Void
    ) throws(ListenError) {
        var bound: UInt16 = 0
        let descriptor = cs_listen(host, port, Listener.backlog, &bound)
        guard descriptor >= 0 else { throw ListenError(host: host, port: port, code: -descriptor) }
        self.descriptor = descriptor
        self.port = bound
        self.sendBuffer = Int32(sendBuffer)
        self.accepted = accepted
        self.loop = loop
        poller = Poller(descriptor, on: loop, owner: self)
        poller?.watch(readable: true, writable: false)
    }

    public func pollerReadable() {
        for _ in 0..<Listener.acceptsPerTurn {
            var peer = cs_address()
            let socket = cs_accept(descriptor, sendBuffer, &peer)
            if socket == -EMFILE || socket == -ENFILE {
                poller?.watch(readable: false, writable: false)
                pause.arm(after: Listener.exhaustedPause)
                return
            }
            guard socket >= 0 else { return }
            guard let connection = Connection(socket, peer: Address(peer), on: loop) else {
                cs_close(socket)
                continue
            }
            accepted(connection)
        }
    }

    public func pollerWritable() {}

    public func close() {
        guard let poller else { return }
        poller.close()
        self.poller = nil
        cs_close(descriptor)
    }

    deinit { close() }
}
