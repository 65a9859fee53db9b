/// What the writer of a log tells its readers: the head is now here.
///
/// Most updates say no more than that, and are copied for nothing. Segments and join points are in those alone that have
/// news of them, and behind one reference there.
public struct LogUpdate: Sendable {
    public private(set) var head: UInt64
    /// Frames in the newest segment.
    public private(set) var newestMarkCount: Int
    public private(set) var newestTimestamp: Int64
    public private(set) var news: News?

    public final class News: Sendable {
        public let tail: UInt64
        public let joinPoint: JoinPoint?
        /// Those that the reader has not been told of.
        public let segments: [Segment]

        init(tail: UInt64, joinPoint: JoinPoint?, segments: [Segment]) {
            self.tail = tail
            self.joinPoint = joinPoint
            self.segments = segments
        }
    }

    /// Takes a later update into this one, so that a loop that was busy is told once.
    public mutating func merge(_ later: LogUpdate) {
        let missed = news
        self = later
        guard let missed else { return }
        if let newest = later.news {
            news = News(tail: newest.tail, joinPoint: newest.joinPoint, segments: missed.segments + newest.segments)
        } else {
            news = missed
        }
    }
}
