/// One stream on its way to one child node: a cursor into the stream's relay log, and the child's credit.
///
/// Invariants: `offset ... batchEnd` is what has been paid for and is not yet written, whole frames but for the first;
/// nothing is written before the child has been told where the stream starts (`onStart`).
import EventLoop
import Glibc
import RelayProtocol
import StreamLog

public final class RelayOutlet: LogCursor {
    /// What the child has to be told before the first frame.
    public typealias Start = (_ first: FrameNumber, _ continuity: Continuity) -> Void

    // What each frame needs, side by side in memory.
    public private(set) var credit: CreditWindow
    private var state = State.starting
    /// Whether it waits for its turn on the trunk, and who comes behind it (`OutletQueue`).
    var isQueued = false
    public let serviceClass: UInt8
    private(set) var offset: UInt64 = 0
    private(set) var batchEnd: UInt64 = 0
    private let trunk: RelayTrunk
    var queuedNext: OutletQueue.Place?

    public let handle: StreamHandle
    private let from: ResumePoint
    private let needed: FrameNumber?
    private let onStart: Start
    private let onRefused: () -> Void
    private var version: UInt32?

    private enum State {
        /// The log has nothing yet to start at.
        case starting
        case live
        /// Fell off where there was no keyframe: goes on at the next one.
        case awaitingJoinPoint
    }

    public init(
        _ handle: StreamHandle, from: ResumePoint, needed: FrameNumber? = nil, credit: UInt32, serviceClass: UInt8,
        over trunk: RelayTrunk,
        onStart: @escaping Start, onRefused: @escaping () -> Void, onEnd: @escaping (ViewerEnd) -> Void
    ) {
        self.handle = handle
        self.from = from
        self.needed = needed
        self.credit = CreditWindow(initial: credit)
        self.serviceClass = serviceClass
        self.trunk = trunk
        self.onStart = onStart
        self.onRefused = onRefused
        super.init(label: "relay", onEnd: onEnd)
    }

    deinit { precondition(!isQueued, "an outlet leaves its trunk before it goes") }

    // MARK: Coming and going

    public override func detach() {
        guard view != nil else { return }
        finishFrame()
        trunk.forget(self)
        super.detach()
    }

    override func logEnded(_ reason: ViewerEnd) {
        trunk.pump()
        finishFrame()
        trunk.forget(self)
        super.logEnded(reason)
    }

    /// More may be sent.
    public func grant(_ bytes: UInt32) throws(RelayError) {
        try credit.grant(bytes)
        logGrew()
    }

    // MARK: The log

    override func logGrew() {
        if state != .live { begin() }
        guard state == .live else { return }
        viewUncounted?._withUnsafeGuaranteedRef { view in
            if offset < batchEnd || (offset < view.head && credit.isOpen) { trunk.queue(self, in: view.trunks) }
        }
    }

    private func begin() {
        guard let view else { return }
        switch state {
        case .live: return
        case .awaitingJoinPoint:
            if let point = view.joinPoint { enter(point) }
        case .starting:
            guard view.nextNumber != nil else { return }
            if case .at = from { resume(view) } else { join(.fresh, view) }
        }
    }

    private func join(_ continuity: Continuity, _ view: LogView) {
        guard var point = view.joinPoint else { return }
        if continuity == .fresh, let needed, let earlier = view.joinPoint(notAfter: needed) { point = earlier }
        guard let first = view.number(at: point.offset) else { return }
        state = .live
        onStart(first, continuity)
        enter(point)
    }

    /// A child that has been with another parent goes on where it stands, if that is still to be had.
    private func resume(_ view: LogView) {
        // Before the first frame proper there is nothing to go by.
        guard let next = view.nextNumber, let oldest = view.oldestNumber, oldest <= next else { return }
        let keyframe = view.joinPoint.flatMap { view.number(at: $0.offset) }
        let holding = Resumption.Holding(oldest: oldest, next: next, keyframe: keyframe)
        guard let plan = Resumption(from, in: holding) else { return refuse() }
        if plan.needsPrologue { return join(plan.continuity, view) }
        // The child is as far as this node, or ahead of it: it drops what it has had.
        let offset = view.firstFrame(notBefore: plan.first)?.offset ?? view.head
        follow(at: offset, plan.first, plan.continuity)
    }

