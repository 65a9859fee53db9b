/// Where a parent starts a subscription, given what its log of the stream still holds. Pure arithmetic on frame numbers:
/// the shell turns `first` into an offset of its log.
public struct Resumption: Sendable, Equatable {
    /// The first frame to send; frames below it are passed over, and it may yet have to come.
    public var first: FrameNumber
    public var continuity: Continuity
    /// Whether metadata and configurations go before it.
    public var needsPrologue: Bool

    /// What a log holds: the frames from `oldest` up to, and without, `next`, which will come next.
    public struct Holding: Sendable, Equatable {
        public var oldest: FrameNumber
        public var next: FrameNumber
        /// The newest place where a decoder can start; nil when there is none.
        public var keyframe: FrameNumber?

        public init(oldest: FrameNumber, next: FrameNumber, keyframe: FrameNumber?) {
            precondition(oldest <= next, "a log ends after it begins")
            self.oldest = oldest
            self.next = next
            self.keyframe = keyframe
        }
    }

    /// Nil when the child has seen a newer epoch than this node: refuse it as `fenced`, and look for that epoch.
    public init?(_ point: ResumePoint, in holding: Holding) {
        let newest = holding.keyframe ?? holding.next
        switch point {
        case .live: self.init(first: holding.next, continuity: .fresh, needsPrologue: true)
        case .keyframe: self.init(first: newest, continuity: .fresh, needsPrologue: true)
        case .at(let wanted):
            guard wanted.epoch <= holding.next.epoch else { return nil }
            if wanted >= holding.oldest {
                self.init(first: wanted, continuity: .exact, needsPrologue: false)
            } else if wanted.epoch < holding.oldest.epoch && holding.oldest.sequence == FrameNumber.firstSequence {
                // A newer publish session that is here from its start: it brings its own configuration.
                self.init(first: holding.oldest, continuity: .lost(frames: 0), needsPrologue: false)
            } else {
                // Of an epoch that is over nobody knows how long it went on.
                let lost = wanted.epoch == newest.epoch && wanted < newest ? newest.sequence - wanted.sequence : 0
                self.init(first: newest, continuity: .lost(frames: lost), needsPrologue: true)
            }
        }
    }

    init(first: FrameNumber, continuity: Continuity, needsPrologue: Bool) {
        self.first = first
        self.continuity = continuity
        self.needsPrologue = needsPrologue
    }
}
