import Media

/// Gathers the sections of one PID: tables and SCTE-35 (ISO/IEC 13818-1 §2.4.4). A section may span packets, and a packet
/// may hold several; a pointer says where the first one begins.
///
/// What is gathered stays below `TSLimits.section` and is as long as its own length field says.
struct SectionAssembler: Sendable {
    private var partial: [UInt8] = []
    /// Whole sections not taken yet.
    private(set) var complete: [[UInt8]] = []
    private var isGathering = false

    private static let headerSize = 3
    private static let stuffing: UInt8 = 0xff

    /// Sections that begin in one packet, at most: a packet has 184 bytes, and the shortest section has 3.
    private static let mostInPacket = 64

    mutating func lose() {
        isGathering = false
        partial.removeAll(keepingCapacity: true)
    }

    mutating func take() -> [[UInt8]] {
        var out: [[UInt8]] = []
        swap(&out, &complete)
        return out
    }

    mutating func receive(_ payload: Span<UInt8>, startsUnit: Bool) {
        guard startsUnit else {
            if isGathering { gather(payload, isOpen: true) }
            return
        }
        guard payload.count > 0 else { return lose() }
        let pointer = Int(payload[0])
        guard pointer < payload.count else { return lose() }
        if isGathering { gather(payload.extracting(1..<1 + pointer), isOpen: false) }
        lose()
        isGathering = true
        gather(payload.extracting(1 + pointer..<payload.count), isOpen: true)
    }

    /// `isOpen`: another section may follow in the same bytes, and the last may go on in the next packet.
    private mutating func gather(_ bytes: Span<UInt8>, isOpen: Bool) {
        var position = 0
        var count = 0
        while position < bytes.count, isGathering, count < Self.mostInPacket {
            if partial.isEmpty && bytes[position] == Self.stuffing { return lose() }
            count += 1
            append(bytes, &position, upTo: Self.headerSize)
            guard partial.count >= Self.headerSize else { return }
            let length = Self.headerSize + Int(partial.span.u16(at: 1) & 0x0fff)
            guard length <= TSLimits.section else { return lose() }
            append(bytes, &position, upTo: length)
            guard partial.count == length else { return }
            complete.append(partial)
            partial.removeAll(keepingCapacity: true)
            if !isOpen { return }
        }
    }

    private mutating func append(_ bytes: Span<UInt8>, _ position: inout Int, upTo count: Int) {
        let part = min(count - partial.count, bytes.count - position)
        guard part > 0 else { return }
        bytes.extracting(position..<position + part).withUnsafeBufferPointer { partial.append(contentsOf: $0) }
        position += part
    }
}