    /// The child knows of a newer publish session than this node.
    private func refuse() {
        detach()
        onRefused()
    }

    private func follow(at offset: UInt64, _ first: FrameNumber, _ continuity: Continuity) {
        state = .live
        self.offset = offset
        batchEnd = offset
        version = view?.joinPoint?.version
        onStart(first, continuity)
    }

    private func enter(_ point: JoinPoint) {
        state = .live
        offset = point.offset
        batchEnd = offset
        guard version != point.version else { return }
        version = point.version
        credit.charge(point.prologue.count)
        trunk.send(point.prologue)
    }

    override func logDrops(before end: UInt64) {
        guard state == .live, offset < end else { return }
        // It may only be waiting for the turn's end.
        trunk.pump()
        guard offset < end else { return }
        finishFrame()
        skips += 1
        state = .awaitingJoinPoint
        begin()
    }

    /// What is left of a half-written frame goes to the connection's own buffer, so that the log can be left.
    private func finishFrame() {
        guard let view, state == .live, offset < view.head else { return }
        let frame = view.frame(around: offset)
        defer {
            giveBack()
            trunk.interrupt(self)
        }
        guard frame.start < offset else { return }
        let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: LogReader.maxVectors)
        defer { vectors.deallocate() }
        let rest = view.gather(from: offset, to: frame.end, into: vectors)
        precondition(rest.count == 1, "a frame lies in one segment")
        trunk.sendRest(UnsafeRawBufferPointer(start: vectors[0].iov_base, count: vectors[0].iov_len))
        bytesOut += UInt64(rest.bytes)
        offset = frame.end
    }

    // MARK: Writing, for the trunk

    /// Pays for whole frames up to about `quantum` bytes. False if there are none, or no credit.
    func takeBatch(_ quantum: UInt64) -> Bool {
        guard offset == batchEnd else { return true }
        guard state == .live, let head = viewUncounted?._withUnsafeGuaranteedRef({ $0.head }) else { return false }
        // As a rule neither the quantum nor the credit cuts short what is new, and no frame has to be looked up.
        if head - offset <= quantum, credit.spendAll(Int(head - offset)) {
            batchEnd = head
            return offset < head
        }
        return takeFrames(quantum)
    }

    private func takeFrames(_ quantum: UInt64) -> Bool {
        guard let view else { return false }
        let (start, head) = (offset, view.head)
        var end = start
        while end < head, end - start < quantum {
            let frame = view.frame(around: end)
            guard credit.spend(Int(frame.end - frame.start)) else { break }
            end = frame.end
        }
        batchEnd = end
        return start < end
    }

    /// What is left of the batch, as far as a write's vectors go.
    func gather(into vectors: UnsafeMutablePointer<iovec>) -> (count: Int, bytes: Int, isWhole: Bool) {
        guard let viewUncounted else { return (0, 0, true) }
        let batch = viewUncounted._withUnsafeGuaranteedRef { $0.gather(from: offset, to: batchEnd, into: vectors) }
        return (batch.count, batch.bytes, offset + UInt64(batch.bytes) == batchEnd)
    }

    func wrote(_ count: Int) {
        offset += UInt64(count)
        bytesOut += UInt64(count)
    }

    /// What has been paid for and is not written after all.
    func giveBack() {
        credit.charge(-Int(batchEnd - offset))
        batchEnd = offset
    }

    var isBetweenBatches: Bool { offset == batchEnd }

    var hasMore: Bool {
        guard state == .live, let head = viewUncounted?._withUnsafeGuaranteedRef({ $0.head }) else { return false }
        return offset < head && credit.isOpen
    }

    /// How far the child is behind, in bytes of the log.
    public var lagBytes: UInt64 {
        guard let view, state == .live else { return 0 }
        return view.head - offset
    }
}
