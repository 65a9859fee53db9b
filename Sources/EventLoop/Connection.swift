/// One TCP connection on a loop.
///
/// Reads are handed to the handler from the loop's buffer. What the connection itself writes (handshakes, answers,
/// prologues) goes out at once if the socket takes it, and waits in `outbox` otherwise; media never passes through
/// here: the fan-out writes it straight to `descriptor`, or by `writeSealed` where TLS is between.
/// Invariant: after `close` no method of the handler is called.
import CSystem
import CUV
import Glibc
import TLS

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
    /// TLS came to nothing, for that reason.
    case insecure(String)

    public var description: String {
        switch self {
        case .closedByPeer: "closed by peer"
        case .failed(let code): String(cString: strerror(code))
        case .insecure(let reason): reason
        }
    }
}

public final class Connection: PollerOwner {
    public let descriptor: Int32
    public private(set) var peer: Address
    public private(set) var isClosed = false
    public private(set) var bytesIn: UInt64 = 0
    /// Bytes that left through the outbox; the fan-out counts its own.
    public private(set) var bytesOut: UInt64 = 0
    public private(set) var lastReceived: UInt64

    public unowned let loop: Loop
    /// The loop's own: looked at for each read, where an unowned reference would be counted each time.
    private let readBuffer: UnsafeMutableRawBufferPointer
    private let uv: UnsafeMutablePointer<uv_loop_t>
    private var handler: (any ConnectionHandler)?
    private var poller: Poller?
    private var outbox: [UInt8] = []
    private var outboxSent = 0
    private var wantsWritable = false
    private var tls: TLSSession?
    /// Written before the handshake was over.
    private var early: [UInt8] = []
    private var reading = true
    private var isPeerGone = false

    /// Reads of one connection in one turn, so that one flooding publisher cannot starve the others.
    private static let readsPerTurn = 4

