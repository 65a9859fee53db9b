/// A timer of one loop. Armed for one shot at a time: whoever wants a rhythm arms it again against its own deadline,
/// because libuv's repeating timers drift by the work done in each tick.
import CUV

public final class Timer {
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private let fire: () -> Void
    private unowned let loop: Loop

    public init(on loop: Loop, _ fire: @escaping () -> Void) {
        self.loop = loop
        self.fire = fire
        handle = .allocate(capacity: 1)
        uv_timer_init(loop.uv, handle)
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        uv_timer_stop(handle)
        handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
    }

    public var isArmed: Bool {
        handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_is_active($0) != 0 }
    }

    public func arm(after milliseconds: UInt64) {
        // Between two turns libuv's idea of now is old by whatever this turn has worked.
        uv_update_time(loop.uv)
        uv_timer_start(
            handle,
            { Unmanaged<Timer>.fromOpaque($0!.pointee.data).takeUnretainedValue().fired() },
            milliseconds, 0)
    }

    public func disarm() { uv_timer_stop(handle) }

    private func fired() {
        // The callback may drop the last reference to this timer.
        withExtendedLifetime(self) { fire() }
    }
}
