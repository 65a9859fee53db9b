/// What a listener's port hears of peers that are gone, on its way to their conversations, wherever they live.
///
/// Why: a process that is killed says no goodbye, and SRT's timeout lasts seconds. Its machine answers what is still sent to
/// its port with a few ICMP messages a second, for all connections between two machines together. A listener that goes on
/// sending uses them up, and the callers beside it hear nothing, whose peer has died, too: so a conversation ends with the
/// first message that is about it.
///
/// Only the conversation with exactly that address and port is told, and it ends only if it can have sent what came back, or
/// is silent from then on; see `RefusedDatagram` for what an attacker can do.
///
/// Lives as long as the listener, and the last conversation that it took.
import CSRT
import EventLoop

final class Hearing: Sendable {
    private let mailbox: Mailbox
    private let place = Place()
    private let conversations = Lock<[Address: [SRTSOCKET: Inbox]]>([:])

    /// `mailbox`: of the loop that listens.
    init(_ sockets: EarSockets, on mailbox: Mailbox) {
        self.mailbox = mailbox
        mailbox.post { [place, weak self] loop in
            place.attention = Attention(sockets, on: loop) { [weak self] in self?.judge($0) }
        }
    }

    deinit { mailbox.post { [place] _ in place.attention = nil } }

    func enter(_ handle: Handle, _ peer: Address, _ inbox: Inbox) {
        conversations.with { $0[peer, default: [:]][handle.id] = inbox }
    }

    func leave(_ handle: Handle, _ peer: Address) {
        conversations.with { conversations in
            conversations[peer]?[handle.id] = nil
            if conversations[peer]?.isEmpty == true { conversations[peer] = nil }
        }
    }

    func judge(_ refusal: Refusal) {
        guard let concerned = conversations.with({ $0[refusal.peer] }) else { return }
        let datagram = RefusedDatagram(refusal.quoted)
        for (id, inbox) in concerned {
            if let datagram {
                if datagram.wasSent(by: Handle(id: id)) { inbox.add(id, Watch.refused) }
            } else {
                inbox.add(id, Watch.doubted)
            }
        }
    }
}

/// `@unchecked Sendable` is sound: what is there is touched on the loop that listens only.
private final class Place: @unchecked Sendable {
    var attention: Attention?
}

private final class Attention {
    private let ears: Ears
    private var timer: Timer?
    private var heard: [Refusal] = []

    /// Milliseconds until what was heard counts. A peer that ends in order says goodbye first, and closes its port then:
    /// what libsrt has not yet read of it by now, it has by then.
    private static let grace: UInt64 = 5
    /// Refusals that wait for it; what is heard beyond that is forgotten: whoever is gone goes on refusing.
    private static let limit = 256

    init(_ sockets: EarSockets, on loop: Loop, _ judge: @escaping (Refusal) -> Void) {
        ears = Ears(sockets, on: loop)
        timer = Timer(on: loop) { [unowned self] in
            let due = heard
            heard = []
            for refusal in due { judge(refusal) }
        }
        ears.onRefused = { [unowned self] refusal in
            guard heard.count < Attention.limit else { return }
            heard.append(refusal)
            if heard.count == 1 { timer?.arm(after: Attention.grace) }
        }
    }
}
