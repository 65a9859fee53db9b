/// One SRT connection on a loop, accepted or dialled. Data plane: reads are handed on from the loop's one buffer, sends
/// go straight into libsrt's, and neither allocates here.
///
/// Invariant: after `close` no method of the handler is called.
import CSRT
import EventLoop

public protocol SRTHandler: AnyObject {
    /// One message, as the peer has sent it. The bytes are valid during the call only.
    func received(_ message: UnsafeRawBufferPointer)
    /// After a `send` that found no room: there is room again.
    func writable()
    /// What was sent came back: nobody is at the peer's port any more. Of connections that were dialled; what a listener
    /// took has ended with it.
    func refused()
    /// Nothing more will come. The socket is still to be closed.
    func ended(_ reason: SRTEnd)
}

extension SRTHandler {
    public func refused() {}
}

public enum SRTEnd: Sendable, Equatable, CustomStringConvertible {
    case closedByPeer
    /// Nothing was heard of the peer for the idle timeout.
    case broken
    /// The peer's machine says that nobody is at its port any more: the process was killed.
    case refused
    /// libsrt gave up for a reason of its own.
    case failed(String)

    public var description: String {
        switch self {
        case .closedByPeer: "closed by peer"
        case .broken: "nothing heard of the peer for too long"
        case .refused: "the peer is gone without a word: its port is closed"
        case .failed(let reason): "libsrt: \(reason)"
        }
    }
}

public enum SRTSend: Sendable, Equatable {
    case sent
    /// Nothing was taken; `writable` follows when there is room.
    case full
    /// The connection is over, which `ended` tells, or the message is too long.
    case failed
}

public final class SRTSocket: WatchOwner {
    /// Bytes of the longest message that is sent: seven TS packets, which fit into every usual path's datagram.
    public static let messageSize = 1_316

    public let peer: Address
    /// As the caller sent it.
    public let streamID: String
    /// Milliseconds, as negotiated: how long after its sending a packet is given out, here and at the peer.
    public let receiveLatency: Int
    public let sendLatency: Int
    public let isEncrypted: Bool
    public private(set) var isClosed = false
    /// Payload, without headers and retransmissions.
    public private(set) var bytesIn: UInt64 = 0
    public private(set) var bytesOut: UInt64 = 0
    /// When a message was last received, by the loop's clock.
    public private(set) var lastReceived: UInt64

    public unowned let loop: Loop
    let handle: Handle
    private var calling: CallingSocket?
    private var hearing: Hearing?
    private let idleTimeout: UInt64
    private var handler: (any SRTHandler)?
    private var watch: Watch?
    private var reading = true
    private var wantsWritable = false
    private var isRefused = false
    private var doubt: Timer?
    private var ended = false
    private var lastSent: UInt64 = 0

    /// Messages of one connection in one turn, so that a flood of them does not hold up the others.
    private static let messagesPerTurn = 64
    /// Bytes of the longest message that can arrive: an Ethernet frame's.
    private static let longestMessage: Int32 = 1_500

    /// `calling` and `peer` for one that was dialled: libsrt may know the peer later than the connection. `hearing` for
    /// one that was accepted.
    init(
        _ handle: Handle, _ calling: CallingSocket? = nil, peer: Address? = nil, hearing: Hearing? = nil, on loop: Loop
    ) {
        self.handle = handle
        self.calling = calling
        self.hearing = hearing
        self.loop = loop
        self.peer = peer ?? handle.peer ?? Address(host: "", port: 0)
        streamID = handle.text(SRTO_STREAMID)
        let isTimed = handle.number(SRTO_TSBPDMODE) != 0
        receiveLatency = isTimed ? Int(handle.number(SRTO_RCVLATENCY) ?? 0) : 0
        sendLatency = isTimed ? Int(handle.number(SRTO_PEERLATENCY) ?? 0) : 0
        idleTimeout = UInt64(handle.number(SRTO_PEERIDLETIMEO) ?? 0)
        let secured = Int32(SRT_KM_S_SECURED.rawValue)
        isEncrypted = handle.number(SRTO_RCVKMSTATE) == secured || handle.number(SRTO_SNDKMSTATE) == secured
        lastReceived = loop.now
        calling?.onRefused = { [unowned self] in if !ended { handler?.refused() } }
    }

    deinit { close() }

    /// Starts reading. The socket keeps its handler until it is closed, or another takes its place.
    public func start(_ handler: any SRTHandler) {
        guard !isClosed else { return }
        self.handler = handler
        guard watch == nil else { return }
        let watch = Watch(handle, on: loop, owner: self)
        self.watch = watch
        hearing?.enter(handle, peer, watch.inbox)
    }

