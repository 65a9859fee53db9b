/// A loop on a thread of its own.
import CSystem
import Glibc

public final class LoopThread: @unchecked Sendable {
    // Sound: `thread` is written once, before the value is shared; the loop itself is touched on its thread only.
    public let mailbox: Mailbox
    private var thread = pthread_t()

    /// Hands the loop to a new thread, which turns it until it is stopped. Everything that lives on the loop must have
    /// been set up before, and is not to be touched by the calling thread any more.
    public init(_ loop: Loop) {
        mailbox = loop.mailbox
        let argument = Unmanaged.passRetained(loop).toOpaque()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                let loop = Unmanaged<Loop>.fromOpaque(argument!).takeRetainedValue()
                cs_name_thread("loop-\(loop.index)")
                loop.run()
                return nil
            }, argument)
        precondition(failure == 0, "the system refuses another thread")
    }

    public func join() { pthread_join(thread, nil) }
}
