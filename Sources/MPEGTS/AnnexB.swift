/// The byte stream format of H.264 and H.265 (annex B of each): NAL units behind start codes of three or four bytes.
/// Data plane: a search of a byte in three, which allocates nothing.
enum AnnexB {
    static let startCode: [UInt8] = [0, 0, 0, 1]

    /// Puts the places of all NAL units into `ranges`, without start codes and the zeros that may trail a unit.
    /// False when there is something else before the first start code.
    static func split(_ bytes: Span<UInt8>, into ranges: inout [Range<Int>]) -> Bool {
        ranges.removeAll(keepingCapacity: true)
        guard var begin = afterStartCode(bytes, from: 0) else { return false }
        for i in 0..<begin - 1 where bytes[i] != 0 { return false }
        while begin < bytes.count {
            let next = afterStartCode(bytes, from: begin)
            var end = next.map { $0 - 3 } ?? bytes.count
            while end > begin, bytes[end - 1] == 0 { end -= 1 }
            if end > begin { ranges.append(begin..<end) }
            guard let next else { break }
            begin = next
        }
        return true
    }

    /// Where the first start code at or after `start` ends.
    private static func afterStartCode(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        var i = start + 2
        while i < bytes.count {
            let byte = bytes[i]
            if byte > 1 {
                i += 3
            } else if byte == 0 {
                i += 1
            } else {
                if bytes[i - 1] == 0 && bytes[i - 2] == 0 { return i + 1 }
                i += 3
            }
        }
        return nil
    }
}
