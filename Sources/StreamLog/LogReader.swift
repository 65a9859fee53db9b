/// The reading end of a log on one loop: the segments it knows, and how to turn a cursor into bytes to write.
///
/// A cursor is nothing but an absolute offset. Invariants: `tail <= head`; bytes in `tail ..< head` are readable. It is
/// not copied: whoever looks into it for each write would count its segments' references each time.
import Glibc

public struct LogReader: ~Copyable {
    private var segments: [Segment] = []
    /// Where the oldest of them begins, if there is any: nobody looks at that segment for it, which lies far behind.
    private var oldestBase: UInt64 = 0
    public private(set) var head: UInt64 = 0
    /// Frames in the newest segment. One that is followed by another is complete: its own count is final.
    private var newestMarkCount = 0
    public private(set) var newestTimestamp: Int64 = 0
    private var writerTail: UInt64 = 0
    public private(set) var joinPoint: JoinPoint?

    /// Vectors of one write: four segments are a second and more of any stream that fits a processor.
    public static let maxVectors = 4

    public init() {}

    /// The first offset that can still be read.
    public var tail: UInt64 { segments.isEmpty ? head : oldestBase }

    /// Takes in what the writer published. What the writer has let go of stays readable until `dropOldest`.
    public mutating func extend(_ update: LogUpdate) {
        if let news = update.news {
            segments += news.segments
            noteOldest()
            writerTail = news.tail
            joinPoint = news.joinPoint
        }
        head = update.head
        newestMarkCount = update.newestMarkCount
        newestTimestamp = update.newestTimestamp
    }

    /// The oldest segment and its end, if the writer has let go of it: rescue the cursors in it, then drop it.
    public var expired: (segment: Segment, end: UInt64)? {
        guard let oldest = segments.first, oldest.base < writerTail else { return nil }
        return (oldest, end(of: 0))
    }

    public mutating func dropOldest() {
        segments.removeFirst()
        noteOldest()
    }

    private mutating func noteOldest() { oldestBase = segments.first?.base ?? head }

    private func end(of index: Int) -> UInt64 {
        index + 1 < segments.count ? segments[index + 1].base : head
    }

    private func markCount(of index: Int) -> Int {
        index + 1 < segments.count ? segments[index].markCount : newestMarkCount
    }

    /// The segment that holds `offset`; the newest is where almost every cursor is.
    private func index(of offset: UInt64) -> Int {
        var index = segments.count - 1
        while index > 0 && segments[index].base > offset { index -= 1 }
        return index
    }

    /// Fills `vectors` with the bytes from `offset` up to `limit`, and returns how many vectors and bytes that is.
    public func gather(
        from offset: UInt64, to limit: UInt64, into vectors: UnsafeMutablePointer<iovec>
    ) -> (count: Int, bytes: Int) {
        precondition(offset >= tail && limit <= head)
        guard offset < limit else { return (0, 0) }
        var index = index(of: offset)
        var position = offset
        var count = 0
        while position < limit && count < LogReader.maxVectors {
            let segment = segments[index]
            let stop = min(end(of: index), limit)
            vectors[count] = iovec(
                iov_base: segment.bytes + Int(position - segment.base), iov_len: Int(stop - position))
            count += 1
            position = stop
            index += 1
        }
        return (count, Int(position - offset))
    }

    /// The bytes from `offset` up to `limit`, kept alive by being held: for readers whose writing is not over when this
    /// call is.
    public func shared(from offset: UInt64, to limit: UInt64) -> SharedBytes {
        precondition(offset >= tail && limit <= head)
        var bytes = SharedBytes()
        guard offset < limit else { return bytes }
        var position = offset
        for index in index(of: offset)..<segments.count where position < limit {
            let segment = segments[index]
            let stop = min(end(of: index), limit)
            bytes.append(
                LogPlace(segment: segment, offset: Int(position - segment.base), count: Int(stop - position)))
            position = stop
        }
        return bytes
    }

    /// The frame that `offset` lies in: its start and its end. At the head, both are the head.
    public func frame(around offset: UInt64) -> (start: UInt64, end: UInt64, timestamp: Int64) {
        guard offset < head, !segments.isEmpty else { return (head, head, newestTimestamp) }
        precondition(offset >= tail)
        let index = index(of: offset)
        let segment = segments[index]
        let mark = segment.marks[mark(around: offset - segment.base, in: segment, markCount(of: index))]
        let start = segment.base + UInt64(mark.offset)
        return (start, start + UInt64(mark.size), mark.timestamp)
    }

    /// The newest of the first `count` marks that is not behind `offset`. Cursors stand near the head, and marks that
    /// nobody has looked at for a while are dear to look at: the search begins with the newest, in steps that double.
    private func mark(around offset: UInt64, in segment: Segment, _ count: Int) -> Int {
        var high = count
        var low = count - 1
        var step = 1
        while low > 0 && UInt64(segment.marks[low].offset) > offset {
            high = low
            low = max(0, low - step)
            step *= 2
        }
        while high - low > 1 {
            let middle = (low + high) / 2
            if UInt64(segment.marks[middle].offset) <= offset { low = middle } else { high = middle }
        }
        return low
    }

    /// Visits the frames from the one that starts at `offset` up to the head, as runs of each segment's marks.
    public func forEachRun(from offset: UInt64, _ visit: (Segment, Range<Int>) -> Void) {
        guard offset < head, !segments.isEmpty else { return }
        precondition(offset >= tail)
        for index in index(of: offset)..<segments.count {
            let segment = segments[index]
            let count = markCount(of: index)
            var first = 0
            var end = count
            while first < end {
                let middle = (first + end) / 2
                if segment.base + UInt64(segment.marks[middle].offset) < offset {
                    first = middle + 1
                } else {
                    end = middle
                }
            }
            if first < count { visit(segment, first..<count) }
        }
    }

    /// The offset of the first readable frame whose bytes satisfy `isWanted`.
    public func firstFrame(where isWanted: (UnsafeRawPointer) -> Bool) -> UInt64? {
        for index in segments.indices {
            let segment = segments[index]
            for mark in 0..<markCount(of: index) {
                let local = Int(segment.marks[mark].offset)
                if isWanted(segment.bytes + local) { return segment.base + UInt64(local) }
            }
        }
        return nil
    }

    /// The bytes of the frame that starts at `offset`, if it can be read; valid as long as nothing is dropped.
    public func bytes(at offset: UInt64) -> UnsafeRawPointer? {
        guard offset >= tail, offset < head, !segments.isEmpty else { return nil }
        let segment = segments[index(of: offset)]
        return UnsafeRawPointer(segment.bytes + Int(offset - segment.base))
    }

    /// The bytes of the newest frame.
    public var newestFrame: UnsafeRawPointer? {
        guard let index = segments.indices.last(where: { markCount(of: $0) > 0 }) else { return nil }
        let segment = segments[index]
        return UnsafeRawPointer(segment.bytes + Int(segment.marks[markCount(of: index) - 1].offset))
    }
}
