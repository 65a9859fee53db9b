/// Calls once when the sockets that were ready in this turn of the loop have been seen to, before it waits again.
///
/// Asked for while sockets are seen to, it comes right behind them (libuv's check phase); asked for by a timer or a job,
/// before the next wait (its prepare phase). A timer that is due at once would do the same and costs more: a clock is read,
/// and a heap is kept.
import CUV

public final class TurnEnd {
    private let check: UnsafeMutablePointer<uv_check_t>
    private let prepare: UnsafeMutablePointer<uv_prepare_t>
    private let call: () -> Void
    private var isAwaited = false

    public init(on loop: Loop, _ call: @escaping () -> Void) {
        self.call = call
        check = .allocate(capacity: 1)
        prepare = .allocate(capacity: 1)
        uv_check_init(loop.uv, check)
        uv_prepare_init(loop.uv, prepare)
        check.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        prepare.pointee.data = check.pointee.data
        // For good: to be called for nothing costs less than to be put on the loop's lists and off them in each turn.
        uv_check_start(check) { TurnEnd.came(Unmanaged.fromOpaque($0!.pointee.data)) }
        uv_prepare_start(prepare) { TurnEnd.came(Unmanaged.fromOpaque($0!.pointee.data)) }
    }

    deinit {
        check.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
        prepare.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
    }

    public func arm() { isAwaited = true }

    /// As a rule nothing is awaited, and nothing counted.
    private static func came(_ reference: Unmanaged<TurnEnd>) {
        guard reference._withUnsafeGuaranteedRef({ $0.isAwaited }) else { return }
        // The call may drop the last reference to it.
        let end = reference.takeUnretainedValue()
        end.isAwaited = false
        withExtendedLifetime(end) { end.call() }
    }
}
