/// Data plane. The viewers of one log on one loop, and the flush that writes to them.
///
/// Invariants: `slots[0 ..< count]` are in use, and each one's viewer knows its index; a viewer in state `live` stands
/// at a frame's start and has nothing in its connection's outbox; nothing in `flush` allocates, retains or locks.
import EventLoop
import Glibc
import StreamLog

public final class LogView {
    let loop: Loop
    let trunks: TrunkRound
    /// Readers that are no viewers.
    private var cursors: [LogCursor] = []
    private(set) var count = 0
    private(set) var reader = LogReader()
    private var slots: UnsafeMutablePointer<ViewerSlot>
    private var capacity = 4
    private var waiting = 0
    private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: LogReader.maxVectors)
    /// Slots in state `failed`. They go at the end of the pass that found them: the loops over slots stay simple.
    private var failed = 0

    private(set) var totals = Totals()
    /// When the last reader left, in the loop's milliseconds.
    private(set) var emptySince: UInt64

    struct Totals: Sendable {
        var bytesOut: UInt64 = 0
        var skips: UInt64 = 0
        var stalledOut: UInt64 = 0
    }

    init(on loop: Loop, trunks: TrunkRound) {
        self.loop = loop
        self.trunks = trunks
        emptySince = loop.now
        slots = .allocate(capacity: capacity)
    }

    deinit {
        precondition(isUnread, "a view outlives its readers")
        slots.deallocate()
        vectors.deallocate()
    }

    // MARK: Coming and going

    func add(_ viewer: Viewer) {
        if count == capacity { grow() }
        slots.advanced(by: count).initialize(
            to: ViewerSlot(
                descriptor: viewer.connection.descriptor, isSealed: viewer.connection.security != nil,
                lastProgress: loop.now,
                viewer: Unmanaged.passUnretained(viewer)))
        viewer.view = self
        viewer.index = count
        count += 1
        waiting += 1
        join(count - 1)
    }

    private func grow() {
        let larger = UnsafeMutablePointer<ViewerSlot>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: slots, count: count)
        slots.deallocate()
        slots = larger
        capacity *= 2
    }

    func remove(_ index: Int) {
        precondition(index >= 0 && index < count)
        let viewer = slots[index].viewer.takeUnretainedValue()
        switch slots[index].state {
        case .waiting: waiting -= 1
        case .failed: failed -= 1
        case .live, .blocked, .finishing: break
        }
        totals.bytesOut += slots[index].bytes
        viewer.lastStats = stats(of: index)
        slots[index].pinned?.release()
        count -= 1
        if index != count {
            slots[index] = slots[count]
            slots[index].viewer.takeUnretainedValue().index = index
        }
        viewer.view = nil
        viewer.index = -1
        if isUnread { emptySince = loop.now }
    }

    func add(_ cursor: LogCursor) { cursors.append(cursor) }

    func remove(_ cursor: LogCursor) {
        guard let index = cursors.firstIndex(where: { $0 === cursor }) else { return }
        totals.bytesOut += cursors.remove(at: index).bytesOut
        if isUnread { emptySince = loop.now }
    }

    var isUnread: Bool { count == 0 && cursors.isEmpty }

    /// Lets every reader know, then lets go of it.
    func end(_ reason: ViewerEnd) {
        while count > 0 { finish(count - 1, reason) }
        while let cursor = cursors.popLast() {
            totals.bytesOut += cursor.bytesOut
            cursor.logEnded(reason)
        }
    }

    private func finish(_ index: Int, _ reason: ViewerEnd) {
        let viewer = slots[index].viewer.takeUnretainedValue()
        remove(index)
        viewer.onEnd(reason)
    }

    // MARK: The flush

    /// Takes in what the home loop has published and writes it out.
    func take(_ update: LogUpdate) {
        reader.extend(update)
        if update.news != nil { dropExpired() }
        if count > 0 {
            trunks.run()
            flush()
        }
        var index = 0
        while index < cursors.count {
            let cursor = cursors[index]
            cursor.logGrew()
            // It may have left.
            if index < cursors.count, cursors[index] === cursor { index += 1 }
        }
    }

    private func dropExpired() {
        while let expired = reader.expired {
            rescue(from: expired.segment, until: expired.end)
            for cursor in cursors { cursor.logDrops(before: expired.end) }
            reader.dropOldest()
        }
    }

    private func flush() {
        if waiting > 0 { joinWaiting() }
        let head = reader.head
        let now = loop.now
        var start = UInt64.max
        var batch = (count: 0, bytes: 0)
        for index in 0..<count {
            guard slots[index].state == .live, slots[index].offset < head else { continue }
            // Nearly everybody stands where the last flush ended: the vectors are made once.
            if slots[index].offset != start {
                start = slots[index].offset
                batch = reader.gather(from: start, to: head, into: vectors)
            }
            switch write(index, batch.count) {
            case .wrote(let written):
                slots[index].offset += UInt64(written)
                slots[index].bytes += UInt64(written)
                slots[index].lastProgress = now
                if slots[index].offset < head { block(index) }
            case .full:
                block(index)
            case .failed:
                fail(index)
            }
        }
        dropFailed()
    }

    /// The first `count` vectors, to one viewer.
    private func write(_ index: Int, _ count: Int) -> SocketWriter.Outcome {
        guard slots[index].isSealed else { return SocketWriter.write(slots[index].descriptor, vectors, count) }
        return slots[index].viewer._withUnsafeGuaranteedRef { $0.connection.writeSealed(vectors, count) }
    }

    private func block(_ index: Int) {
        slots[index].state = .blocked
        slots[index].viewer.takeUnretainedValue().connection.waitUntilWritable()
    }

    private func fail(_ index: Int) {
        slots[index].state = .failed
        failed += 1
    }

    private func dropFailed() {
        while failed > 0 {
            // From the end, so that the slot that fills a gap has been looked at; ending one may take others along.
            for index in (0..<count).reversed() where index < count && slots[index].state == .failed {
                finish(index, .connectionFailed)
            }
        }
    }

    // MARK: Joining

    private func joinWaiting() {
        guard reader.joinPoint != nil else { return }
        for index in 0..<count where slots[index].state == .waiting { join(index) }
        dropFailed()
    }

    /// Puts a waiting viewer at the newest keyframe, if there is one, and sends it what is there.
    private func join(_ index: Int) {
        guard let point = reader.joinPoint else { return }
        waiting -= 1
        enter(index, point)
        advance(index)
    }

    private func enter(_ index: Int, _ point: JoinPoint) {
        slots[index].state = .live
        slots[index].offset = point.offset
        guard slots[index].version != point.version else { return }
        slots[index].version = point.version
        slots[index].viewer.takeUnretainedValue().connection.write(point.prologue)
        blockIfOutboxWaits(index)
    }

    func blockIfOutboxWaits(_ index: Int) {
        guard slots[index].state == .live, slots[index].viewer.takeUnretainedValue().connection.hasOutbox else {
            return
        }
        block(index)
    }

    // MARK: The slow

    /// Writes on towards the head until the socket is full. The viewer's outbox must be empty.
    private func advance(_ index: Int) {
        guard slots[index].state == .live else { return }
        let viewer = slots[index].viewer.takeUnretainedValue()
        while slots[index].offset < reader.head || viewer.awaitsBoundary {
            var limit = reader.head
            if viewer.awaitsBoundary {
                let frame = reader.frame(around: slots[index].offset)
                if frame.start == slots[index].offset {
                    viewer.reachedBoundary()
                    guard viewer.view === self else { return }
                    guard !viewer.connection.hasOutbox else { return block(index) }
                    continue
                }
                limit = frame.end
            }
            let batch = reader.gather(from: slots[index].offset, to: limit, into: vectors)
            switch write(index, batch.count) {
            case .wrote(let written):
                progress(index, written)
                if written < batch.bytes { return block(index) }
            case .full:
                return block(index)
            case .failed:
                return fail(index)
            }
        }
    }

    private func progress(_ index: Int, _ written: Int) {
        slots[index].offset += UInt64(written)
        slots[index].bytes += UInt64(written)
        slots[index].lastProgress = loop.now
    }

    /// The socket takes bytes again.
    func resume(_ index: Int) {
        trunks.run()
        switch slots[index].state {
        case .waiting, .live, .failed:
            return
        case .blocked:
            slots[index].state = .live
            advance(index)
        case .finishing:
            finishFrame(index)
        }
        dropFailed()
    }

    /// Rescues every cursor from a segment that is about to go.
    private func rescue(from segment: Segment, until end: UInt64) {
        for index in 0..<count {
            guard slots[index].state == .live || slots[index].state == .blocked, slots[index].offset < end else {
                continue
            }
            let frame = reader.frame(around: slots[index].offset)
            if frame.start == slots[index].offset {
                skip(index)
            } else {
                slots[index].state = .finishing
                slots[index].frameEnd = frame.end
                slots[index].pinned = Unmanaged.passRetained(segment)
            }
        }
    }

    /// Moves a viewer that fell off the tail to the newest keyframe, or to the next one if there is none.
    private func skip(_ index: Int) {
        slots[index].skips += 1
        totals.skips += 1
        guard let point = reader.joinPoint else {
            slots[index].state = .waiting
            waiting += 1
            return
        }
        enter(index, point)
        // Its socket was full: the write that shows otherwise comes with writability.
        block(index)
    }

    private func finishFrame(_ index: Int) {
        guard let segment = slots[index].pinned else { preconditionFailure("finishing without a pinned segment") }
        let written = segment._withUnsafeGuaranteedRef { segment in
            vectors[0] = iovec(
                iov_base: segment.bytes + Int(slots[index].offset - segment.base),
                iov_len: Int(slots[index].frameEnd - slots[index].offset))
            return write(index, 1)
        }
        switch written {
        case .wrote(let count): progress(index, count)
        case .full: break
        case .failed: return fail(index)
        }
        guard slots[index].offset == slots[index].frameEnd else {
            slots[index].viewer.takeUnretainedValue().connection.waitUntilWritable()
            return
        }
        segment.release()
        slots[index].pinned = nil
        skip(index)
        // At a keyframe now, or waiting for one: between frames either way.
        let viewer = slots[index].viewer.takeUnretainedValue()
        if viewer.awaitsBoundary { viewer.reachedBoundary() }
    }

    // MARK: Housekeeping and stats

    func isAtBoundary(_ index: Int) -> Bool { slots[index].state == .live || slots[index].state == .waiting }

    /// Ends the viewers that have taken nothing for too long.
    func endStalled(after timeout: UInt64) {
        dropFailed()
        let now = loop.now
        for index in stride(from: count - 1, through: 0, by: -1) {
            guard index < count, slots[index].state == .blocked || slots[index].state == .finishing,
                now - min(now, slots[index].lastProgress) > timeout
            else { continue }
            totals.stalledOut += 1
            finish(index, .stalled)
        }
    }

    func stats(of index: Int) -> ViewerStats {
        let slot = slots[index]
        var stats = ViewerStats()
        stats.bytesOut = slot.bytes
        stats.skips = UInt64(slot.skips)
        if slot.state != .waiting, slot.offset >= reader.tail {
            stats.lagBytes = reader.head - slot.offset
            stats.lagMilliseconds = reader.newestTimestamp - reader.frame(around: slot.offset).timestamp
        }
        return stats
    }

    /// Bytes to viewers that have left and to those who are here.
    var bytesOut: UInt64 {
        var sum = totals.bytesOut
        for index in 0..<count { sum += slots[index].bytes }
        for cursor in cursors { sum += cursor.bytesOut }
        return sum
    }

    func countViewers(into counts: inout [String: Int]) {
        for index in 0..<count { counts[slots[index].viewer.takeUnretainedValue().label, default: 0] += 1 }
        for cursor in cursors where cursor.isViewer { counts[cursor.label, default: 0] += 1 }
    }
}
