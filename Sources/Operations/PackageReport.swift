/// What is packaged of a stream for HLS at one moment.
public struct PackageReport: Sendable, Equatable {
    /// Bytes of segments and parts in memory, of all renditions.
    public var bytes: Int
    /// Media playlists: one, and one for each further audio track that is offered.
    public var renditions: Int
    /// Who has asked for a playlist lately.
    public var viewers: Int
    /// Requests that wait for a part or a playlist.
    public var waiting: Int

    public init(bytes: Int, renditions: Int = 1, viewers: Int, waiting: Int) {
        self.bytes = bytes
        self.renditions = renditions
        self.viewers = viewers
        self.waiting = waiting
    }
}