    /// What is not read waits in libsrt's buffer; a sender of a link is held up when that is full, and live media is
    /// dropped as it gets too old.
    public func pauseReading(_ paused: Bool) {
        guard reading == paused else { return }
        reading = !paused
        if reading { watch?.again(Watch.readable) }
    }

    /// Hot: one call per viewer and seven TS packets.
    public func send(_ message: UnsafeRawBufferPointer) -> SRTSend {
        guard !isClosed else { return .failed }
        var control = srt_msgctrl_default
        control.inorder = 1
        let sent = srt_sendmsg2(
            handle.id, message.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(message.count), &control)
        if sent >= 0 {
            bytesOut += UInt64(message.count)
            lastSent = loop.now
            return .sent
        }
        guard srt_getlasterror(nil) == SRT_EASYNCSND.rawValue else { return .failed }
        wantsWritable = true
        return .full
    }

    /// The state of now; nil when the connection is over.
    public var statistics: SRTStatistics? { SRTStatistics(handle) }

    /// What was sent and is not yet acknowledged is discarded; libsrt tells the peer.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        handler = nil
        calling?.onRefused = nil
        calling = nil
        doubt = nil
        hearing?.leave(handle, peer)
        hearing = nil
        guard let watch else { return handle.close() }
        watch.close()
        self.watch = nil
    }

    // MARK: On the loop, from the engine

    func happened(_ events: Int32) {
        // Of one that has said goodbye meanwhile libsrt tells, too.
        if events & Watch.refused != 0 && handle.isConnected { isRefused = true }
        if events & Watch.doubted != 0 { listenForLife() }
        if isRefused || events & (Watch.readable | Watch.broken) != 0 { read(isBroken: events & Watch.broken != 0) }
        if !isClosed && !ended && wantsWritable && events & Watch.writable != 0 {
            wantsWritable = false
            handler?.writable()
        }
    }

    private func read(isBroken: Bool) {
        guard reading || isBroken else { return }
        for _ in 0..<SRTSocket.messagesPerTurn {
            guard !isClosed && !ended else { return }
            let count = srt_recvmsg2(
                handle.id, loop.readBuffer.baseAddress?.assumingMemoryBound(to: CChar.self),
                SRTSocket.longestMessage, nil)
            guard count > 0 else { return readNothing() }
            bytesIn += UInt64(count)
            lastReceived = loop.now
            handler?.received(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<Int(count)]))
        }
        if !isClosed { watch?.again(isBroken ? Watch.readable | Watch.broken : Watch.readable) }
    }

    /// Somebody says that the peer is gone, and proves nothing.
    private func listenForLife() {
        guard doubt == nil, !ended, let before = handle.signsOfLife else { return }
        doubt = Timer(on: loop) { [unowned self] in
            doubt = nil
            guard let now = handle.signsOfLife, now.areDue, now.count == before.count else { return }
            isRefused = true
            watch?.again(Watch.readable)
        }
        doubt?.arm(after: SRTSocket.doubtful)
    }

    /// Milliseconds of silence that bear out what somebody says.
    private static let doubtful: UInt64 = 500

    private func readNothing() {
        let code = srt_getlasterror(nil)
        guard !ended, isRefused || code != SRT_EASYNCRCV.rawValue else { return }
        ended = true
        if code == SRT_EASYNCRCV.rawValue {
            handler?.ended(.refused)
            return
        }
        let isOver = code == SRT_ECONNLOST.rawValue || code == SRT_ENOCONN.rawValue || code == SRT_EINVSOCK.rawValue
        handler?.ended(isOver ? (wasSilent ? .broken : .closedByPeer) : .failed(Handle.lastError))
    }

    /// libsrt has one error for a peer that has said goodbye and one that has gone silent. What has waited for its
    /// acknowledgement for a while, and a publisher that has sent nothing for the idle timeout, tell of silence.
    private var wasSilent: Bool {
        if bytesIn > 0 && loop.now - lastReceived >= idleTimeout { return true }
        var packets = 0
        let span = srt_getsndbuffer(handle.id, &packets, nil)
        return packets > 0 && (span >= SRTSocket.silence || loop.now - lastSent >= UInt64(SRTSocket.silence))
    }

    /// Milliseconds for which what was sent stays unacknowledged only if nobody is there.
    private static let silence: Int32 = 900
}
