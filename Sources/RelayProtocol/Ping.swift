/// Asks for a sign of life, and for the peer's clock. Clocks are microseconds, of whatever origin the node's shell uses
/// throughout; Unix time serves to measure delays from the ingest node.
public struct Ping: Sendable, Equatable {
    public var token: UInt64
    public var clock: Int64

    public init(token: UInt64, clock: Int64) {
        self.token = token
        self.clock = clock
    }

    /// The answer, by the clock of who answers.
    public func answered(received: Int64, sent: Int64) -> Pong {
        Pong(token: token, pingClock: clock, received: received, sent: sent)
    }
}

/// Answers a `Ping` with its own words and the two moments at the answering node (RFC 5905 §8).
public struct Pong: Sendable, Equatable {
    public var token: UInt64
    public var pingClock: Int64
    public var received: Int64
    public var sent: Int64

    public init(token: UInt64, pingClock: Int64, received: Int64, sent: Int64) {
        self.token = token
        self.pingClock = pingClock
        self.received = received
        self.sent = sent
    }
}
