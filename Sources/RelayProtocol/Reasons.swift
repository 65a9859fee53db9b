/// The reasons that travel as numbers. A number that this version does not know is kept: what was meant is in the text.

/// Why something that a peer asked for is not given: a subscription, an announcement, or the connection itself.
public struct RefusalReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let protocolError = RefusalReason(rawValue: 1)
    public static let version = RefusalReason(rawValue: 2)
    public static let notTrusted = RefusalReason(rawValue: 3)
    public static let selfConnection = RefusalReason(rawValue: 4)
    public static let timeout = RefusalReason(rawValue: 5)
    /// The stream is not here, and not on its way.
    public static let unknownStream = RefusalReason(rawValue: 16)
    /// The stream comes through the node that asks.
    public static let loop = RefusalReason(rawValue: 17)
    public static let tooManyHops = RefusalReason(rawValue: 18)
    /// A hard limit is met; the places say who has room.
    public static let overloaded = RefusalReason(rawValue: 19)
    public static let draining = RefusalReason(rawValue: 20)
    /// A newer publish session of the stream is known.
    public static let fenced = RefusalReason(rawValue: 21)
    public static let forbidden = RefusalReason(rawValue: 22)

    public var description: String {
        switch self {
        case .protocolError: "protocol error"
        case .version: "no common version"
        case .notTrusted: "not trusted"
        case .selfConnection: "connection to itself"
        case .timeout: "timeout"
        case .unknownStream: "unknown stream"
        case .loop: "loop"
        case .tooManyHops: "too many hops"
        case .overloaded: "overloaded"
        case .draining: "draining"
        case .fenced: "fenced"
        case .forbidden: "forbidden"
        default: "reason \(rawValue)"
        }
    }
}

/// Why a stream that was subscribed to comes no more.
public struct EndReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The publisher has gone and not come back.
    public static let publisherLeft = EndReason(rawValue: 1)
    /// The sender lost its own parent and found no other: ask elsewhere.
    public static let upstreamLost = EndReason(rawValue: 2)
    public static let fenced = EndReason(rawValue: 3)
    /// By the sender's operator.
    public static let stopped = EndReason(rawValue: 4)
    /// The sender's path would now lead through the receiver.
    public static let loop = EndReason(rawValue: 5)

    public var description: String {
        switch self {
        case .publisherLeft: "the publisher left"
        case .upstreamLost: "the upstream was lost"
        case .fenced: "fenced by a newer publish session"
        case .stopped: "stopped by the operator"
        case .loop: "its path would be a loop"
        default: "reason \(rawValue)"
        }
    }
}
