/// What a peer may ask of a session. Everything that a peer controls and that costs memory or time has its line here.
public struct Limits: Sendable, Equatable {
    /// Bytes of one message. A keyframe of a 50 Mbit/s stream fits with room to spare.
    public var maxMessage = 8 << 20
    /// Bytes of an inbound chunk. Larger is not legal, for a message is no longer than this (RTMP 1.0 §5.4.1).
    public var maxChunkSize: UInt32 = 0xFFFFFF
    /// Chunk streams on one connection. Encoders use four to eight.
    public var maxChunkStreams = 64
    /// Bytes of all unfinished messages of a connection together.
    public var maxTotalPartial = 12 << 20
    /// Bytes of one command message.
    public var maxCommand = 64 << 10
    /// Commands before a publish or a play is accepted, and between two of them.
    public var maxCommandsBeforeMedia = 64
    /// Bytes of answers that wait for `takeOutput`.
    public var maxOutput = 1 << 20
    /// Bytes of app, stream and query of one request together.
    public var maxName = 2048
    /// Nesting of AMF objects and arrays.
    public var maxAMFDepth = 16
    /// Values in one AMF message, whatever their nesting.
    public var maxAMFValues = 4096
    /// Bytes of one AMF string.
    public var maxAMFString = 32 << 10

    public init() {}

    /// What is left to a viewer: acknowledgements, pings and small commands.
    public static var player: Limits {
        var limits = Limits()
        limits.maxMessage = 64 << 10
        limits.maxTotalPartial = 64 << 10
        limits.maxChunkStreams = 16
        limits.maxOutput = 64 << 10
        return limits
    }
}
