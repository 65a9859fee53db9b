/// The writing end of a log: appends frames, remembers where a viewer can join, and lets go of what is too old.
///
/// Invariants, checked in debug builds: segments are contiguous and ascending; the join point lies in them.
public struct LogWriter {
    public struct Retention: Sendable, Equatable {
        /// How far behind the head a reader may be, in milliseconds of stream time.
        public var milliseconds: Int64
        /// The hard limit of the log's memory, whatever its duration.
        public var bytes: Int

        public init(milliseconds: Int64 = 10_000, bytes: Int = 64 << 20) {
            self.milliseconds = milliseconds
            self.bytes = bytes
        }
    }

    /// Retained, oldest first. Never more than a few hundred.
    public private(set) var segments: [Segment] = []
    /// The last of them: each frame goes there.
    private var newest: Segment?
    /// The offset after the last byte.
    public private(set) var head: UInt64
    /// Whether segments or the join point have changed since `takeUpdate`.
    private var hasNews = false
    /// Segments made since then: what readers have not been told of.
    private var untold = 0
    public private(set) var joinPoint: JoinPoint?

    private let retention: Retention

    /// One second of a 2 Mbit/s stream. Larger wastes memory on small streams; smaller costs more vectors per write.
    static let segmentBytes = 256 * 1024

    public init(retention: Retention, startingAt head: UInt64 = 0) {
        self.retention = retention
        self.head = head
    }

    public var tail: UInt64 { segments.first?.base ?? head }
    public var retainedBytes: Int { Int(head - tail) }

    public var newestTimestamp: Int64? {
        guard let newest, newest.markCount > 0 else { return nil }
        return newest.marks[newest.markCount - 1].timestamp
    }

    public var oldestMark: FrameMark? {
        guard let first = segments.first, first.markCount > 0 else { return nil }
        return first.marks[0]
    }

    /// Frames a second, by their timestamps, over at most the newest `limit` retained frames that have all of `flags`
    /// and none of `excluded`; 0 while there are not two. Milliseconds are coarse: a short run is told with a small error.
    public func rate(of flags: FrameMark.Flags, without excluded: FrameMark.Flags, limit: Int = 64) -> Double {
        var newest: Int64?
        var oldest: Int64 = 0
        var count = 0
        for segment in segments.reversed() {
            for index in (0..<segment.markCount).reversed() where count <= limit {
                let mark = segment.marks[index]
                guard mark.flags.isSuperset(of: flags), mark.flags.isDisjoint(with: excluded) else { continue }
                newest = newest ?? mark.timestamp
                oldest = mark.timestamp
                count += 1
            }
            guard count <= limit else { break }
        }
        guard let newest, newest > oldest else { return 0 }
        return Double(count - 1) * 1000 / Double(newest - oldest)
    }

    /// Makes room for `mark.size` bytes, lets `fill` write them, and indexes them. Returns the frame's offset.
    @inlinable @discardableResult
    public mutating func append(_ mark: FrameMark, fill: (UnsafeMutableRawPointer) -> Void) -> UInt64 {
        let segment = newestSegment(withRoomFor: Int(mark.size))
        fill(segment.bytes + segment.used)
        return add(mark, to: segment)
    }

    @usableFromInline mutating func add(_ mark: FrameMark, to segment: Segment) -> UInt64 {
        segment.add(mark)
        let offset = head
        head += UInt64(mark.size)
        assert(segment.end == head)
        return offset
    }

    /// Where viewers start from now on. `prologue` is what they need before the byte at `offset`.
    public mutating func setJoinPoint(_ point: JoinPoint) {
        assert(point.offset >= tail && point.offset <= head)
        joinPoint = point
        hasNews = true
    }

    @usableFromInline mutating func newestSegment(withRoomFor size: Int) -> Segment {
        if let newest, newest.hasRoom(for: size) { return newest }
        return openSegment(holding: size)
    }

    @inline(never)
    private mutating func openSegment(holding size: Int) -> Segment {
        trim(needing: size)
        let segment = Segment(base: head, capacity: max(LogWriter.segmentBytes, size))
        segments.append(segment)
        newest = segment
        untold += 1
        hasNews = true
        return segment
    }

    /// Drops whole segments that lie outside the retention. The newest keyframe is kept as long as the memory allows:
    /// a stream with keyframes further apart than the retention must still be joinable.
    private mutating func trim(needing size: Int) {
        while let oldest = segments.first {
            let overBytes = Int(head - oldest.base) + size > retention.bytes
            guard overBytes || isExpired(oldest) else { return }
            segments.removeFirst()
            if segments.isEmpty { newest = nil }
            untold = min(untold, segments.count)
            if let point = joinPoint, point.offset < tail { joinPoint = nil }
        }
    }

    private func isExpired(_ segment: Segment) -> Bool {
        guard let newest = newestTimestamp, segment.markCount > 0 else { return false }
        if let point = joinPoint, point.offset < segment.end { return false }
        return newest - segment.marks[segment.markCount - 1].timestamp > retention.milliseconds
    }

    /// What readers have not been told of. It is for all of them: each is told of a segment once.
    public mutating func takeUpdate() -> LogUpdate {
        guard hasNews else { return update(nil) }
        defer {
            hasNews = false
            untold = 0
        }
        return update(news(of: Array(segments.suffix(untold))))
    }

    /// Everything that is retained, for a reader that begins.
    public var wholeUpdate: LogUpdate { update(news(of: segments)) }

    private func news(of segments: [Segment]) -> LogUpdate.News {
        LogUpdate.News(tail: tail, joinPoint: joinPoint, segments: segments)
    }

    private func update(_ news: LogUpdate.News?) -> LogUpdate {
        LogUpdate(
            head: head, newestMarkCount: newest?.markCount ?? 0, newestTimestamp: newestTimestamp ?? 0,
            news: news)
    }

    /// Visits retained frames from the first at or after `offset`, each with its bytes.
    public func forEachFrame(from offset: UInt64, _ visit: (FrameMark, UnsafeRawBufferPointer) -> Void) {
        forEachPlace(from: offset) { mark, place in visit(mark, place.bytes) }
    }
}

/// A place where a viewer can start, and what it must have been sent before.
public struct JoinPoint: Sendable, Equatable {
    public var offset: UInt64
    /// Metadata and decoder configurations in the log's own format, stamped with the join point's time.
    public var prologue: [UInt8]
    /// Changes when the configurations do: a viewer that is moved between equal versions needs no new prologue.
    public var version: UInt32
    public var timestamp: Int64
    /// Of the publish session whose frame stands there.
    public var epoch: UInt64

    public init(offset: UInt64, prologue: [UInt8], version: UInt32, timestamp: Int64, epoch: UInt64 = 0) {
        self.offset = offset
        self.prologue = prologue
        self.version = version
        self.timestamp = timestamp
        self.epoch = epoch
    }
}
