/// Opens a TCP connection to a name and port: looks the name up, tries its addresses in turn, gives up after a time.
///
/// `done` is called once, on the loop, and never from inside `init`; not at all if the dialer is let go of before.
import CSystem
import CUV
import Glibc

public enum DialError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownHost(String, reason: String)
    /// No address of the host took the connection; the code is that of the last one.
    case refused(host: String, port: UInt16, code: Int32)
    case timedOut(host: String, port: UInt16)
    /// There is no address but those that the caller avoids.
    case avoided(Address)

    public var description: String {
        switch self {
        case .unknownHost(let host, let reason): "cannot look up \(host): \(reason)"
        case .refused(let host, let port, let code):
            "cannot connect to \(host):\(port): \(String(cString: strerror(code)))"
        case .timedOut(let host, let port): "cannot connect to \(host):\(port): no answer in time"
        case .avoided(let address): "\(address) is not to be called"
        }
    }
}

public final class Dialer {
    private let host: String
    private let port: UInt16
    private unowned let loop: Loop
    private var done: ((Result<Connection, DialError>) -> Void)?
    private var resolver: Resolver?
    private var timer: Timer?
    private var addresses: ArraySlice<SocketAddress> = []
    private var attempt: Attempt?
    private var lastError: DialError
    private let avoids: (Address) -> Bool

    /// `timeout`: milliseconds for the whole of it. `avoids`: addresses that are not called, though the name has them.
    public init(
        _ host: String, port: UInt16, timeout: UInt64, on loop: Loop,
        avoids: @escaping (Address) -> Bool = { _ in false },
        _ done: @escaping (Result<Connection, DialError>) -> Void
    ) {
        self.host = host
        self.port = port
        self.loop = loop
        self.avoids = avoids
        self.done = done
        lastError = .refused(host: host, port: port, code: ECONNREFUSED)
        timer = Timer(on: loop) { [unowned self] in finish(.failure(.timedOut(host: host, port: port))) }
        timer?.arm(after: timeout)
        resolver = Resolver(host, port: port, on: loop) { [unowned self] found in
            switch found {
            case .success(let found):
                addresses = found[...]
                tryNext()
            case .failure(let error): finish(.failure(error))
            }
        }
    }

    deinit { attempt?.abandon() }

    private func tryNext() {
        while let address = addresses.popFirst() {
            guard !avoids(address.described) else {
                lastError = .avoided(address.described)
                continue
            }
            let descriptor = address.withAddress { cs_connect($0, $1) }
            guard descriptor >= 0 else {
                failed(-descriptor)
                continue
            }
            attempt = Attempt(descriptor, on: loop) { [unowned self] code in
                attempt = nil
                guard code == 0, let connection = Connection(descriptor, peer: address.described, on: loop) else {
                    cs_close(descriptor)
                    failed(code == 0 ? EMFILE : -code)
                    return tryNext()
                }
                finish(.success(connection))
            }
            if attempt != nil { return }
            cs_close(descriptor)
            failed(EMFILE)
        }
        finish(.failure(lastError))
    }

    /// An address that is avoided says more of what is wrong than one that nobody listens at.
    private func failed(_ code: Int32) {
        if case .avoided = lastError { return }
        lastError = .refused(host: host, port: port, code: code)
    }

    private func finish(_ result: Result<Connection, DialError>) {
        timer = nil
        attempt?.abandon()
        attempt = nil
        resolver = nil
        addresses = []
        let done = done
        self.done = nil
        done?(result)
    }
}

/// One socket on its way to be connected.
private final class Attempt: PollerOwner {
    private let descriptor: Int32
    private var poller: Poller?
    private let decided: (Int32) -> Void

    init?(_ descriptor: Int32, on loop: Loop, _ decided: @escaping (Int32) -> Void) {
        self.descriptor = descriptor
        self.decided = decided
        poller = Poller(descriptor, on: loop, owner: self)
        guard poller != nil else { return nil }
        poller?.watch(readable: false, writable: true)
    }

    func pollerReadable() { pollerWritable() }

    func pollerWritable() {
        guard let poller else { return }
        poller.close()
        self.poller = nil
        decided(cs_connect_result(descriptor))
    }

    func abandon() {
        guard let poller else { return }
        poller.close()
        self.poller = nil
        cs_close(descriptor)
    }
}
