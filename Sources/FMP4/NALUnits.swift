/// The units of an H.264 or H.265 payload, each behind its length (ISO/IEC 14496-15 §5.3.3). Data plane.
enum NALUnits {
    /// Whether the lengths add up to the payload: players give up a stream in which they do not.
    static func areWhole(_ payload: Span<UInt8>, lengthSize: Int) -> Bool {
        var position = 0
        while payload.count - position > lengthSize {
            var length = 0
            for i in position..<position + lengthSize { length = length << 8 | Int(payload[i]) }
            position += lengthSize
            guard length > 0, length <= payload.count - position else { return false }
            position += length
        }
        return position == payload.count && position > 0
    }
}
