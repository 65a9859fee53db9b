/// Data plane, pure, nothing allocated per frame. Decides at a receiver which frames of one stream go on, whatever
/// parents they come from, one or several at once, now or after a failover.
///
/// Invariants: what passes is strictly ascending in `FrameNumber`; nothing passes twice; a newer epoch, once begun,
/// shuts the older out; a number between two that passed is in `lost` or `undecodable`. After a gap, at the start of an
/// epoch and at a first join, video waits for a keyframe, because nothing before one could be decoded; audio, metadata
/// and configurations go on meanwhile.
///
/// A source delivers ascending numbers. What it has reached tells what it can still bring, and so whether a gap is a
/// loss or only a lead of the other parent.
public struct FrameGate: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// Append it, and relay it. So many frames before it will never come.
        case accept(lost: UInt64)
        /// Not a frame of the sequence: take note of the configuration or metadata in it.
        case prologue
        case duplicate
        /// Of an epoch older than one that has begun.
        case fenced
        /// Video that nobody can decode, before the keyframe that is awaited.
        case undecodable
        /// Frames are missing before it, which another source may still bring: offer it again (`FrameMerge` does).
        case hold
    }

    public struct Counters: Sendable, Equatable {
        public var accepted: UInt64 = 0
        public var duplicates: UInt64 = 0
        /// Frames that no source delivered, known by the gaps they left.
        public var lost: UInt64 = 0
        /// In how many places.
        public var gaps: UInt64 = 0
        public var undecodable: UInt64 = 0
        public var fenced: UInt64 = 0
        public var epochs: UInt64 = 0
    }

    private struct Source {
        var id: Int?
        /// The lowest number that it can still bring.
        var reached: FrameNumber
    }

    /// The number that follows on the last that passed; nil before the first.
    public private(set) var next: FrameNumber?
    public private(set) var awaitsKeyframe: Bool
    public private(set) var counters = Counters()
    /// As many as there may be (`RelayLimits.sources`), in no order; those without an id are free. In place: each frame
    /// looks at them.
    private var sources = InlineArray<4, Source>(repeating: FrameGate.noSource)
    private static var noSource: Source { Source(id: nil, reached: FrameNumber(epoch: 0, sequence: 0)) }

    /// `next` is where a stream goes on that is already here; nil for one that begins here.
    public init(next: FrameNumber? = nil) {
        self.next = next
        awaitsKeyframe = next == nil
    }

    /// What to ask the next parent for.
    public var resumePoint: ResumePoint { next.map { .at($0) } ?? .keyframe }

    // MARK: Sources

    /// A parent answered `Subscribed`; `first` is its first number. Only attached sources are waited for.
    public mutating func attach(_ source: Int, at first: FrameNumber) {
        detach(source)
        guard let free = sources.indices.first(where: { sources[$0].id == nil }) else {
            preconditionFailure("more parents than a stream may have")
        }
        sources[free] = Source(id: source, reached: first)
    }

    /// The parent ended, closed, died, or was given up: nothing is waited for from it.
    public mutating func detach(_ source: Int) {
        for index in sources.indices where sources[index].id == source { sources[index] = FrameGate.noSource }
    }

    public var sourceCount: Int { sources.indices.count { sources[$0].id != nil } }

    // MARK: Frames

    /// Whether the frame is dropped by its header alone, and is now counted as that; nil when its body is needed.
    public mutating func refuse(_ header: RelayFrame.Header, from source: Int) -> Verdict? {
        guard let next, header.number < next else { return nil }
        note(header, from: source)
        return judge(header, mayHold: false)
    }

    /// Hot. Whether the frame is the very next one, and is accepted as that with nothing lost: what `offer` would say of it,
    /// in fewer words. Nothing is noted of any other.
    mutating func passes(_ number: FrameNumber, _ flags: RelayFrame.Flags, from source: Int) -> Bool {
        guard number == next, !awaitsKeyframe, !flags.contains(.prologue) else { return false }
        let following = number.successor
        note(following, from: source)
        next = following
        counters.accepted += 1
        return true
    }

    public mutating func offer(_ header: RelayFrame.Header, from source: Int) -> Verdict {
        note(header, from: source)
        return judge(header, mayHold: true)
    }

    /// The source will bring nothing before this frame any more.
    mutating func note(_ header: RelayFrame.Header, from source: Int) {
        note(header.flags.contains(.prologue) ? header.number : header.number.successor, from: source)
    }

    private mutating func note(_ reached: FrameNumber, from source: Int) {
        for index in sources.indices where sources[index].id == source && sources[index].reached < reached {
            sources[index].reached = reached
        }
    }

    mutating func judge(_ header: RelayFrame.Header, mayHold: Bool) -> Verdict {
        let number = header.number
        let isPrologue = header.flags.contains(.prologue)
        guard let next else {
            if isPrologue { return .prologue }
            counters.epochs += 1
            return pass(header, lost: 0)
        }
        guard number.epoch >= next.epoch else {
            counters.fenced += 1
            return .fenced
        }
        let isNewEpoch = number.epoch > next.epoch
        let expected = isNewEpoch ? FrameNumber(startOf: number.epoch) : next
        guard number >= expected else {
            if !isPrologue { counters.duplicates += 1 }
            return .duplicate
        }
        if mayHold && number > expected && isAwaited(before: number) { return .hold }
        if isNewEpoch {
            counters.epochs += 1
            awaitsKeyframe = true
            self.next = expected
        }
        if isPrologue { return .prologue }
        let lost = number.sequence - expected.sequence
        if lost > 0 { noteGap(lost) }
        return pass(header, lost: lost)
    }

    /// Whether a source can still bring a frame below `number`.
    private func isAwaited(before number: FrameNumber) -> Bool {
        for index in sources.indices where sources[index].id != nil && sources[index].reached < number { return true }
        return false
    }

    private mutating func noteGap(_ lost: UInt64) {
        // Numbers end at 2^62: a lying parent can make the sum large, not wrap it.
        let (sum, overflow) = counters.lost.addingReportingOverflow(lost)
        counters.lost = overflow ? .max : sum
        counters.gaps += 1
        awaitsKeyframe = true
    }

    private mutating func pass(_ header: RelayFrame.Header, lost: UInt64) -> Verdict {
        next = header.number.successor
        if awaitsKeyframe && header.kind == .video && !header.flags.contains(.configuration) {
            guard header.flags.contains(.keyframe) else {
                counters.undecodable += 1
                return .undecodable
            }
            awaitsKeyframe = false
        }
        counters.accepted += 1
        return .accept(lost: lost)
    }
}
