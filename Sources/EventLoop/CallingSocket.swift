/// A UDP socket that calls one other machine, and hears when nobody is at the port there, which nothing else tells: where
/// a process dies, TCP's peers are sent a reset, and UDP's hear nothing more. The machine answers a datagram to a closed
/// port with an ICMP message, and the system keeps it for the socket.
///
/// What is refused has nobody who would take it. What is not may have nobody all the same: machines that are gone, and
/// firewalls, give no answer, and none gives more than a few in a second. That is why the datagrams of the conversation
/// itself are the questions: others would use up the answers.
///
/// Another, such as a library with threads of its own, sends and receives; nothing is read here, nor does it cost the
/// loop anything while there are no errors.
import CSystem

public final class CallingSocket: PollerOwner {
    /// To be closed by who takes it.
    public let descriptor: Int32

    /// A datagram came back: nobody is at the port that it went to.
    public var onRefused: (() -> Void)?

    private let ears: Int32
    private var poller: Poller?

    /// Nil where there are no descriptors.
    public init?(ipv6: Bool, on loop: Loop) {
        var ears: Int32 = -1
        descriptor = cs_calling_socket(ipv6 ? 1 : 0, &ears)
        self.ears = ears
        guard descriptor >= 0 else { return nil }
        poller = Poller(ears, on: loop, owner: self)
        // libuv has made calls on the socket return at once; whoever sends on it may want them to wait for room.
        cs_block(ears)
        poller?.watchErrors()
    }

    deinit {
        poller?.close()
        if ears >= 0 { cs_close(ears) }
    }

    public func pollerReadable() {
        if cs_refusals(ears) > 0 { onRefused?() }
    }

    public func pollerWritable() {}
}
