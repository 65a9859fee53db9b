/// Calls a remote SRT listener: looks the name up, tries its addresses in turn, gives up after a time.
///
/// `done` is called once, on the loop, and never from inside `init`; not at all if the dialer is let go of before.
/// A rejection by the far side is final: the other addresses of the name are not tried.
import CSRT
import EventLoop

public enum SRTDialError: Error, Sendable, Equatable, CustomStringConvertible {
    case badOptions(String)
    case unknownHost(String, reason: String)
    case rejected(host: String, port: UInt16, SRTRejection)
    case timedOut(host: String, port: UInt16)
    /// The machine is there, and says that no process has the port.
    case refused(host: String, port: UInt16)
    case failed(host: String, port: UInt16, String)
    /// There is no address but those that the caller avoids.
    case avoided(Address)

    public var description: String {
        switch self {
        case .badOptions(let reason): reason
        case .unknownHost(let host, let reason): "cannot look up \(host): \(reason)"
        case .rejected(let host, let port, let reason):
            "\(Address(host: host, port: port)) rejects the SRT call: \(reason)"
        case .timedOut(let host, let port):
            "cannot connect to \(Address(host: host, port: port)) over SRT: no answer in time; is UDP let through?"
        case .refused(let host, let port):
            "nobody listens for SRT at \(Address(host: host, port: port)): its machine says that the UDP port is closed"
        case .failed(let host, let port, let reason):
            "cannot connect to \(Address(host: host, port: port)) over SRT: \(reason)"
        case .avoided(let address): "\(address) is not to be called"
        }
    }
}

public final class SRTDialer {
    private let host: String
    private let port: UInt16
    private let options: SRTOptions
    private let timeout: UInt64
    private let avoids: (Address) -> Bool
    private unowned let loop: Loop
    private var done: ((Result<SRTSocket, SRTDialError>) -> Void)?
    private var timer: Timer?
    private var lookup: HostLookup?
    private var addresses: ArraySlice<SocketAddress> = []
    private var attempt: Attempt?
    private var lastError: SRTDialError
    /// Says more of what is wrong than an address that nobody listens at.
    private var avoided: SRTDialError?

    /// `timeout`: milliseconds for the whole of it. `avoids`: addresses that are not called, though the name has them.
    public init(
        _ host: String, port: UInt16, options: SRTOptions, timeout: UInt64, on loop: Loop,
        avoids: @escaping (Address) -> Bool = { _ in false },
        _ done: @escaping (Result<SRTSocket, SRTDialError>) -> Void
    ) {
        self.host = host
        self.port = port
        self.options = options
        self.timeout = timeout
        self.avoids = avoids
        self.loop = loop
        self.done = done
        lastError = .timedOut(host: host, port: port)
        Engine.shared.start()
        timer = Timer(on: loop) { [unowned self] in finish(.failure(lastError)) }
        if let fault = options.fault {
            lastError = .badOptions(fault)
            timer?.arm(after: 0)
            return
        }
        timer?.arm(after: timeout)
        lookup = HostLookup(host, port: port, on: loop) { [unowned self] found, reason in
            guard !found.isEmpty else { return finish(.failure(.unknownHost(host, reason: reason))) }
            addresses = found[...]
            tryNext()
        }
    }

    deinit { attempt?.abandon() }

    private func tryNext() {
        guard let address = addresses.popFirst() else { return finish(.failure(avoided ?? lastError)) }
        guard !avoids(address.described) else {
            avoided = .avoided(address.described)
            return tryNext()
        }
        let handle = Handle(id: srt_create_socket())
        options.apply(to: handle)
        handle.set(SRTO_CONNTIMEO, Int32(clamping: timeout))
        let calling = callingSocket(handle, address)
        guard address.withAddress({ srt_connect(handle.id, $0, $1) }) == 0 else {
            lastError = .failed(host: host, port: port, Handle.lastError)
            handle.close()
            return tryNext()
        }
        attempt = Attempt(handle, calling, on: loop) { [unowned self] outcome in
            attempt = nil
            if outcome == .connected {
                return finish(.success(SRTSocket(handle, calling, peer: address.described, on: loop)))
            }
            let reason = handle.rejection
            handle.close()
            if outcome == .refused {
                lastError = .refused(host: host, port: port)
                return tryNext()
            }
            guard reason == .timeout || reason.rawValue == 0 else {
                return finish(.failure(.rejected(host: host, port: port, reason)))
            }
            lastError = .timedOut(host: host, port: port)
            tryNext()
        }
    }

    /// One that hears of refusals; where there can be none, libsrt makes a deaf one for itself.
    private func callingSocket(_ handle: Handle, _ address: SocketAddress) -> CallingSocket? {
        guard let calling = CallingSocket(ipv6: address.isV6, on: loop) else { return nil }
        if address.isV6 { handle.set(SRTO_IPV6ONLY, 1) }
        // What libsrt does not take it may have closed: it is not closed here.
        return srt_bind_acquire(handle.id, calling.descriptor) == 0 ? calling : nil
    }

    private func finish(_ result: Result<SRTSocket, SRTDialError>) {
        timer = nil
        attempt?.abandon()
        attempt = nil
        lookup = nil
        addresses = []
        let done = done
        self.done = nil
        done?(result)
    }
}

/// One socket on its way to be connected.
private final class Attempt: WatchOwner {
    enum Outcome {
        case connected, failed
        case refused
    }

    private let handle: Handle
    private let calling: CallingSocket?
    private var watch: Watch?
    private let decided: (Outcome) -> Void

    init(_ handle: Handle, _ calling: CallingSocket?, on loop: Loop, _ decided: @escaping (Outcome) -> Void) {
        self.handle = handle
        self.calling = calling
        self.decided = decided
        watch = Watch(handle, on: loop, owner: self)
        calling?.onRefused = { [unowned self] in decide(.refused) }
    }

    func happened(_ events: Int32) {
        if handle.isConnected {
            decide(.connected)
        } else if handle.state.rawValue >= SRTS_BROKEN.rawValue || events & Watch.broken != 0 {
            decide(.failed)
        }
    }

    private func decide(_ outcome: Outcome) {
        guard let watch else { return }
        calling?.onRefused = nil
        watch.close(keeping: true)
        self.watch = nil
        decided(outcome)
    }

    func abandon() {
        calling?.onRefused = nil
        watch?.close()
        watch = nil
    }
}
