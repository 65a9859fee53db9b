/// The one system call of the media path.
import CSystem
import Glibc

public enum SocketWriter {
    public enum Outcome {
        case wrote(Int)
        /// The socket is full: nothing went out.
        case full
        case failed
    }

    /// Writes the vectors to the socket without waiting. Hot: one call per viewer per flush.
    public static func write(_ descriptor: Int32, _ vectors: UnsafePointer<iovec>, _ count: Int) -> Outcome {
        let sent = cs_writev(descriptor, vectors, Int32(count))
        if sent >= 0 { return .wrote(sent) }
        return sent == -EAGAIN || sent == -EINTR || sent == -ENOBUFS ? .full : .failed
    }
}
