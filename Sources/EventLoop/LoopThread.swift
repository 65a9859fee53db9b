/// A loop on a thread of its own.
import CSystem
import Glibc

public final class LoopThread: @unchecked Sendable {
    // Sound: `thread` is written once, before the value is shared; the loop itself is touched on its thread only.
    public let mailbox: Mailbox
    private var thread = pthread_t()

    private final class Start {
        let loop: Loop
        let body: (Loop) -> Void
        init(_ loop: Loop, _ body: @escaping (Loop) -> Void) {
            self.loop = loop
            self.body = body
        }
    }

    /// Runs `body` on the new thread, then the loop until it is stopped.
    public init(index: Int, _ body: @escaping @Sendable (Loop) -> Void) {
        let loop = Loop(index: index)
        mailbox = loop.mailbox
        let start = Unmanaged.passRetained(Start(loop, body)).toOpaque()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                cs_name_thread("loop-\(start.loop.index)")
                start.body(start.loop)
                start.loop.run()
                return nil
            }, start)
        precondition(failure == 0, "the system refuses another thread")
    }

    public func join() { pthread_join(thread, nil) }
}
