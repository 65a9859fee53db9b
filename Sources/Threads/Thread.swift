/// A thread of the system's, under a name that the system's tools show.
///
/// For few and long pieces of work: each thread has a stack of its own, and nothing limits their number here. What a
/// thread is for stands where it is started.
import CSystem
import Glibc

public struct Thread: Sendable {
    private let thread: pthread_t

    private final class Work: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Nil if the system refuses another thread: the work is not done, and will not be. To be joined, once. The system
    /// shows 15 characters of the name.
    public static func start(_ name: String, _ work: @escaping @Sendable () -> Void) -> Thread? {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Work(name, work))
        let failure = pthread_create(
            &thread, nil,
            { argument in
                let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
                cs_name_thread(work.name)
                work.run()
                return nil
            }, argument.toOpaque())
        guard failure == 0 else {
            argument.release()
            return nil
        }
        return Thread(thread: thread)
    }

    /// Waits until the work is done.
    public func join() { pthread_join(thread, nil) }

    /// One that nobody waits for, not even the end of the process. False if the system refuses another thread.
    public static func detached(_ name: String, _ work: @escaping @Sendable () -> Void) -> Bool {
        guard let started = start(name, work) else { return false }
        pthread_detach(started.thread)
        return true
    }
}
