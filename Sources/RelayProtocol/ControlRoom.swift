/// Control plane. Where clients may go for whom this node has no room, told by a dispatcher while the node is near one of
/// its limits: so it can answer at once, and when no dispatcher is left.
public struct Room: Sendable, Equatable {
    /// For clients that can be sent nowhere.
    public var retrySeconds: UInt16
    /// The best first, no more than `RelayLimits.places`; none where all are full.
    public var places: [Place]

    /// A node with room, and where its clients dial it; each address follows the rule of `Register`.
    public struct Place: Hashable, Sendable {
        public var node: NodeID
        public var roles: NodeRoles
        public var rtmp: String
        public var http: String

        public init(node: NodeID, roles: NodeRoles, rtmp: String, http: String) {
            self.node = node
            self.roles = roles
            self.rtmp = rtmp
            self.http = http
        }
    }

    public init(retrySeconds: UInt16, places: [Place]) {
        self.retrySeconds = retrySeconds
        self.places = places
    }
}
