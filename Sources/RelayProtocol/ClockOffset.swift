/// Estimates how far the peer's clock is ahead of ours, and the link's round trip, from answered pings.
///
/// Queues only ever add delay, and seldom the same in both directions. Of the last samples the one with the shortest
/// round trip was therefore held up least, and its offset is off by half its round trip at most (RFC 5905 §10).
public struct ClockOffset: Sendable, Equatable {
    private struct Sample: Equatable {
        var roundTrip: Int64
        var offset: Int64
    }

    /// Six seconds of pings at the default interval of 200 ms: short against the drift of clocks.
    public static let window = 32
    /// Longer than any round trip worth having, in microseconds; clocks that say more have been set meanwhile.
    public static let longestRoundTrip: Int64 = 60_000_000

    private var samples: [Sample] = []
    private var oldest = 0
    /// The round trip of the newest sample, in microseconds.
    public private(set) var lastRoundTrip: Int64?

    public init() { samples.reserveCapacity(ClockOffset.window) }

    private var best: Sample? { samples.min { $0.roundTrip < $1.roundTrip } }

    /// Microseconds to add to our clock to get the peer's; nil before the first answer.
    public var offset: Int64? { best?.offset }

    /// The shortest round trip of the window, in microseconds.
    public var roundTrip: Int64? { best?.roundTrip }

    /// How far `offset` may be off, in microseconds.
    public var uncertainty: Int64? { best.map { ($0.roundTrip + 1) / 2 } }

    /// A pong came when our clock said `now`. False if it makes no sense and is passed over: a clock was set between
    /// ping and pong, or the peer writes nonsense.
    @discardableResult
    public mutating func add(_ pong: Pong, now: Int64) -> Bool {
        let (total, overflow1) = now.subtractingReportingOverflow(pong.pingClock)
        let (held, overflow2) = pong.sent.subtractingReportingOverflow(pong.received)
        let (out, overflow3) = pong.received.subtractingReportingOverflow(pong.pingClock)
        let (back, overflow4) = pong.sent.subtractingReportingOverflow(now)
        guard !overflow1, !overflow2, !overflow3, !overflow4, held >= 0, total >= held,
            total <= ClockOffset.longestRoundTrip
        else { return false }
        // Half of each, so that the sum cannot overflow.
        let offset = out / 2 + back / 2 + (out % 2 + back % 2) / 2
        let sample = Sample(roundTrip: total - held, offset: offset)
        if samples.count < ClockOffset.window {
            samples.append(sample)
        } else {
            samples[oldest] = sample
            oldest = (oldest + 1) % ClockOffset.window
        }
        lastRoundTrip = sample.roundTrip
        return true
    }
}
