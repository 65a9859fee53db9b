/// Writes transport packets (ISO/IEC 13818-1 §2.4.3) one after another. Data plane: nothing is allocated.
///
/// A unit says its size when it begins, so that every packet knows when it begins whether it has to be stuffed; then its
/// bytes are put, exactly as many. Invariant: between units `offset` is a multiple of 188.
///
/// Safety: `target` has room for the packets that are written, which the plan has counted; each packet checks it.
struct PacketWriter {
    /// What the adaptation field of a unit's first packet says; written only if something is.
    struct Adaptation {
        /// Of 90 kHz.
        var clock: Int64?
        var isRandomAccess = false
        var isDiscontinuous = false

        /// Bytes of the field with its length.
        var size: Int { clock != nil ? 8 : isRandomAccess || isDiscontinuous ? 2 : 0 }

        var flags: UInt8 {
            (isDiscontinuous ? 0x80 : 0) | (isRandomAccess ? 0x40 : 0) | (clock != nil ? 0x10 : 0)
        }
    }

    static let payload = TSPacket.size - 4

    private let target: UnsafeMutableRawBufferPointer
    private(set) var offset = 0
    private var pid: UInt16 = 0
    private var counter: UInt8 = 0
    /// Bytes of the unit that are still to come, and how many of them the packet at hand takes.
    private var remaining = 0
    private var room = 0

    init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

    /// How many packets a unit of `size` bytes takes.
    static func packets(_ size: Int, _ adaptation: Adaptation) -> Int {
        let first = payload - adaptation.size
        return 1 + (max(0, size - first) + payload - 1) / payload
    }

    private mutating func put(_ byte: UInt8) {
        target[offset] = byte
        offset += 1
    }

    private mutating func putHeader(start: Bool, field: Bool, payload: Bool) {
        precondition(target.count - offset >= TSPacket.size, "a plan has room for all of its packets")
        put(TSPacket.sync)
        put((start ? 0x40 : 0) | UInt8(pid >> 8))
        put(UInt8(truncatingIfNeeded: pid))
        put((field ? 0x20 : 0) | (payload ? 0x10 : 0) | counter)
    }

    private mutating func putClock(_ clock: Int64) {
        // 33 bits of base, 6 reserved, 9 of extension, which is 0: times are multiples of 90 kHz.
        let base = UInt64(truncatingIfNeeded: clock) & 0x1_ffff_ffff
        let packed = base << 15 | 0x7e00
        for shift in stride(from: 40, through: 0, by: -8) { put(UInt8(truncatingIfNeeded: packed >> UInt64(shift))) }
    }

    private mutating func fill(_ count: Int) {
        guard count > 0, let base = target.baseAddress else { return }
        (base + offset).initializeMemory(as: UInt8.self, repeating: 0xff, count: count)
        offset += count
    }

    /// A packet that has a clock and nothing else. The counter does not count it.
    mutating func putClock(_ clock: Int64, pid: UInt16, counter: UInt8, isDiscontinuous: Bool = false) {
        let adaptation = Adaptation(clock: clock, isDiscontinuous: isDiscontinuous)
        (self.pid, self.counter) = (pid, counter)
        putHeader(start: false, field: true, payload: false)
        putField(adaptation, size: Self.payload)
    }

    /// Whole packets, made before; only their counters are set, which go on from `counter`. `isMarked`: the first has an
    /// adaptation field.
    mutating func putTable(_ packets: ArraySlice<UInt8>, counter: inout UInt8, isMarked: Bool = false) {
        precondition(target.count - offset >= packets.count)
        packets.withUnsafeBytes { source in
            guard let from = source.baseAddress, let to = target.baseAddress else { return }
            (to + offset).copyMemory(from: from, byteCount: source.count)
        }
        for packet in stride(from: offset, to: offset + packets.count, by: TSPacket.size) {
            counter = (counter + 1) & 0xf
            target[packet + 3] = (isMarked && packet == offset ? 0x30 : 0x10) | counter
        }
        offset += packets.count
    }

    /// Begins a unit of `size` bytes. `counter` is moved on by its packets.
    mutating func begin(_ size: Int, pid: UInt16, counter: inout UInt8, _ adaptation: Adaptation) {
        precondition(size > 0 && remaining == 0)
        self.pid = pid
        self.counter = (counter + 1) & 0xf
        counter = UInt8(truncatingIfNeeded: Int(counter) + Self.packets(size, adaptation)) & 0xf
        remaining = size
        beginPacket(adaptation, start: true)
    }

    private mutating func beginPacket(_ adaptation: Adaptation, start: Bool) {
        room = min(remaining, Self.payload - adaptation.size)
        let field = Self.payload - room
        putHeader(start: start, field: field > 0, payload: true)
        if field > 0 { putField(adaptation, size: field) }
    }

    /// `size` counts the length byte.
    private mutating func putField(_ adaptation: Adaptation, size: Int) {
        put(UInt8(size - 1))
        guard size > 1 else { return }
        put(adaptation.flags)
        var used = 2
        if let clock = adaptation.clock {
            putClock(clock)
            used += 6
        }
        fill(size - used)
    }

    /// The next bytes of the unit.
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count {
            if room == 0 {
                counter = (counter + 1) & 0xf
                beginPacket(Adaptation(), start: false)
            }
            let part = min(room, bytes.count - position)
            precondition(part > 0, "a unit has as many bytes as it said")
            if let from = bytes.baseAddress, let to = target.baseAddress {
                (to + offset).copyMemory(from: from + position, byteCount: part)
            }
            offset += part
            position += part
            room -= part
            remaining -= part
        }
    }

    /// So many bytes of 0xff.
    mutating func putStuffing(_ count: Int) {
        var left = count
        while left > 0 {
            let part = min(left, 16)
            put(Self.stuffing, part)
            left -= part
        }
    }

    private static let stuffing: [16 of UInt8] = .init(repeating: 0xff)

    mutating func put<let count: Int>(_ bytes: [count of UInt8], _ used: Int) {
        withUnsafeBytes(of: bytes) { put(UnsafeRawBufferPointer(rebasing: $0[0..<used])) }
    }
}
