/// A Unix signal, delivered as a call on a loop.
import CUV
import Glibc

public final class SignalWatch {
    private let handle: UnsafeMutablePointer<uv_signal_t>
    private let received: () -> Void

    public static let terminate = SIGTERM
    public static let interrupt = SIGINT
    public static let hangUp = SIGHUP

    public init(_ signal: Int32, on loop: Loop, _ received: @escaping () -> Void) {
        self.received = received
        handle = .allocate(capacity: 1)
        uv_signal_init(loop.uv, handle)
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_signal_start(
            handle,
            { watch, _ in
                Unmanaged<SignalWatch>.fromOpaque(watch!.pointee.data).takeUnretainedValue().received()
            }, signal)
    }

    deinit {
        uv_signal_stop(handle)
        handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { handle in
            uv_close(handle) { UnsafeMutableRawPointer($0!).deallocate() }
        }
    }
}
