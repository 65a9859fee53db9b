/// Who publishes, and what the stream must know of them: to tell the same encoder that comes back from a stranger.
import EventLoop

public struct Publisher: Sendable {
    public let session: String
    public let label: String
    public let address: String
    public let agent: String
    /// What makes two publish attempts the same publisher: the address, or the token it proved.
    public let identity: String
    /// Milliseconds of Unix time.
    public let since: UInt64
    /// The stream comes from another node: whoever publishes here goes first.
    public let isUpstream: Bool
    /// What the encoder says of its rank among several of one stream; nil if it says nothing.
    public let priority: UInt16?
    /// Ends the publish session. Callable from any loop.
    public let end: @Sendable (PublishEnd) -> Void

    public init(
        session: String, label: String, address: String, agent: String, identity: String, since: UInt64,
        isUpstream: Bool = false, priority: UInt16? = nil, end: @escaping @Sendable (PublishEnd) -> Void
    ) {
        self.session = session
        self.label = label
        self.address = address
        self.agent = agent
        self.identity = identity
        self.since = since
        self.isUpstream = isUpstream
        self.priority = priority
        self.end = end
    }
}

public enum PublishEnd: Sendable, Equatable {
    /// The same publisher has come back, or a rule lets another one take over.
    case replaced(by: String)
    case kicked
}

public enum TakeoverPolicy: Sendable {
    case same, always, never
}

public enum PublishRefusal: Error, Sendable, Equatable {
    case busy(publisher: String)
    case tooManyStreams

    public var description: String {
        switch self {
        case .busy(let publisher): "the stream is being published by \(publisher)"
        case .tooManyStreams: "the node carries as many streams as limits.streams allows"
        }
    }
}
