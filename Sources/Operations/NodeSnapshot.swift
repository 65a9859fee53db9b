/// Everything that is reported, gathered at one moment: the input of the metrics.
public struct NodeSnapshot: Sendable, Equatable {
    /// The node as a whole.
    public var node: NodeReport
    /// Every stream.
    public var streams: [StreamReport]
    /// Every session.
    public var sessions: [SessionReport]
    /// Every connection to another node.
    public var links: [LinkReport]
    /// Every stream that is sent on to another server, by destination.
    public var pushes: [PushReport]

    public init(
        node: NodeReport, streams: [StreamReport] = [], sessions: [SessionReport] = [],
        links: [LinkReport] = [], pushes: [PushReport] = []
    ) {
        self.node = node
        self.streams = streams
        self.sessions = sessions
        self.links = links
        self.pushes = pushes
    }
}
