/// Who is feeding a stream now. `address` and `agent` are the peer's words: escaped wherever they are written.
public struct PublisherReport: Sendable, Equatable {
    /// The session's id, as in the log and in `/api/v1/sessions`.
    public var session: String
    /// `rtmp` today.
    public var `protocol`: String
    /// Address and port of the peer.
    public var address: String
    /// What the encoder calls itself (`flashVer`), empty if it does not.
    public var agent: String
    /// Seconds since the publish began.
    public var since: Double

    public init(
        session: String, protocol: String = "rtmp", address: String = "", agent: String = "", since: Double = 0
    ) {
        self.session = session
        self.protocol = `protocol`
        self.address = address
        self.agent = agent
        self.since = since
    }
}
