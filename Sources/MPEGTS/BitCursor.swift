/// Bits read from the most significant downwards. Past the end it reads zeros and says so in `isExhausted`, so that a
/// parser of many small fields asks once, at its end.
import Media

struct BitCursor {
    private let bytes: [UInt8]
    private(set) var position = 0
    private(set) var isExhausted = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(nalUnit: Span<UInt8>) { self.init(nalUnit.unescaped()) }

    var remaining: Int { bytes.count * 8 - position }

    /// `count` bits, at most 32.
    mutating func bits(_ count: Int) -> UInt32 {
        guard count <= remaining else {
            isExhausted = true
            position = bytes.count * 8
            return 0
        }
        var value: UInt32 = 0
        for _ in 0..<count {
            value = value << 1 | UInt32(bytes[position >> 3] >> UInt8(7 - position & 7) & 1)
            position += 1
        }
        return value
    }

    mutating func flag() -> Bool { bits(1) == 1 }

    mutating func skip(_ count: Int) {
        if count > remaining { isExhausted = true }
        position += min(count, remaining)
    }

    /// The next `count` bytes, at any bit; nil when there are fewer.
    mutating func take(bytes count: Int) -> [UInt8]? {
        guard count >= 0, count * 8 <= remaining else { return nil }
        if position & 7 == 0 {
            defer { position += count * 8 }
            return Array(bytes[position >> 3..<position >> 3 + count])
        }
        let shift = UInt8(position & 7)
        var at = position >> 3
        var out: [UInt8] = []
        out.reserveCapacity(count)
        for _ in 0..<count {
            out.append(bytes[at] << shift | bytes[at + 1] >> (8 - shift))
            at += 1
        }
        position += count * 8
        return out
    }

    /// ue(v) of H.264 §9.1; nil when it is longer than 32 bits or cut short.
    mutating func unsigned() -> Int? {
        var zeros = 0
        while !flag() {
            zeros += 1
            guard zeros < 32, !isExhausted else { return nil }
        }
        let rest = bits(zeros)
        return isExhausted ? nil : (1 << zeros) - 1 + Int(rest)
    }
}
