/// How an SRT connection is set up: flavour, latency, encryption; and what that means in libsrt's options.
///
/// Sizes: a sender's buffer grows with what is not yet acknowledged, so the limits below cost nothing until they are
/// needed; what every connection pays at once are libsrt's lists of lost packets, which follow the flight window.
import CSRT

public enum SRTFlavour: Sendable {
    /// Live media: each packet is given out a fixed latency after it was sent, or is dropped if it is too late.
    case media
    /// A reliable, ordered channel of messages without added delay, for links between nodes: nothing is ever dropped.
    case link
}

public struct SRTOptions: Sendable {
    public var streamID: String
    public var passphrase: String?
    public var keyLength: SRTKeyLength?
    /// Milliseconds; of no meaning for a link.
    public var latency: Int
    public var flavour: SRTFlavour
    /// Milliseconds of silence after which the peer counts as gone.
    public var idleTimeout: Int

    public init(
        streamID: String = "", passphrase: String? = nil, keyLength: SRTKeyLength? = nil,
        latency: Int = SRTOptions.defaultLatency, flavour: SRTFlavour = .media,
        idleTimeout: Int = SRTOptions.defaultIdleTimeout
    ) {
        self.streamID = streamID
        self.passphrase = passphrase
        self.keyLength = keyLength
        self.latency = latency
        self.flavour = flavour
        self.idleTimeout = idleTimeout
    }

    /// Milliseconds; libsrt's own default, too.
    public static let defaultLatency = 120
    /// Milliseconds: libsrt's default.
    public static let defaultIdleTimeout = 5_000
    /// Bytes of the longest stream id that SRT carries.
    public static let longestStreamID = 512
    /// Bytes of a passphrase that SRT takes.
    public static let passphraseLengths = 10...79
    /// Milliseconds of the longest latency: what the handshake's sixteen bits hold.
    public static let longestLatency = 65_535

    /// What is wrong with a passphrase; nil if nothing is.
    public static func fault(ofPassphrase passphrase: String) -> String? {
        passphraseLengths.contains(passphrase.utf8.count)
            ? nil : "an SRT passphrase has 10 to 79 bytes; this one has \(passphrase.utf8.count)"
    }

    /// What libsrt would not take; nil if it takes everything.
    var fault: String? {
        if let fault = passphrase.flatMap(SRTOptions.fault(ofPassphrase:)) { return fault }
        if streamID.utf8.count > SRTOptions.longestStreamID {
            return "an SRT stream id has at most 512 bytes; this one has \(streamID.utf8.count)"
        }
        if !(0...SRTOptions.longestLatency).contains(latency) {
            return "an SRT latency is 0 to 65535 ms, not \(latency)"
        }
        return nil
    }

    /// Packets on their way or waiting, in each direction. 8192 packets of 1316 bytes are 1.7 s of 50 Mbit/s, so that
    /// 500 ms of latency and a retransmission or two fit in.
    private static let mediaWindow: Int32 = 8_192
    /// 27 MB: a gigabit over 200 ms.
    private static let linkWindow: Int32 = 20_480
    /// What libsrt counts for a packet in its buffers' sizes: an Ethernet frame without the headers of IP and UDP.
    private static let packetCharge: Int32 = 1_472
    /// Bytes of the kernel's buffers, shared by all connections of a port; the system may allow less (rmem_max).
    private static let kernelReceiveBuffer: Int32 = 4 << 20
    private static let kernelSendBuffer: Int32 = 1 << 20

    /// What must be there before the socket is bound.
    static func prepare(_ handle: Handle, _ flavour: SRTFlavour) {
        let window = flavour == .media ? mediaWindow : linkWindow
        handle.set(SRTO_TRANSTYPE, Int32(SRTT_LIVE.rawValue))
        handle.set(SRTO_RCVSYN, 0)
        handle.set(SRTO_SNDSYN, 0)
        // The window first: the receive buffer may not be larger.
        handle.set(SRTO_FC, window)
        handle.set(SRTO_RCVBUF, window * packetCharge)
        handle.set(SRTO_SNDBUF, window * packetCharge)
        handle.set(SRTO_UDP_RCVBUF, kernelReceiveBuffer)
        handle.set(SRTO_UDP_SNDBUF, kernelSendBuffer)
        handle.set(SRTO_PAYLOADSIZE, Int32(SRTSocket.messageSize))
        handle.set(SRTO_ENFORCEDENCRYPTION, 1)
        guard flavour == .link else { return }
        handle.set(SRTO_TSBPDMODE, 0)
        handle.set(SRTO_TLPKTDROP, 0)
        handle.set(SRTO_NAKREPORT, 0)
    }

    /// The rest, which may still come in the listen callback.
    static func secure(_ handle: Handle, passphrase: String?, keyLength: SRTKeyLength?) {
        guard let passphrase else { return }
        handle.set(SRTO_PASSPHRASE, passphrase)
        if let keyLength { handle.set(SRTO_PBKEYLEN, keyLength.rawValue) }
    }

    func apply(to handle: Handle) {
        SRTOptions.prepare(handle, flavour)
        SRTOptions.secure(handle, passphrase: passphrase, keyLength: keyLength)
        handle.set(SRTO_LATENCY, Int32(clamping: latency))
        handle.set(SRTO_PEERIDLETIMEO, Int32(clamping: idleTimeout))
        if !streamID.isEmpty { handle.set(SRTO_STREAMID, streamID) }
    }
}