    public init?(_ descriptor: Int32, peer: Address, on loop: Loop) {
        self.descriptor = descriptor
        self.peer = peer
        self.loop = loop
        readBuffer = loop.readBuffer
        uv = loop.uv
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

    /// The client that a trusted proxy has named.
    public func introduce(_ client: Address) { peer = client }

    /// Starts reading. The connection keeps its handler until it is closed, or another takes its place.
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

    /// What somebody has read before it knew whose it is: taken as if it came now.
    public func take(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, !isClosed else { return }
        bytes.withUnsafeBytes { bytes in
            if let tls { return open(bytes, tls) }
            handler?.received(bytes.bindMemory(to: UInt8.self))
        }
    }

    public func pauseReading(_ paused: Bool) {
        reading = !paused
        updateInterest()
    }

    public func write(_ bytes: [UInt8]) {
        guard !isClosed, !bytes.isEmpty else { return }
        if let tls { return seal(bytes, tls) }
        writeOut(bytes)
    }

    /// As it is.
    private func writeOut(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
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
        if let tls {
            tls.close()
            writeOut(tls.takeOutput())
        }
        guard flushOutbox() else {
            handler = Farewell(self)
            reading = true
            return updateInterest()
        }
        // Unread input would turn the close into a reset that destroys what the peer has not read yet. Behind its end there
        // is none.
        if !isPeerGone {
            cs_shutdown_write(descriptor)
            _ = cs_read(descriptor, loop.readBuffer.baseAddress, loop.readBuffer.count)
        }
        close()
    }

    public func close() {
        guard !isClosed else { return }
        isClosed = true
        poller?.close()
        poller = nil
        cs_close(descriptor)
        outbox = []
        tls = nil
        handler = nil
    }

    private func updateInterest() {
        guard handler != nil else { return }
        poller?.watch(readable: reading, writable: wantsWritable || hasOutbox)
    }

    public func pollerReadable() {
        for _ in 0..<Connection.readsPerTurn {
            guard let handler, reading else { return }
            let got = cs_read(descriptor, readBuffer.baseAddress, readBuffer.count)
            if got == -EAGAIN || got == -EINTR { return }
            guard got > 0 else {
                reading = false
                isPeerGone = true
                updateInterest()
                handler.ended(got == 0 ? .closedByPeer : .failed(Int32(-got)))
                return
            }
            bytesIn += UInt64(got)
            lastReceived = uv_now(uv)
            if let tls {
                open(UnsafeRawBufferPointer(rebasing: readBuffer[..<got]), tls)
            } else {
                handler.received(UnsafeBufferPointer(rebasing: readBuffer.bindMemory(to: UInt8.self)[..<got]))
            }
            if got < readBuffer.count { return }
        }
    }

    public func pollerWritable() {
        guard let handler, flushOutbox() else { return }
        wantsWritable = false
        handler.writable()
        updateInterest()
    }

    deinit { close() }

    // MARK: TLS

    /// From here on everything is sealed and opened. To be called before anything was read or written; a client begins
    /// the handshake.
    public func secure(_ session: TLSSession) {
        tls = session
        try? session.start()
        writeOut(session.takeOutput())
    }

    /// What TLS has agreed on; nil without it.
    public var security: TLSSession? { tls }
    public var isSecured: Bool { tls != nil }

    private func open(_ bytes: UnsafeRawBufferPointer, _ tls: TLSSession) {
        let wasEstablished = tls.isEstablished
        do {
            try tls.receive(bytes, through: loop.openBuffer) { plain in
                handler?.received(plain)
                return !isClosed && handler != nil
            }
        } catch {
            writeOut(tls.takeOutput())
            reading = false
            updateInterest()
            handler?.ended(.insecure(error.description))
            return
        }
        guard !isClosed else { return }
        writeOut(tls.takeOutput())
        if !wasEstablished, tls.isEstablished { writeEarly(tls) }
        if tls.isClosedByPeer, reading {
            reading = false
            updateInterest()
            handler?.ended(.closedByPeer)
        }
    }

    /// What the session itself has said was sealed before anything that follows, and must go before it.
    private func writeKept(_ tls: TLSSession) {
        if tls.hasOutput { writeOut(tls.takeOutput()) }
    }

    /// What was written before the handshake was over. The peer's first words may come with the handshake's last, and
    /// be answered while this still waits: it goes before the answer.
    private func writeEarly(_ tls: TLSSession) {
        guard !early.isEmpty else { return }
        let waited = early
        early = []
        seal(waited, tls)
    }

    private func seal(_ bytes: [UInt8], _ tls: TLSSession) {
        guard tls.isEstablished else {
            early += bytes
            return
        }
        writeEarly(tls)
        writeKept(tls)
        bytes.withUnsafeBytes { bytes in
            var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            var taken = 0
            while taken < bytes.count {
                let part = tls.seal(&vector, 1, skipping: taken, into: loop.sealBuffer)
                guard part.taken > 0 else { return }
                writeOut(Array(loop.sealBuffer[..<part.sealed]))
                taken += part.taken
            }
        }
    }

    /// As `SocketWriter.write`, sealed: straight from the vectors into the loop's buffer and from there to the socket.
    /// What the socket does not take, at most a bufferful, waits in the outbox.
    public func writeSealed(_ vectors: UnsafePointer<iovec>, _ count: Int) -> SocketWriter.Outcome {
        guard let tls, !isClosed else { return .failed }
        writeEarly(tls)
        writeKept(tls)
        var total = 0
        for index in 0..<count { total += vectors[index].iov_len }
        var taken = 0
        while taken < total, !hasOutbox {
            let part = tls.seal(vectors, count, skipping: taken, into: loop.sealBuffer)
            guard part.taken > 0 else { break }
            taken += part.taken
            var vector = iovec(iov_base: loop.sealBuffer.baseAddress, iov_len: part.sealed)
            let sent: Int
            switch SocketWriter.write(descriptor, &vector, 1) {
            case .wrote(let count): sent = count
            case .full: sent = 0
            case .failed: return .failed
            }
            guard sent < part.sealed else { continue }
            outbox = Array(loop.sealBuffer[sent..<part.sealed])
            outboxSent = 0
            updateInterest()
        }
        return taken > 0 ? .wrote(taken) : .full
    }
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
