/// What all parsers of H.264 and H.265 need of a NAL unit.
extension Span<UInt8> {
    /// The bytes behind the first `headerSize`, without those that only prevent a start code from appearing (H.264 §7.3.1,
    /// H.265 §7.3.1.1: in `00 00 03` the 03 is dropped).
    public func unescaped(after headerSize: Int = 0) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(count)
        var zeros = 0
        for i in Swift.min(headerSize, count)..<count {
            let byte = self[i]
            if zeros >= 2 && byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            plain.append(byte)
        }
        return plain
    }
}
