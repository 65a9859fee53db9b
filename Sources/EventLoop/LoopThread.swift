/// A loop on a thread of its own.
import Threads

public final class LoopThread: Sendable {
    public let mailbox: Mailbox
    private let thread: Thread

    /// Hands the loop to a new thread, which turns it until it is stopped. Everything that lives on the loop must have
    /// been set up before, and is not to be touched by the calling thread any more.
    public init(_ loop: Loop) {
        mailbox = loop.mailbox
        // Sound: from here on the loop is touched on its own thread alone.
        nonisolated(unsafe) let handed = loop
        guard let thread = Thread.start("loop-\(loop.index)", { handed.run() }) else {
            preconditionFailure("the system refuses another thread")
        }
        self.thread = thread
    }

    public func join() { thread.join() }
}
