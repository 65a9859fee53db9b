import Media

/// One unit of data that travels beside sound and pictures, such as a splice information section (SCTE-35), an ID3 tag or
/// a page of teletext: a message body among a stream's script data, of which only transport streams make use.
///
/// The body is AMF0: the name `onSluiceData`, then one long string of bytes, laid out as `encode` writes them. Who does
/// not know the name has whole, well-formed script data, which nodes of older versions pass on and players pass over.
///
/// A *declaration* has no payload. It tells of a track before there is anything on it, as sequence headers do, so that
/// tables need not change when the first unit comes.
public struct DataMessage: Sendable, Equatable {
    /// Tells the data tracks of a stream apart.
    public var track: UInt8
    /// As in a PMT (ISO/IEC 13818-1 table 2-34).
    public var streamType: UInt8
    /// Of PES packets.
    public var streamID: UInt8 = 0
    /// Bytes of a PES header after the one that counts them: some decoders of teletext insist on theirs.
    public var headerSize: UInt8 = 0
    /// The payload begins with a unit of its own syntax.
    public var isAligned = false
    /// The descriptors and nothing else.
    public var isDeclaration = false
    /// What the source's clock said, in 90 kHz, at the time that the message has: the difference is what times inside the
    /// payload have to be moved by.
    public var clock: Int64 = 0
    /// By the source's clock, in 90 kHz.
    public var pts: Int64?
    /// Where the track's descriptors lie in the body, and the payload.
    public private(set) var descriptors = 0..<0
    public private(set) var payload = 0..<0

    public init(track: UInt8, streamType: UInt8) {
        self.track = track
        self.streamType = streamType
    }

    private static let name: [UInt8] = [2, 0, 12] + "onSluiceData".utf8
    private static let longString: UInt8 = 0x0c
    /// Of the bytes in the string; others are of a version to come.
    private static let layout: UInt8 = 1
    /// The name, the string's mark and length, and the fields of fixed size.
    private static let headSize = name.count + 5 + 24

    /// 90 kHz: 1,500 years, so that sums of a few times stay far from the ends of 64 bits.
    private static let latest: UInt64 = 1 << 52

    private static let hasTime: UInt8 = 1
    private static let aligned: UInt8 = 2
    private static let declaration: UInt8 = 4

    /// Whether a script message is one of these, perhaps of a later version.
    public static func isOne(_ body: Span<UInt8>) -> Bool {
        guard body.count > name.count else { return false }
        for i in name.indices where body[i] != name[i] { return false }
        return true
    }

    /// nil for other script data, and for what makes no sense.
    public init?(_ body: Span<UInt8>) {
        guard Self.isOne(body), body.count >= Self.headSize else { return nil }
        let start = Self.name.count
        guard body[start] == Self.longString, Int(body.u32(at: start + 1)) == body.count - start - 5 else { return nil }
        let at = start + 5
        guard body[at] == Self.layout else { return nil }
        track = body[at + 1]
        streamType = body[at + 2]
        streamID = body[at + 3]
        headerSize = body[at + 4]
        let flags = body[at + 5]
        isAligned = flags & Self.aligned != 0
        isDeclaration = flags & Self.declaration != 0
        clock = Int64(bitPattern: body.u64(at: at + 6))
        pts = flags & Self.hasTime != 0 ? Int64(bitPattern: body.u64(at: at + 14)) : nil
        guard max(clock.magnitude, pts?.magnitude ?? 0) <= Self.latest else { return nil }
        let end = Self.headSize + Int(body.u16(at: at + 22))
        guard end <= body.count else { return nil }
        descriptors = Self.headSize..<end
        payload = end..<body.count
    }

    /// The message's body.
    public func encode(descriptors: [UInt8] = [], payload: Span<UInt8>) -> [UInt8] {
        precondition(descriptors.count <= UInt16.max)
        var body: [UInt8] = []
        body.reserveCapacity(Self.headSize + descriptors.count + payload.count)
        body += Self.name
        body.append(Self.longString)
        body.append(u32: UInt32(Self.headSize - Self.name.count - 5 + descriptors.count + payload.count))
        body += [Self.layout, track, streamType, streamID, headerSize]
        body.append(
            (pts == nil ? 0 : Self.hasTime) | (isAligned ? Self.aligned : 0)
                | (isDeclaration ? Self.declaration : 0))
        body.append(u64: UInt64(bitPattern: clock))
        body.append(u64: UInt64(bitPattern: pts ?? 0))
        body.append(u16: UInt16(descriptors.count))
        body += descriptors
        payload.withUnsafeBufferPointer { body.append(contentsOf: $0) }
        return body
    }
}
