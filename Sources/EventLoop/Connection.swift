/// One TCP connection on a loop.
///
/// Reads are handed to the handler from the loop's buffer. What the connection itself writes (handshakes, answers,
/// prologues) goes out at once if the socket takes it, and waits in `outbox` otherwise; media never passes through
/// here, the fan-out writes it straight to `descriptor`.
/// Invariant: after `close` no method of the handler is called.
import CSystem
import Glibc

public struct Address: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: UInt16

    init(_ raw: cs_address) {
        host = withUnsafeBytes(of: raw.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        port = raw.port
    }

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

public protocol ConnectionHandler: AnyObject {
    /// The bytes are valid during the call only.
    func received(_ bytes: UnsafeBufferPointer<UInt8>)
    /// The peer has ended, or the socket failed: nothing more will come. The connection is still to be closed.
    func ended(_ reason: ConnectionEnd)
    /// The socket takes bytes again, and the outbox is empty.
    func writable()
}

public enum ConnectionEnd: Sendable, Equatable {
    case closedByPeer
    case failed(Int32)

    public var description: String {
        switch self {
        case .closedByPeer: "closed by peer"
        case .failed(let code): String(cString: strerror(code))
        }
    }
}

public final class Connection: PollerOwner {
    public let descriptor: Int32
    public let peer: Address
    public private(set) var isClosed = false
    public private(set) var bytesIn: UInt64 = 0
    /// Bytes that left through the outbox; the fan-out counts its own.
    public private(set) var bytesOut: UInt64 = 0
    public private(set) var lastReceived: UInt64

    public unowned let loop: Loop
    private var handler: (any ConnectionHandler)?
    private var poller: Poller?
    private var outbox: [UInt8] = []
    private var outboxSent = 0
    private var wantsWritable = false
    private var reading = true

    /// Reads of one connection in one turn, so that one flooding publisher cannot starve the others.
    private static let readsPerTurn = 4

    public init?(_ descriptor: Int32, peer: Address, on loop: Loop) {
        self.descriptor = descriptor
        self.peer = peer
        self.loop = loop
        lastReceived = loop.now
        poller = Poller(descriptor, on: loop, owner: self)
        guard poller != nil else { return nil }
    }

    /// This side's address.
    public var local: Address {
        var address = cs_address()
        cs_local(descriptor, &address)
        return Address(address)
    }

    /// Starts reading. The connection keeps its handler until it is closed.
    public func start(_ handler: any ConnectionHandler) {
        self.handler = handler
        updateInterest()
    }

    public var hasOutbox: Bool { outboxSent < outbox.count }

    public var outboxBytes: Int { outbox.count - outboxSent }

    /// Asks for one `writable` call when the socket has room.
    public func waitUntilWritable() {
        guard !wantsWritable else { return }
        wantsWritable = true
        updateInterest()
    }

    public func pauseReading(_ paused: Bool) {
        reading = !paused
        updateInterest()
    }

    public func write(_ bytes: [UInt8]) {
        guard !isClosed, !bytes.isEmpty else { return }
        guard !hasOutbox else {
            outbox.append(contentsOf: bytes)
            return
        }
        let sent = bytes.withUnsafeBytes { send($0) }
        guard sent < bytes.count else { return }
        outbox = Array(bytes[sent...])
        outboxSent = 0
        updateInterest()
    }

    /// Whether everything that waited is out.
    @discardableResult public func flushOutbox() -> Bool {
        guard hasOutbox, !isClosed else { return !hasOutbox }
        outboxSent += outbox.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[outboxSent...])) }
        if outboxSent == outbox.count {
            outbox = []
            outboxSent = 0
        }
        updateInterest()
        return !hasOutbox
    }

    /// How much went out; a failing socket reports itself through the read side.
    private func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        let sent = cs_writev(descriptor, &vector, 1)
        guard sent > 0 else { return 0 }
        bytesOut += UInt64(sent)
        return sent
    }

    /// Closes once what waits is out: at once as a rule, and at the latest after `Farewell.patience`. The handler is
    /// let go of now.
    public func finish() {
        guard !isClosed else { return }
        guard flushOutbox() else {
            handler = Farewell(self)
            reading = true
            return updateInterest()
        }
        // Unread input would turn the close into a reset that destroys what the peer has not read yet.
        cs_shutdown_write(descriptor)
        _ = cs_read(descriptor, loop.readBuffer.baseAddress, loop.readBuffer.count)
        close()
    }

    public func close() {
        guard !isClosed else { return }
        isClosed = true
        poller?.close()
        poller = nil
        cs_close(descriptor)
        outbox = []
        handler = nil
    }

    private func updateInterest() {
        guard handler != nil else { return }
        poller?.watch(readable: reading, writable: wantsWritable || hasOutbox)
    }

    public func pollerReadable() {
        for _ in 0..<Connection.readsPerTurn {
            guard let handler, reading else { return }
            let got = cs_read(descriptor, loop.readBuffer.baseAddress, loop.readBuffer.count)
            if got == -EAGAIN || got == -EINTR { return }
            guard got > 0 else {
                reading = false
                updateInterest()
                handler.ended(got == 0 ? .closedByPeer : .failed(Int32(-got)))
                return
            }
            bytesIn += UInt64(got)
            lastReceived = loop.now
            handler.received(UnsafeBufferPointer(rebasing: loop.readBuffer.bindMemory(to: UInt8.self)[..<got]))
            if got < loop.readBuffer.count { return }
        }
    }

    public func pollerWritable() {
        guard let handler, flushOutbox() else { return }
        wantsWritable = false
        handler.writable()
        updateInterest()
    }

    deinit { close() }
}

/// Sees a connection off that has been finished with bytes still waiting. Keeps it alive until then.
private final class Farewell: ConnectionHandler {
    private let connection: Connection
    private var timer: Timer?

    /// Milliseconds that a peer has to take the last bytes.
    static let patience: UInt64 = 5_000

    init(_ connection: Connection) {
        self.connection = connection
        timer = Timer(on: connection.loop) { [unowned connection] in connection.close() }
        timer?.arm(after: Farewell.patience)
    }

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {}
    func ended(_ reason: ConnectionEnd) { connection.close() }
    func writable() { connection.finish() }
}
