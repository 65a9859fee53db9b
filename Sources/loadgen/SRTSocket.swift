//! One SRT socket of libsrt in live mode, never blocking. A value: whoever opened it closes it.
//!
//! Connecting and receiving are told by `Poller`; what a call reports comes from the thread that made it.

import CSRT
import CSystem
@preconcurrency import Glibc

/// What the command line says about SRT.
struct SRTSettings {
    /// Milliseconds that a receiver holds packets back, so that lost ones can come again; the larger of both ends'.
    var latency: Int32 = 120
    var passphrase: String?
}

struct SRTSocket: Equatable {
    enum Received {
        case bytes(Int)
        case nothing
        case broken(String)
    }

    /// Bytes of a message: seven TS packets.
    static let messageSize = 7 * TSWriter.packetSize
    /// Milliseconds that an accepting server may take, on a machine where many connect at once.
    private static let connectPatience: Int32 = 10_000

    private static let isStarted: Bool = {
        guard srt_startup() >= 0 else { return false }
        // libsrt's threads must have ended before the process takes what they use from under them.
        atexit { srt_cleanup() }
        return true
    }()

    /// libsrt says only what is fatal: the program's own lines tell the rest.
    static func hush() { srt_setloglevel(LOG_CRIT) }

    let handle: SRTSOCKET

    init(_ settings: SRTSettings, streamID: String? = nil) throws(Failure) {
        guard SRTSocket.isStarted else { throw Failure("libsrt does not start") }
        handle = srt_create_socket()
        guard handle >= 0 else { throw SRTSocket.failure("cannot create an SRT socket") }
        try set(SRTO_RCVSYN, 0)
        try set(SRTO_SNDSYN, 0)
        try set(SRTO_LATENCY, settings.latency)
        try set(SRTO_CONNTIMEO, SRTSocket.connectPatience)
        if let passphrase = settings.passphrase { try set(SRTO_PASSPHRASE, passphrase, "--passphrase") }
        if let streamID { try set(SRTO_STREAMID, streamID, "the stream id") }
    }

    private init(accepted: SRTSOCKET) { handle = accepted }

    private func set(_ option: SRT_SOCKOPT, _ value: Int32) throws(Failure) {
        var value = value
        guard srt_setsockflag(handle, option, &value, 4) == 0 else {
            throw SRTSocket.failure("libsrt refuses option \(option.rawValue) = \(value)")
        }
    }

    private func set(_ option: SRT_SOCKOPT, _ text: String, _ name: String) throws(Failure) {
        let bytes = Array(text.utf8)
        guard srt_setsockflag(handle, option, bytes, Int32(bytes.count)) == 0 else {
            throw SRTSocket.failure("libsrt refuses \(name) (a passphrase has 10 to 79 characters)")
        }
    }

    private static func failure(_ what: String) -> Failure { Failure("\(what): \(reason)") }

    private static var reason: String { String(cString: srt_getlasterror_str()) }

    /// Starts a connection; the socket becomes writable when it stands, broken when it was refused.
    func connect(to address: Address) throws(Failure) {
        guard withAddress(address, { srt_connect(handle, $0, $1) }) >= 0 else {
            throw SRTSocket.failure("cannot connect")
        }
    }

    /// Takes callers from now on; returns the port.
    func listen(on address: Address) throws(Failure) -> UInt16 {
        guard withAddress(address, { srt_bind(handle, $0, $1) }) == 0, srt_listen(handle, 1024) == 0 else {
            throw SRTSocket.failure("cannot listen")
        }
        return localPort
    }

    /// Takes a local port for a connection, on any address of the family; 0 is a free one. Sockets may share it.
    func bind(port: UInt16, towards address: Address) -> Bool {
        var local = sockaddr_storage()
        local.ss_family = address.raw.storage.ss_family
        return withUnsafeMutableBytes(of: &local) { raw in
            // The port is at the same place for both families; an address of zeros is any.
            raw[2] = UInt8(port >> 8)
            raw[3] = UInt8(port & 0xff)
            let name = raw.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return srt_bind(handle, name, Int32(address.raw.length)) == 0
        }
    }

    /// 0 before it has one.
    var localPort: UInt16 {
        var bound = sockaddr_storage()
        var length = Int32(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &bound) { raw in
            let result = srt_getsockname(handle, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
            return result == 0 ? UInt16(raw[2]) << 8 | UInt16(raw[3]) : 0
        }
    }

    private func withAddress(_ address: Address, _ body: (UnsafePointer<sockaddr>, Int32) -> Int32) -> Int32 {
        withUnsafeBytes(of: address.raw.storage) {
            body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), Int32(address.raw.length))
        }
    }

    /// A caller who is through the handshake, if there is one. It inherits the listener's settings.
    func accept() -> SRTSocket? {
        let caller = srt_accept(handle, nil, nil)
        return caller >= 0 ? SRTSocket(accepted: caller) : nil
    }

    var isConnected: Bool { srt_getsockstate(handle) == SRTS_CONNECTED }

    /// Why the connection was not made.
    var refusal: String {
        let code = srt_getrejectreason(handle)
        return "refused: \(code) (\(String(cString: srt_rejectreason_str(code))))"
    }

    /// One whole message.
    func receive(_ buffer: UnsafeMutableRawBufferPointer) -> Received {
        let count = srt_recvmsg(handle, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), Int32(buffer.count))
        if count > 0 { return .bytes(Int(count)) }
        if count == 0 { return .broken("closed by the server") }
        if srt_getlasterror(nil) == Int32(SRT_EASYNCRCV.rawValue) { return .nothing }
        return .broken("closed: \(SRTSocket.reason)")
    }

    /// Whether another message is there. libsrt tells of an empty buffer by a C++ exception, which costs more than this.
    var hasMessage: Bool {
        var events: Int32 = 0
        var length: Int32 = 4
        guard srt_getsockflag(handle, SRTO_EVENT, &events, &length) == 0 else { return true }
        return UInt32(bitPattern: events) & LOADGEN_READABLE != 0
    }

    enum Sent: Equatable {
        case taken
        case full
        case broken(String)
    }

    func send(_ message: UnsafeRawBufferPointer) -> Sent {
        let bytes = message.baseAddress!.assumingMemoryBound(to: CChar.self)
        if srt_sendmsg2(handle, bytes, Int32(message.count), nil) >= 0 { return .taken }
        let code = srt_getlasterror(nil)
        if code == Int32(SRT_EASYNCSND.rawValue) || code == Int32(SRT_ECONGEST.rawValue) { return .full }
        return .broken(SRTSocket.reason)
    }

    /// What both ends agreed on, in nanoseconds: how long this end, or the one that it sends to, holds packets back.
    func latency(ofPeer: Bool) -> UInt64 {
        var value: Int32 = 0
        var length: Int32 = 4
        guard srt_getsockflag(handle, ofPeer ? SRTO_PEERLATENCY : SRTO_RCVLATENCY, &value, &length) == 0 else {
            return 0
        }
        return UInt64(max(0, value)) * nanosecondsPerMillisecond
    }

    /// What libsrt counted so far; nil when the connection is gone.
    var counts: SRTCounts? {
        var stats = SRT_TRACEBSTATS()
        guard srt_bstats(handle, &stats, 0) == 0 else { return nil }
        return SRTCounts(stats)
    }

    func close() { _ = srt_close(handle) }
}
