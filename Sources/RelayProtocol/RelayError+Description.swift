/// What was wrong, where, and what to do: for the operator who reads the log, or the peer's operator.
extension RelayError {
    public var description: String {
        switch self {
        case .notRelay(let bytes):
            "the peer does not speak the relay protocol (it began with \(RelayError.show(bytes))); "
                + "check that the address is a node's relay port, and that both ends use TLS or neither"
        case .badMagic(let magic):
            "the peer's hello begins with \(String(magic, radix: 16)) and not with the relay protocol's mark"
        case .messageTooLarge(let type, let announced, let limit):
            "a message of type \(type) announces \(announced) bytes; the limit is \(limit)"
        case .unknownMessage(let type):
            "a message of type \(type), which this version does not know and must not skip; upgrade this node"
        case .truncated(let message): "a message \(message) ends before its last field"
        case .badField(let message, let field): "the \(field) in a message \(message) is not valid"
        case .missingStream(let message): "a message \(message) names stream 0, which is none"
        case .unknownFrameKind(let kind): "a frame of kind \(kind), which is neither audio, video nor script"
        case .badFrameNumber(let number): "a frame's number is \(number); epochs and sequences lie in 1 ... 2^62"
        default: handshakeDescription
        }
    }

    private var handshakeDescription: String {
        switch self {
        case .noCommonVersion(let ours, let theirs):
            "no common version: we speak \(RelayError.show(ours)), the peer \(RelayError.show(theirs)); "
                + "upgrade the older node"
        case .selfConnection(let node):
            "the peer is called \(node), as this node is: a node's address leads back to itself, "
                + "or two nodes have one id"
        case .nonceReflected: "the peer sent our own nonce back; this is a reflection of our hello, not a node"
        case .identityMismatch(let transport, let claimed):
            "the peer's certificate is for \(transport), its hello says \(claimed); they have to agree"
        case .unexpectedNode(let expected, let claimed):
            "node \(expected) was dialled and \(claimed) answered; check the node's address in the topology"
        case .secretDemanded:
            "the peer demands a shared secret, and this node has none; set the same relay secret on both"
        case .secretMissing(let node):
            "node \(node) has no relay secret, and this node demands one; set the same relay secret on both"
        case .wrongProof(let node): "the proof of node \(node) is wrong: its relay secret is not the one of this node"
        case .beforeHandshake(let type): "a message of type \(type) came before the handshake was through"
        case .afterHandshake(let message): "a message \(message) came where the handshake does not expect one"
        case .handshakeTimeout:
            "the handshake took more than \(RelayLimits.handshakeNanoseconds / 1_000_000_000) s"
        case .refusedByPeer(let reason, let text):
            "the peer refused the connection (\(reason))" + (text.isEmpty ? "" : "; it says: \(text)")
        default: streamDescription
        }
    }

    private var streamDescription: String {
        switch self {
        case .pathLoop(let node, let path): "node \(node) would be in the stream's path twice: \(path)"
        case .pathTooLong(let limit): "the stream's path has more than \(limit) nodes"
        case .pathOfAnother(let peer, let path):
            "node \(peer) told a path that does not end with itself: \(path)"
        case .creditOverflow(let granted, let limit):
            "the peer granted \(granted) bytes of credit on top of what it had granted; the limit is \(limit)"
        case .creditExceeded(let bytes): "the peer sent a frame of \(bytes) bytes without credit for it"
        case .silent(let milliseconds): "nothing was heard from the peer for \(milliseconds) ms"
        default: reason
        }
    }

    private static func show(_ versions: ClosedRange<UInt16>) -> String {
        versions.count == 1 ? "\(versions.lowerBound)" : "\(versions.lowerBound) to \(versions.upperBound)"
    }

    /// Printable bytes as text, others as hexadecimal numbers.
    private static func show(_ bytes: [UInt8]) -> String {
        if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return "\"" + String(decoding: bytes, as: UTF8.self) + "\"" }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
