/// SplitMix64: the same numbers from the same seed on every machine, so that a failure can be had again.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// Any bytes. Eight of each number: an array that is filled byte by byte takes a debug build a hundred times as long.
    public mutating func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let room = UnsafeMutableRawBufferPointer(buffer)
            while filled + 8 <= count {
                room.storeBytes(of: next().littleEndian, toByteOffset: filled, as: UInt64.self)
                filled += 8
            }
            var rest = next()
            while filled < count {
                room[filled] = UInt8(truncatingIfNeeded: rest)
                rest >>= 8
                filled += 1
            }
        }
    }
}
