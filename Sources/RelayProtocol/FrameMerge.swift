/// Merges one stream from several parents: a `FrameGate`, and the frames that wait behind a gap which another parent
/// may still fill.
///
/// While parents deliver in step, or there is one alone, nothing is ever kept and a frame's verdict is given at once.
/// Invariants: held frames ascend by number; none waits longer than `patience`; no more are held than
/// `RelayLimits.heldFrames` and `heldBytes` say. Times are nanoseconds of the loop's monotonic clock.
///
/// After every call that changes something (`offer`, `refuse`, `detach`, a timer at `deadline`) call `next` until nil.
public struct FrameMerge: Sendable {
    private struct Held {
        let frame: RelayFrame
        let since: UInt64
    }

    public private(set) var gate: FrameGate
    /// How long a frame is kept for the sake of the frames missing before it, in nanoseconds.
    public let patience: UInt64
    private var held: [Held] = []
    private var heldBytes = 0

    public init(gate: FrameGate = FrameGate(), patience: UInt64) {
        self.gate = gate
        self.patience = patience
    }

    public var isHolding: Bool { !held.isEmpty }
    public var heldCount: Int { held.count }

    /// When to call `next` although nothing came.
    public var deadline: UInt64? { held.lazy.map(\.since).min().map { $0 + patience } }

    public mutating func attach(_ source: Int, at first: FrameNumber) { gate.attach(source, at: first) }
    public mutating func detach(_ source: Int) { gate.detach(source) }

    /// As `FrameGate.refuse`: to be asked at `.frameBegins`, so that a duplicate's body is never held.
    public mutating func refuse(_ header: RelayFrame.Header, from source: Int) -> FrameGate.Verdict? {
        gate.refuse(header, from: source)
    }

    /// `.hold` means that the frame is kept, and comes out of `next` in its turn.
    public mutating func offer(_ frame: RelayFrame, from source: Int, now: UInt64) -> FrameGate.Verdict {
        let verdict = decide(frame.header, from: source)
        if verdict == .hold { hold(frame, now) }
        return verdict
    }

    /// The same for a body that is still where it was read: only what is kept is copied.
    public mutating func offer(
        _ header: RelayFrame.Header, body: Span<UInt8>, from source: Int, now: UInt64
    ) -> FrameGate.Verdict {
        let verdict = decide(header, from: source)
        if verdict == .hold { hold(RelayFrame(header: header, copying: body), now) }
        return verdict
    }

    /// Hot. Whether the frame is the very next one, and nothing keeps it back: it is taken note of, and goes on. Most
    /// frames are; of any other nothing is noted, and it is to be offered.
    public mutating func passes(_ number: FrameNumber, _ flags: RelayFrame.Flags, from source: Int) -> Bool {
        held.isEmpty && gate.passes(number, flags, from: source)
    }

    private mutating func decide(_ header: RelayFrame.Header, from source: Int) -> FrameGate.Verdict {
        guard !held.isEmpty else { return gate.offer(header, from: source) }
        if let verdict = gate.refuse(header, from: source) { return verdict }
        gate.note(header, from: source)
        return .hold
    }

    /// The next frame whose turn has come, with what to do about it.
    public mutating func next(now: UInt64) -> (frame: RelayFrame, verdict: FrameGate.Verdict)? {
        guard let first = held.first else { return nil }
        let isFull = held.count > RelayLimits.heldFrames || heldBytes > RelayLimits.heldBytes
        let mayHold = !isFull && !(deadline.map { $0 <= now } ?? false)
        let verdict = gate.judge(first.frame.header, mayHold: mayHold)
        guard verdict != .hold else { return nil }
        held.removeFirst()
        heldBytes -= first.frame.header.wireSize
        return (first.frame, verdict)
    }

    /// Keeps the order of numbers, a prologue before the frame it belongs to. Most frames go to the end.
    private mutating func hold(_ frame: RelayFrame, _ now: UInt64) {
        let isPrologue = frame.header.flags.contains(.prologue)
        var index = held.count
        while index > 0 {
            let other = held[index - 1].frame.header
            if other.number < frame.header.number { break }
            if other.number == frame.header.number && !(isPrologue && !other.flags.contains(.prologue)) { break }
            index -= 1
        }
        held.insert(Held(frame: frame, since: now), at: index)
        heldBytes += frame.header.wireSize
    }
}
