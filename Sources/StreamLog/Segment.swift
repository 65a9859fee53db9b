/// A piece of a log: bytes that are written once, in order, by the home loop, and read by every loop.
///
/// Invariants: a frame never spans two segments; offsets are absolute in the log (`base ..< base + used`); what lies
/// before a published head never changes. `@unchecked Sendable` is sound because readers look only at bytes and marks
/// below the head (and mark count) that reached them through a lock, and the writer only touches what is above it.
import Media

public final class Segment: @unchecked Sendable {
    /// The log offset of the first byte.
    public let base: UInt64
    public let bytes: UnsafeMutableRawPointer
    public let capacity: Int
    public let marks: UnsafeMutablePointer<FrameMark>

    /// The writer's own figures: readers use those that were published to them.
    @usableFromInline var used = 0
    var markCount = 0

    /// Frames that one segment can index.
    static let markCapacity = 512

    /// The bytes and marks of a segment of the usual size.
    static let blockSize = LogWriter.segmentBytes + markCapacity * MemoryLayout<FrameMark>.stride
    /// Where the block goes back to.
    private let memory: SegmentMemory?

    init(base: UInt64, capacity: Int) {
        self.base = base
        self.capacity = capacity
        let memory = capacity == LogWriter.segmentBytes ? SegmentMemory.shared : nil
        if let block = memory?.take() {
            self.memory = memory
            bytes = block
            marks = (block + capacity).bindMemory(to: FrameMark.self, capacity: Segment.markCapacity)
        } else {
            self.memory = nil
            bytes = .allocate(byteCount: capacity, alignment: 16)
            marks = .allocate(capacity: Segment.markCapacity)
        }
    }

    /// Of no log: room for bytes, without marks.
    init(capacity: Int) {
        base = 0
        self.capacity = capacity
        memory = nil
        bytes = .allocate(byteCount: max(1, capacity), alignment: 16)
        marks = .allocate(capacity: 0)
    }

    /// Of no log: holds these bytes, without marks.
    convenience init(copying copied: [UInt8]) {
        self.init(capacity: copied.count)
        used = copied.count
        copied.withUnsafeBytes { if let from = $0.baseAddress { bytes.copyMemory(from: from, byteCount: $0.count) } }
    }

    deinit {
        if let memory { return memory.give(bytes) }
        bytes.deallocate()
        marks.deallocate()
    }

    var end: UInt64 { base + UInt64(used) }

    /// The bytes that follow on those in use are a frame's now.
    func add(_ mark: FrameMark) {
        marks[markCount] = mark
        marks[markCount].offset = UInt32(used)
        markCount += 1
        used += Int(mark.size)
    }

    func hasRoom(for size: Int) -> Bool { used + size <= capacity && markCount < Segment.markCapacity }
}

/// One frame's entry in a segment's index.
public struct FrameMark: Sendable, Equatable {
    /// Of the frame's first wire byte, from the start of the segment.
    public var offset: UInt32
    /// Wire bytes, headers included.
    public var size: UInt32
    /// Milliseconds on the stream's continuous timeline.
    public var timestamp: Int64
    /// The frame's number in the stream's epoch.
    public var sequence: UInt64
    /// When the frame was complete at the ingest node, in microseconds of Unix time by that node's clock.
    public var origin: Int64
    public var flags: Flags
    /// Which of the publish sessions that the stream has seen it belongs to, counted from the first.
    public var session: UInt32
    public var segment: SegmentNumber

    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

        // Computed, not stored: other modules then see numbers, and call nothing for each frame.
        @inlinable public static var audio: Flags { Flags(rawValue: 1) }
        @inlinable public static var video: Flags { Flags(rawValue: 2) }
        @inlinable public static var script: Flags { Flags(rawValue: 4) }
        /// A viewer can start here.
        @inlinable public static var keyframe: Flags { Flags(rawValue: 8) }
        /// Decoder configuration: no picture or sound of its own.
        @inlinable public static var configuration: Flags { Flags(rawValue: 16) }
        /// Said before, and put here for those who came later: no frame of the sequence, bears the next one's number.
        @inlinable public static var repeated: Flags { Flags(rawValue: 32) }
        /// Script data that only some formats have a place for.
        @inlinable public static var data: Flags { Flags(rawValue: 64) }
    }

    public init(
        offset: UInt32 = 0, size: UInt32, timestamp: Int64, sequence: UInt64, origin: Int64 = 0, flags: Flags,
        session: UInt32 = 0, segment: SegmentNumber = .none
    ) {
        self.offset = offset
        self.size = size
        self.timestamp = timestamp
        self.sequence = sequence
        self.origin = origin
        self.flags = flags
        self.session = session
        self.segment = segment
    }
}
