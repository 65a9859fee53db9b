/// A connection to another node over SRT: a channel of messages dressed as a connection of bytes, so that what runs on it
/// need not know.
///
/// One end of a pair of local sockets is the connection; this holds the other, and carries bytes between it and the SRT
/// socket. It costs a copy each way, once a link and not once a viewer. It lives as long as one of the two does.
import EventLoop
import SRT

final class SRTTunnel: ConnectionHandler, SRTHandler {
    /// The end for the session.
    let connection: Connection
    /// Nobody is at the peer's port any more.
    var onRefused: (() -> Void)?
    private let inner: Connection
    private let socket: SRTSocket
    /// What the SRT socket did not take.
    private var rest: [UInt8] = []
    private var sent = 0
    private var isOver = false
    private var itself: SRTTunnel?

    /// Bytes on their way in beyond which the SRT socket is left alone.
    private static let inboundLimit = 4 << 20

    /// nil when there are no descriptors.
    init?(_ socket: SRTSocket) {
        guard let pair = Connection.pair(peer: socket.peer, on: socket.loop) else { return nil }
        (connection, inner) = pair
        self.socket = socket
        itself = self
        inner.start(self)
        socket.start(self)
    }

    var statistics: SRTStatistics? { socket.statistics }

    // MARK: Out

    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        let bytes = UnsafeRawBufferPointer(bytes)
        guard rest.isEmpty else {
            rest += bytes
            return
        }
        let taken = send(bytes)
        guard taken < bytes.count, !isOver else { return }
        rest = Array(bytes[taken...])
        sent = 0
        inner.pauseReading(true)
    }

    private func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        var at = 0
        while at < bytes.count {
            let size = min(SRTSocket.messageSize, bytes.count - at)
            switch socket.send(UnsafeRawBufferPointer(rebasing: bytes[at..<(at + size)])) {
            case .sent: at += size
            case .full: return at
            case .failed:
                end()
                return at
            }
        }
        return at
    }

    // MARK: In

    func received(_ message: UnsafeRawBufferPointer) {
        inner.write(Array(message))
        if inner.outboxBytes > SRTTunnel.inboundLimit { socket.pauseReading(true) }
    }

    // MARK: Both

    /// Of either side: both have `writable` for it.
    func writable() {
        guard !isOver else { return }
        if !inner.hasOutbox { socket.pauseReading(false) }
        guard !rest.isEmpty else { return }
        sent += rest.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
        guard sent == rest.count, !isOver else { return }
        rest = []
        inner.pauseReading(false)
    }

    func refused() { onRefused?() }
    func ended(_ reason: SRTEnd) { end() }
    func ended(_ reason: ConnectionEnd) { end() }

    /// The session learns of it from its end of the pair.
    private func end() {
        guard !isOver else { return }
        isOver = true
        socket.close()
        inner.finish()
        itself = nil
    }
}
