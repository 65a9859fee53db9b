/// The sending side of a connection to another node: many streams take turns on it, a batch of whole frames each, and
/// the batches of all that are ready leave with one write, because a write costs the kernel the same whatever it holds.
///
/// A stream whose child grants no credit is passed over, so that it holds up nobody. Invariants: while a batch is half
/// written (`current`) nothing else is; only that one has been paid for and not yet written, between two writes; the
/// node's own messages go as soon as no batch is half written, before any other: what they say of a stream has to come
/// before its frames, which a child passes over until it knows whose they are; `ready` is in the order of service
/// classes, highest first.
import EventLoop
import Glibc
import StreamLog

public final class RelayTrunk {
    private let connection: Connection
    private var ready = OutletQueue()
    private var current: RelayOutlet?
    private var messages: [UInt8] = []
    private var isPumping = false
    /// The socket is full: trying again before it says otherwise would be a call for nothing.
    private var isBlocked = false
    /// Whether the round has it on its list, and which came to that before it.
    var isInRound = false
    var inRoundBefore: Unmanaged<RelayTrunk>?

    /// The batches of one write, in their order.
    private let batches = UnsafeMutablePointer<Batch>.allocate(capacity: RelayTrunk.maxBatches)
    private var batchCount = 0
    private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: RelayTrunk.maxVectors)

    /// Counts no reference. Sound: it is looked at from the making of a write to its settling, and no outlet goes
    /// in between.
    private struct Batch {
        let outlet: Unmanaged<RelayOutlet>
        let bytes: Int
    }

    /// Bytes of one stream before the next has its turn: a large keyframe's worth.
    private static let quantum: UInt64 = 128 * 1024
    /// Bytes of one write before what is left waits for the next: more saves nothing, and delays what comes meanwhile.
    private static let maxWrite = 256 * 1024
    /// Vectors of one write. The system takes 1,024.
    private static let maxVectors = 256
    /// Streams that wait for the end of the turn; with more there is nothing to be gained by waiting for others.
    private static let maxReady = maxVectors / LogReader.maxVectors
    /// Each has a vector at least.
    private static let maxBatches = maxVectors

    public init(_ connection: Connection) { self.connection = connection }

    deinit {
        vectors.deallocate()
        batches.deallocate()
    }

    /// Sends a message of the node's own.
    public func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if current == nil && messages.isEmpty { connection.write(bytes) } else { messages += bytes }
        if connection.hasOutbox { connection.waitUntilWritable() }
    }

    /// The rest of the frame that is half written; nothing of another may have come in between.
    func sendRest(_ bytes: UnsafeRawBufferPointer) {
        connection.write(Array(bytes))
        if connection.hasOutbox { connection.waitUntilWritable() }
    }

    /// The socket takes bytes again.
    public func writable() {
        isBlocked = false
        pump()
    }

    // MARK: Outlets

    /// The outlet has something to write, and does at the end of the loop's turn.
    func queue(_ outlet: RelayOutlet, in round: TrunkRound) {
        enqueue(outlet)
        if ready.count < RelayTrunk.maxReady { round.add(self) } else { pump() }
    }

    private func enqueue(_ outlet: RelayOutlet) {
        guard !outlet.isQueued, current !== outlet else { return }
        ready.append(outlet)
    }

    /// The outlet has no batch any more, and no half-written frame.
    func interrupt(_ outlet: RelayOutlet) {
        if current === outlet { current = nil }
    }

    func forget(_ outlet: RelayOutlet) {
        interrupt(outlet)
        ready.remove(outlet)
    }

    // MARK: Writing

    func pump() {
        guard !isPumping, !isBlocked, !connection.isClosed else { return }
        isPumping = true
        defer { isPumping = false }
        while true {
            guard !connection.hasOutbox else { return block() }
            if current == nil, !messages.isEmpty {
                let bytes = messages
                messages = []
                connection.write(bytes)
                continue
            }
            let (count, bytes) = gather()
            guard count > 0 else { return }
            switch write(count) {
            case .wrote(let written):
                settle(written)
                guard written == bytes else { return block() }
                guard current != nil || !ready.isEmpty || !messages.isEmpty else { return }
            case .full:
                settle(0)
                return block()
            // The read side says why.
            case .failed: return settle(0)
            }
        }
    }

    /// The first `count` vectors. Sealed bytes that the socket does not take wait in the connection's outbox: for this
    /// trunk they are out, and the next come behind them.
    private func write(_ count: Int) -> SocketWriter.Outcome {
        guard connection.isSecured else { return SocketWriter.write(connection.descriptor, vectors, count) }
        return connection.writeSealed(vectors, count)
    }

    private func block() {
        isBlocked = true
        connection.waitUntilWritable()
    }

    /// Fills `vectors` with the rest of the current batch, and, unless messages are to follow it, with those of other
    /// outlets behind it.
    private func gather() -> (count: Int, bytes: Int) {
        batchCount = 0
        var count = 0
        var bytes = 0
        var isWhole = true
        if let current { isWhole = add(current, &count, &bytes) }
        while isWhole, messages.isEmpty, bytes < RelayTrunk.maxWrite,
            count + LogReader.maxVectors <= RelayTrunk.maxVectors, let outlet = ready.popFirst()
        {
            outlet._withUnsafeGuaranteedRef { outlet in
                if outlet.takeBatch(RelayTrunk.quantum) { isWhole = add(outlet, &count, &bytes) }
            }
        }
        return (count, bytes)
    }

    /// Whether all of the outlet's batch found room, so that another may follow.
    private func add(_ outlet: RelayOutlet, _ count: inout Int, _ bytes: inout Int) -> Bool {
        let batch = outlet.gather(into: vectors + count)
        precondition(batchCount < RelayTrunk.maxBatches)
        batches.advanced(by: batchCount).initialize(to: Batch(outlet: .passUnretained(outlet), bytes: batch.bytes))
        batchCount += 1
        count += batch.count
        bytes += batch.bytes
        return batch.isWhole
    }

    /// So many bytes of the batches are out. Those that have not begun are taken back: what comes before them in the
    /// meantime goes first, and their frames may yet fall off the log.
    private func settle(_ written: Int) {
        var left = written
        let half = current
        if half != nil { current = nil }
        var isWhole = true
        for index in 0..<batchCount {
            let bytes = batches[index].bytes
            let count = min(left, bytes)
            left -= count
            batches[index].outlet._withUnsafeGuaranteedRef { outlet in
                outlet.wrote(count)
                if outlet.isBetweenBatches {
                    if outlet.hasMore { enqueue(outlet) }
                } else {
                    isWhole = false
                    if count > 0 || outlet === half { current = outlet }
                }
            }
        }
        if !isWhole { putBackRest() }
    }

    private func putBackRest() {
        for index in (0..<batchCount).reversed() {
            let outlet = batches[index].outlet.takeUnretainedValue()
            if outlet !== current && !outlet.isBetweenBatches { putBack(outlet) }
        }
    }

    private func putBack(_ outlet: RelayOutlet) {
        outlet.giveBack()
        ready.putBack(outlet)
    }
}
