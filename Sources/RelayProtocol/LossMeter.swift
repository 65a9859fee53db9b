/// The share of a connection's packets that had to be sent again, as an average over some thousand packets: what TCP
/// hides from the streams, but not from their delay. Counters come in; they may wrap at 2³².
public struct LossMeter: Sendable {
    private var segments: UInt32 = 0
    private var again: UInt32 = 0
    private var share = 0.0
    private var seen = 0.0

    /// An average over fewer packets is led by them alone; over more, the older ones fade.
    private static let memory = 4_000.0

    public init() {}

    public mutating func add(segments: UInt64, again: UInt64) {
        let now = (UInt32(truncatingIfNeeded: segments), UInt32(truncatingIfNeeded: again))
        let sent = Double(now.0 &- self.segments)
        let lost = Double(now.1 &- self.again)
        (self.segments, self.again) = now
        guard sent > 0 else { return }
        seen = min(LossMeter.memory, seen + sent)
        share += (min(1, lost / sent) - share) * min(1, sent / seen)
    }

    /// Of a million packets.
    public var perMillion: UInt32 { UInt32(share * 1_000_000) }
}
