/// The door of a loop: jobs from other threads, run on the loop's thread in the order of their posting.
///
/// However many jobs are posted between two turns of the loop, it is woken once. `@unchecked Sendable` is sound: the
/// queue is behind a lock, `uv_async_send` may be called from any thread, and the loop is only touched on its own.
import CUV

public final class Mailbox: @unchecked Sendable {
    public typealias Job = @Sendable (Loop) -> Void

    private struct Queue {
        var jobs: [Job] = []
        var closed = false
    }

    private let queue = Lock(Queue())
    private let async: UnsafeMutablePointer<uv_async_t>
    private unowned(unsafe) var loop: Loop!

    init(_ uv: UnsafeMutablePointer<uv_loop_t>) {
        async = .allocate(capacity: 1)
        uv_async_init(uv, async) { handle in
            Unmanaged<Mailbox>.fromOpaque(handle!.pointee.data).takeUnretainedValue().deliver()
        }
        async.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    func attach(_ loop: Loop) { self.loop = loop }

    /// Runs `job` on the loop. Jobs posted after the loop has ended are dropped.
    public func post(_ job: @escaping Job) {
        queue.with { queue in
            guard !queue.closed else { return }
            queue.jobs.append(job)
            // Under the lock, so that the handle cannot be closed in between.
            if queue.jobs.count == 1 { uv_async_send(async) }
        }
    }

    /// Drops what is posted from now on, and what still waits.
    func close() {
        // Freed outside of the lock: what a job holds may post as it goes.
        let dropped = queue.with { queue -> [Job] in
            defer { queue = Queue(closed: true) }
            return queue.jobs
        }
        _ = dropped
        async.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
    }

    private func deliver() {
        let jobs = queue.with { queue -> [Job] in
            let jobs = queue.jobs
            queue.jobs = []
            return jobs
        }
        for job in jobs { job(loop) }
    }
}

/// Something that lives on one loop, carried past others that must not look at it.
///
/// `@unchecked Sendable` is sound because the value is given out only to who shows the loop that it lives on.
public struct LoopBound<Value>: @unchecked Sendable {
    @usableFromInline let value: Value
    @usableFromInline let loop: ObjectIdentifier

    public init(_ value: Value, on loop: Loop) {
        self.value = value
        self.loop = ObjectIdentifier(loop)
    }

    @inlinable public func value(on loop: Loop) -> Value {
        precondition(self.loop == ObjectIdentifier(loop), "touched from a loop that does not own it")
        return value
    }
}
