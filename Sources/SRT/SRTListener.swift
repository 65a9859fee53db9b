/// A port on which SRT callers are taken: who they are and what they want is decided before their handshake ends, and
/// the accepted ones are spread over the loops in turn.
///
/// Invariant: after `close`, neither `decide` nor `refused` is called; connections that were accepted live on, and one
/// that was on its way to a loop may still arrive there.
import CSRT
import EventLoop
import Glibc

public struct SRTListenError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ host: String, _ port: UInt16, _ reason: String) {
        let place = host.isEmpty ? "UDP port \(port)" : "\(host) UDP port \(port)"
        description = "cannot listen for SRT on \(place): \(reason)"
    }

    init(_ host: String, _ port: UInt16, code: Int32) {
        let advice: String =
            switch code {
            case EADDRINUSE: "; another program holds it: stop that one, or listen elsewhere"
            case EACCES: "; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)"
            case EADDRNOTAVAIL: "; this machine has no such address"
            default: ""
            }
        self.init(host, port, String(cString: strerror(code)) + advice)
    }
}

public final class SRTListener: Sendable {
    /// The chosen port, where 0 was asked for.
    public let port: UInt16
    let core: ListenerCore

    /// `host` is numeric; empty means every address, of IPv6 and IPv4. `latency` in milliseconds is the least of every
    /// call that `decide` names no other for.
    ///
    /// `decide` and `refused` are called on a thread of libsrt that serves all connections of the port: both are to
    /// return at once, and neither may close the listener or call anything else of SRT. `accepted` is called on the
    /// loop that the connection belongs to; without a `start` there, the connection is closed when the last reference
    /// to it goes.
    public init(
        host: String, port: UInt16, flavour: SRTFlavour = .media, latency: Int = SRTOptions.defaultLatency,
        idleTimeout: Int = SRTOptions.defaultIdleTimeout, loops: [Mailbox],
        decide: @escaping @Sendable (SRTCall) -> SRTAnswer,
        refused: @escaping @Sendable (SRTRefusal) -> Void = { _ in },
        accepted: @escaping @Sendable (SRTSocket) -> Void
    ) throws(SRTListenError) {
        precondition(!loops.isEmpty, "a listener needs a loop to hand its connections to")
        Engine.shared.start()
        let (descriptor, isV6) = try SRTListener.bind(host, port)
        let handle = Handle(id: srt_create_socket())
        SRTOptions.prepare(handle, flavour)
        if isV6 { handle.set(SRTO_IPV6ONLY, host.isEmpty ? 0 : 1) }
        handle.set(SRTO_LATENCY, Int32(clamping: latency))
        handle.set(SRTO_PEERIDLETIMEO, Int32(clamping: idleTimeout))
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        core = ListenerCore(
            handle, descriptor: duplicate, ears: EarSockets(of: descriptor), loops: loops, decide: decide,
            refused: refused, accepted: accepted)
        // From here on the descriptor is libsrt's.
        guard srt_bind_acquire(handle.id, descriptor) == 0, core.listen(), let local = handle.local else {
            let reason = Handle.lastError
            core.close()
            throw SRTListenError(host, port, reason)
        }
        self.port = local.port
        Engine.shared.enter(core)
    }

    public func close() { core.close() }

    deinit { core.close() }

    /// A UDP socket of our own rather than libsrt's: its errors keep their numbers, its timeout can be set, and it can
    /// have ears.
    private static func bind(_ host: String, _ port: UInt16) throws(SRTListenError) -> (descriptor: Int32, isV6: Bool) {
        var code = EADDRNOTAVAIL
        for candidate in host.isEmpty ? ["::", "0.0.0.0"] : [host] {
            let found = SocketAddress.find(candidate, port: port, flags: AI_NUMERICHOST | AI_PASSIVE)
            guard let address = found.addresses.first else {
                throw SRTListenError(host, port, "this is no numeric address; write one, or leave it empty for all")
            }
            let descriptor = socket(
                address.isV6 ? AF_INET6 : AF_INET,
                Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else {
                code = errno
                continue
            }
            var only: Int32 = host.isEmpty ? 0 : 1
            if address.isV6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, 4) }
            if address.withAddress({ Glibc.bind(descriptor, $0, socklen_t($1)) }) == 0 {
                return (descriptor, address.isV6)
            }
            code = errno
            Glibc.close(descriptor)
            if code == EADDRINUSE { break }
        }
        throw SRTListenError(host, port, code: code)
    }
}
