/// Looks a host up for a dialer without holding up the loop: numbers at once, names on a short-lived thread, because
/// the system's resolver blocks.
///
/// `found` is called once, on the loop and never from inside `init`; not at all if the lookup is let go of before.
import EventLoop
import Glibc
import Threads

final class HostLookup {
    private final class Request: Sendable {
        let host: String
        let port: UInt16
        let mailbox: Mailbox
        let lookup: LoopBound<Waiting>

        init(_ host: String, _ port: UInt16, _ mailbox: Mailbox, _ lookup: LoopBound<Waiting>) {
            self.host = host
            self.port = port
            self.mailbox = mailbox
            self.lookup = lookup
        }

        func run(_ flags: Int32) -> Int32 {
            let answer = SocketAddress.find(host, port: port, flags: flags)
            if flags & AI_NUMERICHOST != 0 && answer.code != 0 { return answer.code }
            mailbox.post { [lookup] loop in
                let waiting = lookup.value(on: loop)
                let found = waiting.found
                waiting.found = nil
                found?(answer.addresses, answer.code == 0 ? "" : String(cString: gai_strerror(answer.code)))
            }
            return 0
        }
    }

    /// What is left of the lookup for its answer to find.
    private final class Waiting {
        var found: (([SocketAddress], String) -> Void)?
    }

    private let waiting = Waiting()

    /// `found` is given the addresses, or the reason why there are none.
    init(_ host: String, port: UInt16, on loop: Loop, _ found: @escaping ([SocketAddress], String) -> Void) {
        waiting.found = found
        let request = Request(host, port, loop.mailbox, LoopBound(waiting, on: loop))
        if request.run(AI_NUMERICHOST) == 0 { return }
        if Thread.detached("srt-lookup", { _ = request.run(0) }) { return }
        loop.mailbox.post { [lookup = request.lookup] loop in
            lookup.value(on: loop).found?([], "the system refuses another thread")
        }
    }

    deinit { waiting.found = nil }
}
