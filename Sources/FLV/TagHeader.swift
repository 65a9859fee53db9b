import Media

/// The 11 bytes before an FLV tag's payload (Adobe FLV specification 10.1, §E.4.1).
public struct TagHeader: Sendable, Equatable {
    /// The tag's type without the filter bit; 8, 9 and 18 are a `MediaKind`.
    public var type: UInt8
    public var isEncrypted: Bool
    public var payloadCount: Int
    /// With the extended byte, which holds the most significant bits.
    public var timestamp: UInt32

    public var kind: MediaKind? { MediaKind(rawValue: type) }

    public static func parse(_ bytes: Span<UInt8>) throws(FLVError) -> TagHeader {
        guard bytes.count >= FLVTag.headerSize else { throw .shortTag }
        return TagHeader(
            type: bytes[0] & 0x1f, isEncrypted: bytes[0] & 0x20 != 0, payloadCount: Int(bytes.u24(at: 1)),
            timestamp: bytes.u24(at: 4) | UInt32(bytes[7]) << 24)
    }
}
