/// Watches one descriptor on a loop, calling its owner when it can be read or written.
///
/// libuv's poll handle rather than its stream handles: reads go to the loop's one buffer, writes go straight from the
/// shared log to the socket, and waiting for room allocates nothing.
/// Invariant: the owner outlives the poller, or calls `close` before it goes.
import CUV

public protocol PollerOwner: AnyObject {
    func pollerReadable()
    func pollerWritable()
}

final class Poller {
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private unowned(unsafe) let owner: any PollerOwner
    private var interest: Int32 = 0
    private var closed = false

    init?(_ descriptor: Int32, on loop: Loop, owner: any PollerOwner) {
        self.owner = owner
        handle = .allocate(capacity: 1)
        guard uv_poll_init(loop.uv, handle, descriptor) == 0 else {
            handle.deallocate()
            // What is half made is destroyed like what is whole.
            closed = true
            return nil
        }
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    func watch(readable: Bool, writable: Bool) {
        watch((readable ? Int32(UV_READABLE.rawValue) : 0) | (writable ? Int32(UV_WRITABLE.rawValue) : 0))
    }

    /// Of errors alone the owner is told, too, as of something to be read.
    func watchErrors() { watch(Int32(UV_PRIORITIZED.rawValue)) }

    private func watch(_ wanted: Int32) {
        guard !closed, wanted != interest else { return }
        interest = wanted
        guard wanted != 0 else {
            uv_poll_stop(handle)
            return
        }
        uv_poll_start(handle, wanted) { handle, status, events in
            Unmanaged<Poller>.fromOpaque(handle!.pointee.data).takeUnretainedValue().ready(status, events)
        }
    }

    /// Stops watching at once; the handle's memory goes when libuv has let go of it.
    func close() {
        guard !closed else { return }
        closed = true
        uv_poll_stop(handle)
        handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
    }

    private func ready(_ status: Int32, _ events: Int32) {
        // What it is told may make others let go of the owner. Whoever calls this holds the poller itself.
        let owner = owner
        // An error shows itself, with its reason, in the read that follows.
        let readable = status < 0 || events & Int32(UV_READABLE.rawValue | UV_PRIORITIZED.rawValue) != 0
        if readable { owner.pollerReadable() }
        if !closed && events & Int32(UV_WRITABLE.rawValue) != 0 { owner.pollerWritable() }
    }

    deinit { precondition(closed, "a poller must be closed by its owner") }
}
