/// One frame of a stream on its way between nodes. Data plane: `Header.write` allocates nothing.
///
/// The body is that of an FLV tag and of an RTMP message. The bytes of header and body are the same for every child,
/// because the stream's number belongs to the sending process and not to a connection: one shared log serves them all.
import Media

public struct RelayFrame: Sendable, Equatable {
    public var header: Header
    public var body: [UInt8]

    /// Bytes on the wire before the body.
    @inlinable public static var headerSize: Int { 49 }
    /// Bytes between the message header and the body that this version knows.
    @inlinable static var fieldsSize: Int { headerSize - MessageHeader.size }
    /// Those that every node sends: older ones say nothing of segments.
    static var leastFieldsSize: Int { 30 }

    public init(header: Header, body: [UInt8]) {
        self.header = header
        self.body = body
        self.header.bodyCount = body.count
    }

    public init(header: Header, copying body: Span<UInt8>) {
        self.init(header: header, body: body.withUnsafeBufferPointer { Array($0) })
    }

    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

        // Computed, not stored: other modules then see numbers, and call nothing for each frame.
        /// A decoder can start here.
        @inlinable public static var keyframe: Flags { Flags(rawValue: 1) }
        /// Decoder configuration: no picture or sound of its own.
        @inlinable public static var configuration: Flags { Flags(rawValue: 2) }
        /// Repeats what a joining child needs before the frame whose number it bears: configuration or metadata. It is
        /// no frame of the sequence: it is neither counted nor relayed as one.
        @inlinable public static var prologue: Flags { Flags(rawValue: 4) }
    }

    public struct Header: Sendable, Equatable {
        /// The sender's number for the stream.
        public var stream: UInt32
        public var number: FrameNumber
        public var kind: MediaKind
        /// Bits that this version does not know are kept, and travel on.
        public var flags: Flags
        /// Milliseconds on the stream's timeline, modulo 2^32.
        public var timestamp: UInt32
        /// When the frame was complete at the ingest node: microseconds of Unix time by the sender's clock. Each node
        /// puts it into terms of its own, as it estimates the offset to the sender's clock.
        public var wallClock: Int64
        /// As the ingest node cut the stream.
        public var segment: SegmentNumber
        public var bodyCount: Int

        @inlinable public init(
            stream: UInt32, number: FrameNumber, kind: MediaKind, flags: Flags = [], timestamp: UInt32,
            wallClock: Int64, segment: SegmentNumber = .none, bodyCount: Int = 0
        ) {
            self.stream = stream
            self.number = number
            self.kind = kind
            self.flags = flags
            self.timestamp = timestamp
            self.wallClock = wallClock
            self.segment = segment
            self.bodyCount = bodyCount
        }

        /// Bytes between the message header and the body, as they came.
        @usableFromInline var fields = RelayFrame.fieldsSize

        /// Whether they say the same, however many bytes it took to say.
        public static func == (one: Header, other: Header) -> Bool {
            one.stream == other.stream && one.number == other.number && one.kind == other.kind
                && one.flags == other.flags && one.timestamp == other.timestamp && one.wallClock == other.wallClock
                && one.segment == other.segment && one.bodyCount == other.bodyCount
        }

        /// What a frame costs in credit: all its bytes on the wire.
        public var wireSize: Int { MessageHeader.size + fields + bodyCount }

        /// Writes `headerSize` bytes; the body is to follow them.
        ///
        /// Safety: the size of `target` is checked, and every store lies inside it.
        @inlinable public func write(into target: UnsafeMutableRawBufferPointer) {
            precondition(target.count >= RelayFrame.headerSize, "a frame's header has 49 bytes")
            precondition(bodyCount <= Int(Int32.max), "a frame's body is larger than any limit")
            let count = UInt32(truncatingIfNeeded: RelayFrame.fieldsSize + bodyCount)
            let base = target.baseAddress!
            base.storeBytes(of: count.bigEndian, as: UInt32.self)
            base.storeBytes(of: MessageType.frame.rawValue, toByteOffset: 4, as: UInt8.self)
            base.storeBytes(of: flags.rawValue, toByteOffset: 5, as: UInt8.self)
            base.storeBytes(of: stream.bigEndian, toByteOffset: 6, as: UInt32.self)
            let fields = UInt8(truncatingIfNeeded: RelayFrame.fieldsSize)
            base.storeBytes(of: fields, toByteOffset: 10, as: UInt8.self)
            base.storeBytes(of: kind.rawValue, toByteOffset: 11, as: UInt8.self)
            base.storeBytes(of: timestamp.bigEndian, toByteOffset: 12, as: UInt32.self)
            base.storeBytes(of: number.epoch.bigEndian, toByteOffset: 16, as: UInt64.self)
            base.storeBytes(of: number.sequence.bigEndian, toByteOffset: 24, as: UInt64.self)
            base.storeBytes(of: wallClock.bigEndian, toByteOffset: 32, as: Int64.self)
            base.storeBytes(of: segment.number.bigEndian, toByteOffset: 40, as: UInt32.self)
            base.storeBytes(of: segment.discontinuity.bigEndian, toByteOffset: 44, as: UInt32.self)
            base.storeBytes(of: segment.target, toByteOffset: 48, as: UInt8.self)
        }
    }
}

extension RelayFrame.Header {
    /// Reads the fixed fields that follow the message header; `at` is where they begin, and `fieldsSize` bytes are there.
    static func parse(
        _ message: MessageHeader, _ bytes: Span<UInt8>, at: Int
    ) throws(RelayError) -> (header: RelayFrame.Header, extra: Int) {
        let fields = Int(bytes[at])
        guard fields >= RelayFrame.leastFieldsSize && fields <= message.count else {
            throw .badField(message: .frame, field: "size of its fields")
        }
        guard let header = RelayFrame.Header(message, bytes, at: at, fields: fields) else {
            throw fault(of: bytes, at: at)
        }
        return (header, max(0, fields - RelayFrame.fieldsSize))
    }

    /// What `fields` bytes say, or as many of them as this version knows; nil where no frame can be what they say.
    @inline(__always)
    init?(_ message: MessageHeader, _ bytes: Span<UInt8>, at: Int, fields: Int) {
        let number = FrameNumber(epoch: bytes.u64(at: at + 6), sequence: bytes.u64(at: at + 14))
        guard let kind = MediaKind(rawValue: bytes[at + 1]), number.isValid else { return nil }
        self.init(
            stream: message.stream, number: number, kind: kind, flags: RelayFrame.Flags(rawValue: message.flags),
            timestamp: bytes.u32(at: at + 2), wallClock: Int64(bitPattern: bytes.u64(at: at + 22)),
            bodyCount: message.count - fields)
        self.fields = fields
        guard fields >= RelayFrame.fieldsSize else { return }
        let cut = at + RelayFrame.leastFieldsSize
        segment = SegmentNumber(
            number: bytes.u32(at: cut), discontinuity: bytes.u32(at: cut + 4), target: bytes[cut + 8])
    }

    private static func fault(of bytes: Span<UInt8>, at: Int) -> RelayError {
        guard MediaKind(rawValue: bytes[at + 1]) != nil else { return .unknownFrameKind(bytes[at + 1]) }
        return .badFrameNumber(FrameNumber(epoch: bytes.u64(at: at + 6), sequence: bytes.u64(at: at + 14)))
    }
}
