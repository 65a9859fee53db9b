/// A caller at the door of a listener, what may be answered, and what the operator is told of refused ones.
import EventLoop

public struct SRTCall: Sendable {
    /// As the caller sent it, at most 512 bytes; empty if it sent none. Bytes that are no UTF-8 have been replaced.
    public let streamID: String
    public let peer: Address
    /// 5 for everything since SRT 1.3, 4 for what came before, which can send no stream id.
    public let handshakeVersion: Int32
}

/// Length of the AES key. The caller's own choice prevails where it is the one that sends.
public enum SRTKeyLength: Int32, Sendable, CaseIterable {
    case aes128 = 16
    case aes192 = 24
    case aes256 = 32
}

public enum SRTAnswer: Sendable {
    /// With a passphrase the caller must have the same one, and without one it must have none; libsrt sees to that
    /// after the answer, and `refused` of the listener hears of it. `latency` in milliseconds is the least of this
    /// call, for both directions; nil leaves the listener's. What comes out is the larger of both sides' wishes.
    case accept(passphrase: String? = nil, keyLength: SRTKeyLength? = nil, latency: Int? = nil)
    /// Of 1000 and above: libsrt keeps those below for itself, and sends 1000 in their stead.
    case reject(SRTRejection)
}

/// A call that came to nothing although nobody here rejected it: a wrong or missing passphrase above all.
public struct SRTRefusal: Sendable {
    /// The call as it was answered; nil if it was refused before anybody was asked (backlog, version).
    public let call: SRTCall?
    public let reason: SRTRejection

    /// A sentence for the log.
    public var description: String {
        let who = call.map { "SRT call from \($0.peer), stream id \"\($0.streamID)\"" } ?? "an SRT call"
        return "\(who), refused: \(reason)\(advice)"
    }

    private var advice: String {
        switch reason {
        case .wrongPassphrase: "; set the same passphrase in the caller and here"
        case .encryptionMismatch: "; set a passphrase on both sides or on neither"
        case .version: "; the caller's SRT is too old"
        default: ""
        }
    }
}
