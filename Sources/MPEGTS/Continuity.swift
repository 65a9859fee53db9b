import Media

/// Follows the continuity counter of one PID (ISO/IEC 13818-1 §2.4.3.3): it counts packets with payload modulo 16, and
/// each may come twice.
///
/// A repeated counter is a duplicate only if the payload looks the same: a loss of sixteen packets repeats it as well.
struct Continuity: Sendable {
    enum Verdict {
        case next, duplicate, gap
    }

    private var counter: UInt8?
    private var head: UInt64 = 0
    private var tail: UInt64 = 0

    /// Bytes at either end of a payload that are compared.
    private static let compared = 8

    mutating func check(_ packet: TSPacket, _ bytes: Span<UInt8>) -> Verdict {
        guard packet.hasPayload else {
            // A discontinuity may be told in a packet of its own.
            if packet.isDiscontinuous { counter = nil }
            return .next
        }
        let oldHead = head
        let oldTail = tail
        tail = bytes.u64(at: TSPacket.size - Self.compared)
        head = bytes.u64(at: min(packet.payloadStart, TSPacket.size - Self.compared))
        let last = counter
        counter = packet.counter
        guard let last, !packet.isDiscontinuous else { return .next }
        if packet.counter == (last + 1) & 0xf { return .next }
        if packet.counter == last && head == oldHead && tail == oldTail { return .duplicate }
        return .gap
    }
}
