/// What ends a connection between two nodes. `reason` names a counter, `description` is the log's line, and `refusal`
/// is what the peer is told, where it is told anything.
public enum RelayError: Error, Sendable, Equatable, CustomStringConvertible {
    // The framing.
    case notRelay(firstBytes: [UInt8])
    case messageTooLarge(type: UInt8, announced: Int, limit: Int)
    case unknownMessage(type: UInt8)
    case truncated(message: MessageType)
    case badField(message: MessageType, field: String)
    case missingStream(message: MessageType)
    case unknownFrameKind(UInt8)
    case badFrameNumber(FrameNumber)

    // The handshake.
    case badMagic(UInt32)
    case noCommonVersion(ours: ClosedRange<UInt16>, theirs: ClosedRange<UInt16>)
    case selfConnection(NodeID)
    case nonceReflected
    case identityMismatch(transport: String, claimed: NodeID)
    case unexpectedNode(expected: NodeID, claimed: NodeID)
    case secretDemanded
    case secretMissing(NodeID)
    case wrongProof(NodeID)
    case beforeHandshake(type: UInt8)
    case afterHandshake(message: MessageType)
    case handshakeTimeout
    case refusedByPeer(RefusalReason, text: String)

    // Streams.
    case pathLoop(node: NodeID, path: String)
    case pathTooLong(limit: Int)
    case pathOfAnother(peer: NodeID, path: String)
    case creditOverflow(granted: UInt32, limit: Int64)
    case creditExceeded(bytes: Int)
    case silent(milliseconds: UInt64)

    /// A short stable name, for metrics.
    public var reason: String {
        switch self {
        case .notRelay: "relay_not_relay"
        case .messageTooLarge: "relay_message_too_large"
        case .unknownMessage: "relay_unknown_message"
        case .truncated: "relay_truncated_message"
        case .badField: "relay_bad_field"
        case .missingStream: "relay_missing_stream"
        case .unknownFrameKind: "relay_unknown_frame_kind"
        case .badFrameNumber: "relay_bad_frame_number"
        case .badMagic: "relay_bad_magic"
        case .noCommonVersion: "relay_no_common_version"
        case .selfConnection: "relay_self_connection"
        case .nonceReflected: "relay_nonce_reflected"
        case .identityMismatch: "relay_identity_mismatch"
        case .unexpectedNode: "relay_unexpected_node"
        case .secretDemanded: "relay_secret_demanded"
        case .secretMissing: "relay_secret_missing"
        case .wrongProof: "relay_wrong_proof"
        case .beforeHandshake: "relay_before_handshake"
        case .afterHandshake: "relay_after_handshake"
        case .handshakeTimeout: "relay_handshake_timeout"
        case .refusedByPeer: "relay_refused_by_peer"
        case .pathLoop: "relay_path_loop"
        case .pathTooLong: "relay_path_too_long"
        case .pathOfAnother: "relay_path_of_another"
        case .creditOverflow: "relay_credit_overflow"
        case .creditExceeded: "relay_credit_exceeded"
        case .silent: "relay_silent"
        }
    }

    /// What to tell the peer before closing. Nothing is said to who is no relay node, has hung up, or refused us.
    public var refusal: RefusalReason? {
        switch self {
        case .notRelay, .badMagic, .refusedByPeer, .silent: nil
        case .noCommonVersion: .version
        case .selfConnection, .nonceReflected: .selfConnection
        case .identityMismatch, .unexpectedNode, .secretDemanded, .secretMissing, .wrongProof: .notTrusted
        case .handshakeTimeout: .timeout
        case .pathLoop: .loop
        case .pathTooLong: .tooManyHops
        default: .protocolError
        }
    }
}
