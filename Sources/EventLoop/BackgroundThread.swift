/// A thread for one piece of work that waits for something, so that no loop does. For few and long ones: each has a stack
/// of its own, and nothing limits their number here.
import CSystem
import Glibc

public enum BackgroundThread {
    private final class Work {
        let name: String
        let work: @Sendable () -> Void

        init(_ name: String, _ work: @escaping @Sendable () -> Void) {
            self.name = name
            self.work = work
        }
    }

    /// False if the system refuses another thread: the work is not done. Nobody waits for it at the end of the process.
    public static func start(_ name: String, _ work: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Work(name, work))
        let failure = pthread_create(
            &thread, &attributes,
            { argument in
                let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
                cs_name_thread(work.name)
                work.work()
                return nil
            }, argument.toOpaque())
        if failure != 0 { argument.release() }
        return failure == 0
    }
}
