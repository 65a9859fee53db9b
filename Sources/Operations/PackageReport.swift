/// What is packaged of a stream for HLS at one moment.
public struct PackageReport: Sendable, Equatable {
    /// Bytes of segments and parts in memory.
    public var bytes: Int
    /// Who has asked for a playlist lately.
    public var viewers: Int
    /// Requests that wait for a part or a playlist.
    public var waiting: Int

    public init(bytes: Int, viewers: Int, waiting: Int) {
        self.bytes = bytes
        self.viewers = viewers
        self.waiting = waiting
    }
}
