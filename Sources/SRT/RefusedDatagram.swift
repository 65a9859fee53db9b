/// A datagram that came back, as far as the answer quotes it, and whether a conversation has sent it.
///
/// Why that is asked: anybody can send a message that says that a port is closed, from any address, and the system asks no
/// more of it than the numbers of both ports. SRT numbers its data from a random 31-bit number that both sides know, and
/// what is sent about data (acknowledgements, reports of losses) has such numbers in it, too. An attacker who does not see
/// the conversation has to guess the viewer's port, and then hits the window of what was sent lately about once in
/// eighty thousand times; who sees it can end it anyway, with a goodbye in its name. What has no such number
/// (keep-alives, which are all that an encoder is sent that died in silence), or is quoted too shortly to have one, is a
/// reason to listen for half a second: an attacker ends with it what is silent for that long of itself.
import CSRT

struct RefusedDatagram: Equatable {
    enum Content: Equatable {
        case data(UInt32)
        /// Speaks of the peer's data of this number.
        case report(UInt32)
    }

    let content: Content

    /// What SRT counts its packets by has 31 bits.
    private static let numbers: UInt32 = 0x7FFF_FFFF
    /// Packets that may be on their way: the largest window that `SRTOptions` has.
    static let window: UInt64 = 20_480
    /// Bytes in front of what a control packet says.
    private static let headerSize = 16

    /// Nil for what tells nothing.
    init?(_ quoted: [UInt8]) {
        func word(_ at: Int) -> UInt32? {
            guard at + 4 <= quoted.count else { return nil }
            return quoted[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        }
        guard let first = word(0) else { return nil }
        guard first >> 31 == 1 else {
            content = .data(first)
            return
        }
        // Acknowledgements and reports of losses, whose first number may be marked as the first of several.
        guard [2, 3].contains(first >> 16 & 0x7FFF), let about = word(RefusedDatagram.headerSize) else { return nil }
        content = .report(about & RefusedDatagram.numbers)
    }

    /// Whether a connection can have sent it lately that began to count at `start`, and has sent and received these
    /// numbers of packets at least, and at most `unsure` more.
    func wasSent(start: UInt32, sent: UInt64, received: UInt64, unsure: UInt64) -> Bool {
        let (number, count) =
            switch content {
            case .data(let number): (number, sent)
            case .report(let number): (number, received)
            }
        let oldest = start &+ UInt32(truncatingIfNeeded: count &- min(count, RefusedDatagram.window))
        let span = min(count, RefusedDatagram.window) + min(unsure, RefusedDatagram.window)
        return UInt64((number &- oldest) & RefusedDatagram.numbers) <= span
    }

    /// A connection that is over has nothing to be told.
    func wasSent(by handle: Handle) -> Bool {
        var raw = SRT_TRACEBSTATS()
        guard let start = handle.startNumber, srt_bistats(handle.id, &raw, 0, 1) == 0 else { return false }
        // What is dropped has numbers, too, and the last packets may not be counted yet.
        let dropped = UInt64(clamping: raw.pktSndDropTotal) + UInt64(clamping: raw.pktRcvDropTotal)
        return wasSent(
            start: start, sent: UInt64(clamping: raw.pktSentUniqueTotal),
            received: UInt64(clamping: raw.pktRecvUniqueTotal), unsure: dropped + RefusedDatagram.uncounted)
    }

    /// Packets that may have been sent or received since they were counted, or lost on the way here.
    private static let uncounted: UInt64 = 4_096
}
