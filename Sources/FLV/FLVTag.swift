import Media

/// Writes FLV tags. Data plane: nothing is allocated in `encode`.
///
/// A tag is its header, its payload and the size of both, so that tags can be joined and cut anywhere between them.
public enum FLVTag {
    public static let headerSize = 11
    public static let trailerSize = 4
    /// Bytes, as the header's 24 bits hold.
    public static let maximumPayloadCount = 0xff_ffff

    @inlinable public static func encodedSize(payloadCount: Int) -> Int { headerSize + payloadCount + trailerSize }

    /// Writes one tag and returns its `encodedSize`.
    ///
    /// Safety: the caller provides that many writable bytes at `target`, and they do not overlap `payload`.
    public static func encode(
        kind: MediaKind, timestamp: UInt32, payload: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer
    ) -> Int {
        precondition(payload.count <= maximumPayloadCount, "an FLV tag holds 24 bits of length")
        let count = UInt32(truncatingIfNeeded: payload.count)
        let typeAndCount = UInt32(kind.rawValue) << 24 | count
        // Time: the lower 24 bits, then the upper 8. After them 24 bits of stream id, always 0.
        let time = timestamp << 8 | timestamp >> 24
        target.storeBytes(of: typeAndCount.bigEndian, as: UInt32.self)
        target.storeBytes(of: time.bigEndian, toByteOffset: 4, as: UInt32.self)
        target.storeBytes(of: 0, toByteOffset: 8, as: UInt16.self)
        target.storeBytes(of: 0, toByteOffset: 10, as: UInt8.self)
        if let source = payload.baseAddress {
            (target + headerSize).copyMemory(from: source, byteCount: payload.count)
        }
        let size = UInt32(truncatingIfNeeded: headerSize) + count
        target.storeBytes(of: size.bigEndian, toByteOffset: headerSize + payload.count, as: UInt32.self)
        return encodedSize(payloadCount: payload.count)
    }

    /// The file header and the size of the tag before the first, which is 0: 13 bytes.
    public static func fileHeader(hasAudio: Bool, hasVideo: Bool) -> [UInt8] {
        let flags: UInt8 = (hasAudio ? 4 : 0) | (hasVideo ? 1 : 0)
        return [0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
    }
}
