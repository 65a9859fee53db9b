import Media

/// One modifier extension of an enhanced header (E-RTMP v2, "ModEx"): data of 1 to 65,536 bytes, then its type and the
/// packet type that it stands before, which may be ModEx again.
struct ModEx {
    let packetType: UInt8
    /// Of a TimestampOffsetNano extension.
    let nanoseconds: UInt32?

    private static let timestampOffsetNano: UInt8 = 0
    /// One message's timestamps are milliseconds apart.
    private static let nanosecondsLimit: UInt32 = 1_000_000

    /// nil if the message ends first.
    init?(_ body: Span<UInt8>, _ position: inout Int) {
        guard position < body.count else { return nil }
        var size = Int(body[position]) + 1
        position += 1
        if size == 256 {
            guard position + 2 <= body.count else { return nil }
            size = Int(body.u16(at: position)) + 1
            position += 2
        }
        guard position + size < body.count else { return nil }
        let types = body[position + size]
        let isOffset = types >> 4 == Self.timestampOffsetNano && size >= 3
        nanoseconds = isOffset ? min(body.u24(at: position), Self.nanosecondsLimit - 1) : nil
        packetType = types & 0xf
        position += size + 1
    }
}
