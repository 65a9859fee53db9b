/// Big- and little-endian integers read from and appended to bytes.
///
/// Readers take a position and are bounds-checked by `Span` itself: a parser checks lengths first and answers the
/// peer with a typed error; a missed check traps instead of reading past the end.
extension Span<UInt8> {
    @inlinable public func u16(at i: Int) -> UInt16 { UInt16(bigEndian: load(at: i)) }

    @inlinable public func u24(at i: Int) -> UInt32 { UInt32(u16(at: i)) << 8 | UInt32(self[i + 2]) }

    @inlinable public func u32(at i: Int) -> UInt32 { UInt32(bigEndian: load(at: i)) }

    @inlinable public func u32le(at i: Int) -> UInt32 { u32(at: i).byteSwapped }

    @inlinable public func u64(at i: Int) -> UInt64 { UInt64(bigEndian: load(at: i)) }

    /// The bytes as they lie, all of them inside: one check and one load.
    @inlinable @inline(__always) func load<Number: FixedWidthInteger & BitwiseCopyable>(at i: Int) -> Number {
        bytes.unsafeLoadUnaligned(fromByteOffset: i, as: Number.self)
    }

    /// The bytes of `range` as an array of their own.
    @inlinable public func copy(_ range: Range<Int>) -> [UInt8] {
        // The standard library writes a count of zero into the empty array that all threads share: harmless, but a
        // write nonetheless, which a thread sanitizer reports.
        guard !range.isEmpty else { return [] }
        let part = extracting(range)
        return [UInt8](unsafeUninitializedCapacity: part.count) { buffer, count in
            for i in part.indices { buffer[i] = part[i] }
            count = part.count
        }
    }

    @inlinable public func copy() -> [UInt8] { copy(0..<count) }
}

extension [UInt8] {
    @inlinable public mutating func append(u16 v: UInt16) {
        append(UInt8(v >> 8))
        append(UInt8(truncatingIfNeeded: v))
    }

    @inlinable public mutating func append(u24 v: UInt32) {
        append(UInt8(truncatingIfNeeded: v >> 16))
        append(UInt8(truncatingIfNeeded: v >> 8))
        append(UInt8(truncatingIfNeeded: v))
    }

    @inlinable public mutating func append(u32 v: UInt32) {
        append(u16: UInt16(truncatingIfNeeded: v >> 16))
        append(u16: UInt16(truncatingIfNeeded: v))
    }

    @inlinable public mutating func append(u32le v: UInt32) { append(u32: v.byteSwapped) }

    @inlinable public mutating func append(u64 v: UInt64) {
        append(u32: UInt32(truncatingIfNeeded: v >> 32))
        append(u32: UInt32(truncatingIfNeeded: v))
    }
}
