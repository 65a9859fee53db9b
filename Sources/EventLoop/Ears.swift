/// Hears of datagrams that were sent from a UDP port and refused, because nobody is at the port that they went to. Nothing
/// else tells: where a process dies, TCP's peers are sent a reset, and UDP's hear nothing more. The machine answers a
/// datagram to a closed port with an ICMP message.
///
/// What is refused has nobody who would take it. What is not may have nobody all the same: machines that are gone, and
/// firewalls, give no answer, and none gives more than a few in a second. That is why the datagrams of the conversation
/// itself are the questions: others would use up the answers.
///
/// Why ears, and not the socket itself. The system keeps such messages for a socket that wants them (IP_RECVERR), and then
/// fails the socket's next call, too, whatever that is about: a datagram to somebody else is not sent, and a read ends
/// with whatever came last, such as "no route to host", on which libsrt stops reading the port for good. Anybody can send
/// such a message. So the ears are sockets of their own at the same port (SO_REUSEPORT): a program on the group gives every
/// datagram to the first one, and ICMP, for which no program is run, is given to the socket of the processor that it
/// arrives on (SO_INCOMING_CPU, Linux 6.2; before, to one of all by the address, so that the port is deaf to some peers).
///
/// Invariant: the ears go before the socket does, lest they are given its datagrams.
import CSystem

public struct Refusal: Sendable {
    /// Where the datagram went.
    public let peer: Address
    /// Its first bytes, at most 24: as many as the answer quotes. Some systems quote none.
    public let quoted: [UInt8]

    public init(peer: Address, quoted: [UInt8]) {
        self.peer = peer
        self.quoted = quoted
    }
}

/// Ears that no loop listens with yet.
public final class EarSockets: Sendable {
    private let descriptors: Lock<[Int32]>

    /// As many processors have an ear. With more of them, some of what arrives on the others is not heard.
    private static let most = 16

    /// `descriptor`: a UDP socket at a port that is its own. Nothing is heard where the system cannot do it.
    public init(of descriptor: Int32) {
        var ears = [Int32](repeating: -1, count: EarSockets.most)
        let count = Int(cs_ears(descriptor, &ears, Int32(ears.count)))
        descriptors = Lock(Array(ears[..<count]))
    }

    deinit { for descriptor in take() { cs_close(descriptor) } }

    fileprivate func take() -> [Int32] {
        descriptors.with { descriptors in
            defer { descriptors = [] }
            return descriptors
        }
    }
}

public final class Ears {
    public var onRefused: ((Refusal) -> Void)?
    private var ears: [Ear] = []

    public init(_ sockets: EarSockets, on loop: Loop) {
        ears = sockets.take().map { Ear($0, self, on: loop) }
    }
}

private final class Ear: PollerOwner {
    private let descriptor: Int32
    private weak var whole: Ears?
    private var poller: Poller?

    /// Taken in one turn, so that a flood of them does not hold up the loop.
    private static let refusalsPerTurn = 64

    init(_ descriptor: Int32, _ whole: Ears, on loop: Loop) {
        self.descriptor = descriptor
        self.whole = whole
        poller = Poller(descriptor, on: loop, owner: self)
        poller?.watchErrors()
    }

    deinit {
        poller?.close()
        cs_close(descriptor)
    }

    func pollerReadable() {
        for _ in 0..<Ear.refusalsPerTurn {
            var raw = cs_refusal()
            // Who is told may let go of the ears.
            guard cs_next_refusal(descriptor, &raw) == 1, let heard = whole?.onRefused else { return }
            let quoted = withUnsafeBytes(of: raw.quoted) { Array($0.prefix(raw.quoted_size)) }
            heard(Refusal(peer: Address(raw.peer), quoted: quoted))
        }
    }

    func pollerWritable() {}
}
