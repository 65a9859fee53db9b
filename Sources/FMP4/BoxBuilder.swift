import Media

/// Builds boxes (ISO/IEC 14496-12 §4.2) into an array, for what is made once: sizes are filled in when a box ends.
struct BoxBuilder {
    private(set) var bytes: [UInt8] = []

    mutating func box(_ type: FourCC, _ content: (inout BoxBuilder) -> Void) {
        let start = bytes.count
        put32(0)
        put32(type.value)
        content(&self)
        let size = UInt32(bytes.count - start)
        for i in 0..<4 { bytes[start + i] = UInt8(truncatingIfNeeded: size >> UInt32(24 - 8 * i)) }
    }

    /// A box with a version and flags.
    mutating func fullBox(
        _ type: FourCC, version: UInt8 = 0, flags: UInt32 = 0, _ content: (inout BoxBuilder) -> Void
    ) {
        box(type) {
            $0.put32(UInt32(version) << 24 | flags)
            content(&$0)
        }
    }

    /// A descriptor of ISO/IEC 14496-1 §8.3.3, whose length takes as many bytes as it needs, 7 bits in each.
    mutating func descriptor(_ tag: UInt8, _ content: (inout BoxBuilder) -> Void) {
        var inner = BoxBuilder()
        content(&inner)
        put8(tag)
        let count = inner.bytes.count
        for shift in [21, 14, 7] where count >> shift > 0 { put8(0x80 | UInt8(count >> shift & 0x7f)) }
        put8(UInt8(count & 0x7f))
        put(inner.bytes)
    }

    mutating func put8(_ value: UInt8) { bytes.append(value) }
    mutating func put16(_ value: UInt16) { bytes.append(u16: value) }
    mutating func put24(_ value: UInt32) { bytes.append(u24: value) }
    mutating func put32(_ value: UInt32) { bytes.append(u32: value) }
    mutating func put(_ values: [UInt8]) { bytes += values }
    mutating func put(_ type: FourCC) { bytes.append(u32: type.value) }
    mutating func zeros(_ count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }

    /// `value` as a number with 16 bits behind the point.
    mutating func putFixed(_ value: Int) { put32(UInt32(clamping: value) << 16) }
}
