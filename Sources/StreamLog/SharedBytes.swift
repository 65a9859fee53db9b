/// A run of bytes that lies in log segments, kept alive by being held: what a log has let go of can still be sent to who
/// asked for it. Nothing is copied. Sound to send anywhere, as only bytes below a published head are in it.
import Glibc

/// Where a frame's bytes lie, kept alive.
public struct LogPlace: Sendable {
    let segment: Segment
    let offset: Int
    public fileprivate(set) var count: Int

    /// Valid as long as this value, or what it came from, is held.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: segment.bytes + offset, count: count)
    }

    /// Where that is in the log.
    public var position: UInt64 { segment.base + UInt64(offset) }

    /// Without some bytes at its ends.
    public func trimmed(before: Int, after: Int) -> LogPlace {
        precondition(before >= 0 && after >= 0 && before + after <= count, "more is cut off than there is")
        return LogPlace(segment: segment, offset: offset + before, count: count - before - after)
    }
}

public struct SharedBytes: Sendable {
    private var places: [LogPlace] = []
    public private(set) var count = 0

    public init() {}

    public init(_ place: LogPlace) { append(place) }

    /// A copy, of bytes that lie in no log.
    public init(copying bytes: [UInt8]) {
        append(LogPlace(segment: Segment(copying: bytes), offset: 0, count: bytes.count))
    }

    /// Bytes that come from elsewhere, such as a file: `fill` writes at most `count` of them, and says how many.
    public init<Failure: Error>(
        upTo count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        let segment = Segment(capacity: count)
        let filled = try fill(UnsafeMutableRawBufferPointer(start: segment.bytes, count: count))
        precondition(filled >= 0 && filled <= count, "more was written than there is room for")
        segment.used = filled
        append(LogPlace(segment: segment, offset: 0, count: filled))
    }

    public mutating func append(_ place: LogPlace) {
        guard place.count > 0 else { return }
        count += place.count
        if let last = places.last, last.segment === place.segment, last.offset + last.count == place.offset {
            places[places.count - 1].count += place.count
        } else {
            places.append(place)
        }
    }

    public mutating func append(_ other: SharedBytes) {
        for place in other.places { append(place) }
    }

    /// The bytes of `range`, without a copy.
    public subscript(range: Range<Int>) -> SharedBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a range outside the bytes")
        var result = SharedBytes()
        var start = 0
        for place in places {
            let end = start + place.count
            let part = range.clamped(to: start..<end)
            if !part.isEmpty {
                result.append(place.trimmed(before: part.lowerBound - start, after: end - part.upperBound))
            }
            start = end
        }
        return result
    }

    /// What is to be written from `offset` on, in at most `limit` vectors.
    ///
    /// Safety: the vectors point into segments that this value keeps alive.
    public func gather(
        from offset: Int, into vectors: UnsafeMutablePointer<iovec>, limit: Int
    ) -> (count: Int, bytes: Int) {
        var skipped = offset
        var filled = (count: 0, bytes: 0)
        for place in places where filled.count < limit {
            guard skipped < place.count else {
                skipped -= place.count
                continue
            }
            let size = place.count - skipped
            vectors[filled.count] = iovec(iov_base: place.segment.bytes + place.offset + skipped, iov_len: size)
            filled.count += 1
            filled.bytes += size
            skipped = 0
        }
        return filled
    }

    /// What keeps the bytes alive.
    var owners: [Segment] { places.map(\.segment) }

    /// Visits the bytes in order, each piece with what keeps it alive.
    public func forEachPiece(_ visit: (UnsafeRawBufferPointer, _ owner: AnyObject) -> Void) {
        for place in places { visit(place.bytes, place.segment) }
    }

    /// For small things.
    public var copy: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for place in places { bytes += place.bytes }
        return bytes
    }
}

extension LogWriter {
    /// Where the frame lies that was appended last.
    public var newestPlace: LogPlace? {
        guard let segment = segments.last, segment.markCount > 0 else { return nil }
        return segment.place(of: segment.marks[segment.markCount - 1])
    }

    /// Visits retained frames from the first at or after `offset` to the last before `end`, each with where it lies.
    public func forEachPlace(
        from offset: UInt64, to end: UInt64 = .max, _ visit: (FrameMark, LogPlace) -> Void
    ) {
        for segment in segments where segment.end > offset && segment.base < end {
            for index in 0..<segment.markCount {
                let mark = segment.marks[index]
                let position = segment.base + UInt64(mark.offset)
                if position >= offset, position < end { visit(mark, segment.place(of: mark)) }
            }
        }
    }
}

extension Segment {
    fileprivate func place(of mark: FrameMark) -> LogPlace {
        LogPlace(segment: self, offset: Int(mark.offset), count: Int(mark.size))
    }
}
