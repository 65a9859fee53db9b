/// The listening socket itself, as libsrt's threads and the engine see it; `SRTListener` is its owner's end.
///
/// The listen callback runs on libsrt's receiving thread, which serves every connection of the port: it is to decide
/// quickly, and never to wait. `@unchecked Sendable` is sound: everything is constant but `nextLoop`, which the
/// engine's thread alone touches, and `port`, behind a lock.
import CSRT
import EventLoop
import Glibc

final class ListenerCore: @unchecked Sendable {
    let handle: Handle
    private let descriptor: Lock<Int32>
    let hearing: Lock<Hearing?>
    private let loops: [Mailbox]
    private let decide: @Sendable (SRTCall) -> SRTAnswer
    private let accepted: @Sendable (SRTSocket) -> Void
    let refused: @Sendable (SRTRefusal) -> Void
    private nonisolated(unsafe) var nextLoop = 0

    /// Calls that wait to be accepted; more are refused by libsrt with its code for it.
    private static let backlog: Int32 = 256

    /// `descriptor`: a duplicate of the port's UDP socket.
    init(
        _ handle: Handle, descriptor: Int32, ears: EarSockets, loops: [Mailbox],
        decide: @escaping @Sendable (SRTCall) -> SRTAnswer,
        refused: @escaping @Sendable (SRTRefusal) -> Void, accepted: @escaping @Sendable (SRTSocket) -> Void
    ) {
        self.handle = handle
        self.descriptor = Lock(descriptor)
        hearing = Lock(Hearing(ears, on: loops[0]))
        self.loops = loops
        self.decide = decide
        self.refused = refused
        self.accepted = accepted
    }

    /// Whether libsrt has begun to listen.
    func listen() -> Bool {
        let opaque = Unmanaged.passUnretained(self).toOpaque()
        srt_listen_callback(
            handle.id,
            { opaque, socket, version, peer, streamID in
                // Outlives the callback: `close` returns only when libsrt is out of it.
                Unmanaged<ListenerCore>.fromOpaque(opaque!).takeUnretainedValue()
                    .answer(Handle(id: socket), version, peer, streamID)
            }, opaque)
        return srt_listen(handle.id, ListenerCore.backlog) == 0
    }

    /// After this returns, no callback runs.
    func close() {
        Engine.shared.leave(self)
        attend(true)
        handle.close()
        LibraryLog.forget(self)
        let descriptor = descriptor.with { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
        if descriptor >= 0 { Glibc.close(descriptor) }
        // Let go of outside of the lock: it may be the last to do so.
        let hearing = hearing.with { hearing in
            defer { hearing = nil }
            return hearing
        }
        _ = hearing
    }

    // MARK: Calls

    private func answer(
        _ socket: Handle, _ version: Int32, _ peer: UnsafePointer<sockaddr>?, _ streamID: UnsafePointer<CChar>?
    ) -> Int32 {
        Engine.shared.callCame()
        let call = SRTCall(
            streamID: streamID.map { String(cString: $0) } ?? "",
            peer: peer.map { SocketAddress($0).described } ?? Address(host: "", port: 0), handshakeVersion: version)
        switch decide(call) {
        case .accept(let passphrase, let keyLength, let latency):
            if passphrase.flatMap(SRTOptions.fault(ofPassphrase:)) != nil {
                refused(SRTRefusal(call: call, reason: .internalError))
                return reject(socket, .internalError)
            }
            SRTOptions.secure(socket, passphrase: passphrase, keyLength: keyLength)
            if let latency { socket.set(SRTO_LATENCY, Int32(clamping: latency)) }
            LibraryLog.answered(call, by: self)
            return 0
        case .reject(let reason): return reject(socket, reason)
        }
    }

    private func reject(_ socket: Handle, _ reason: SRTRejection) -> Int32 {
        LibraryLog.answered(nil, by: self)
        srt_setrejectreason(socket.id, max(reason.rawValue, SRTRejection.unspecified.rawValue))
        return -1
    }

    /// On the engine's thread: hands what waits to the loops in turn.
    func takeCalls() {
        while true {
            let id = srt_accept(handle.id, nil, nil)
            guard id >= 0 else { return }
            let unclaimed = Unclaimed(Handle(id: id))
            let accepted = accepted
            let hearing = hearing.with { $0 }
            nextLoop = (nextLoop + 1) % loops.count
            loops[nextLoop].post { loop in
                if let handle = unclaimed.claim() { accepted(SRTSocket(handle, hearing: hearing, on: loop)) }
            }
        }
    }

    // MARK: Sleep

    /// libsrt receives with a timeout of 100 µs, which the kernel rounds to a tick: hundreds of wake-ups a second for a
    /// port on which nothing happens. While there is no connection whose timers it would have to serve, it may wait
    /// longer: any datagram ends the wait at once.
    func attend(_ awake: Bool) {
        descriptor.with { descriptor in
            guard descriptor >= 0 else { return }
            var timeout = timeval(tv_sec: awake ? 0 : 1, tv_usec: awake ? 100 : 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
    }
}

/// A connection that libsrt has accepted and no loop has taken yet: closed if none ever does, as when a loop has ended.
/// `@unchecked Sendable` is sound: the handle is behind a lock.
private final class Unclaimed: Sendable {
    private let handle: Lock<Handle?>

    init(_ handle: Handle) { self.handle = Lock(handle) }

    func claim() -> Handle? {
        handle.with { handle in
            defer { handle = nil }
            return handle
        }
    }

    deinit { claim()?.close() }
}
