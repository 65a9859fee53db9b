/// The reading end of a log on one loop: the segments it knows, and how to turn a cursor into bytes to write.
///
/// A cursor is nothing but an absolute offset. Invariants: `tail <= head`; bytes in `tail ..< head` are readable. It is
/// not copied: whoever looks into it for each write would count its segments' references each time.
import Glibc

/// What the writer tells a reader: the head is now here.
public struct LogUpdate: Sendable {
    public var head: UInt64
    public var tail: UInt64
    public var joinPoint: JoinPoint?
    public var newSegments: [Segment]
    public var newestMarkCount: Int
    public var newestTimestamp: Int64

    public init(
        head: UInt64, tail: UInt64, joinPoint: JoinPoint?, newSegments: [Segment], newestMarkCount: Int,
        newestTimestamp: Int64
    ) {
        self.head = head
        self.tail = tail
        self.joinPoint = joinPoint
        self.newSegments = newSegments
        self.newestMarkCount = newestMarkCount
        self.newestTimestamp = newestTimestamp
    }

    /// Takes a later update into this one, so that a loop that was busy is told once.
    public mutating func merge(_ later: LogUpdate) {
        let segments = newSegments + later.newSegments
        self = later
        newSegments = segments
    }
}

public struct LogReader: ~Copyable {
    private struct Entry {
        let segment: Segment
        var markCount: Int
    }

    private var entries: [Entry] = []
    public private(set) var head: UInt64 = 0
    private var writerTail: UInt64 = 0
    public private(set) var joinPoint: JoinPoint?
    public private(set) var newestTimestamp: Int64 = 0

    /// Vectors of one write: four segments are a second and more of any stream that fits a processor.
    public static let maxVectors = 4

    public init() {}

    /// The first offset that can still be read.
    public var tail: UInt64 { entries.first?.segment.base ?? head }

    /// Takes in what the writer published. What the writer has let go of stays readable until `dropOldest`.
    public mutating func extend(_ update: LogUpdate) {
        for segment in update.newSegments {
            // A segment that is followed by another is complete: its own count is final.
            if let last = entries.indices.last { entries[last].markCount = entries[last].segment.markCount }
            entries.append(Entry(segment: segment, markCount: 0))
        }
        if let last = entries.indices.last { entries[last].markCount = update.newestMarkCount }
        head = update.head
        writerTail = update.tail
        joinPoint = update.joinPoint
        newestTimestamp = update.newestTimestamp
    }

    /// The oldest segment and its end, if the writer has let go of it: rescue the cursors in it, then drop it.
    public var expired: (segment: Segment, end: UInt64)? {
        guard let oldest = entries.first, oldest.segment.base < writerTail else { return nil }
        return (oldest.segment, end(of: 0))
    }

    public mutating func dropOldest() { entries.removeFirst() }

    private func end(of index: Int) -> UInt64 {
        index + 1 < entries.count ? entries[index + 1].segment.base : head
    }

    /// The entry that holds `offset`; the newest is where almost every cursor is.
    private func entryIndex(of offset: UInt64) -> Int {
        var index = entries.count - 1
        while index > 0 && entries[index].segment.base > offset { index -= 1 }
        return index
    }

    /// Fills `vectors` with the bytes from `offset` up to `limit`, and returns how many vectors and bytes that is.
    public func gather(
        from offset: UInt64, to limit: UInt64, into vectors: UnsafeMutablePointer<iovec>
    ) -> (count: Int, bytes: Int) {
        precondition(offset >= tail && limit <= head)
        guard offset < limit else { return (0, 0) }
        var index = entryIndex(of: offset)
        var position = offset
        var count = 0
        while position < limit && count < LogReader.maxVectors {
            let segment = entries[index].segment
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
        for index in entryIndex(of: offset)..<entries.count where position < limit {
            let segment = entries[index].segment
            let stop = min(end(of: index), limit)
            bytes.append(
                LogPlace(segment: segment, offset: Int(position - segment.base), count: Int(stop - position)))
            position = stop
        }
        return bytes
    }

    /// The frame that `offset` lies in: its start and its end. At the head, both are the head.
    public func frame(around offset: UInt64) -> (start: UInt64, end: UInt64, timestamp: Int64) {
        guard offset < head, !entries.isEmpty else { return (head, head, newestTimestamp) }
        precondition(offset >= tail)
        let entry = entries[entryIndex(of: offset)]
        let local = offset - entry.segment.base
        var low = 0
        var high = entry.markCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if UInt64(entry.segment.marks[middle].offset) <= local { low = middle } else { high = middle }
        }
        let mark = entry.segment.marks[low]
        let start = entry.segment.base + UInt64(mark.offset)
        return (start, start + UInt64(mark.size), mark.timestamp)
    }

    /// Visits the frames from the one that starts at `offset` up to the head, as runs of each segment's marks.
    public func forEachRun(from offset: UInt64, _ visit: (Segment, Range<Int>) -> Void) {
        guard offset < head, !entries.isEmpty else { return }
        precondition(offset >= tail)
        for entry in entries[entryIndex(of: offset)...] {
            let segment = entry.segment
            var first = 0
            var end = entry.markCount
            while first < end {
                let middle = (first + end) / 2
                if segment.base + UInt64(segment.marks[middle].offset) < offset {
                    first = middle + 1
                } else {
                    end = middle
                }
            }
            if first < entry.markCount { visit(segment, first..<entry.markCount) }
        }
    }

    /// The offset of the first readable frame whose bytes satisfy `isWanted`.
    public func firstFrame(where isWanted: (UnsafeRawPointer) -> Bool) -> UInt64? {
        for entry in entries {
            for index in 0..<entry.markCount {
                let local = Int(entry.segment.marks[index].offset)
                if isWanted(entry.segment.bytes + local) { return entry.segment.base + UInt64(local) }
            }
        }
        return nil
    }

    /// The bytes of the frame that starts at `offset`, if it can be read; valid as long as nothing is dropped.
    public func bytes(at offset: UInt64) -> UnsafeRawPointer? {
        guard offset >= tail, offset < head, !entries.isEmpty else { return nil }
        let segment = entries[entryIndex(of: offset)].segment
        return UnsafeRawPointer(segment.bytes + Int(offset - segment.base))
    }

    /// The bytes of the newest frame.
    public var newestFrame: UnsafeRawPointer? {
        guard let entry = entries.last(where: { $0.markCount > 0 }) else { return nil }
        return UnsafeRawPointer(entry.segment.bytes + Int(entry.segment.marks[entry.markCount - 1].offset))
    }
}
