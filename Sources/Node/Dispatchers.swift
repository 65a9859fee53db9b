/// All dispatchers that the node has been told of: each is kept informed, one is followed.
///
/// Each has a connection of its own, so that every one of them knows the whole network at any moment, and the death of
/// one changes nothing. Lives on the first loop. Invariants: orders are taken from the followed one alone, because two
/// may disagree on what is best; it is followed until it is lost; a stream is absent only if all that answer say so,
/// because one that has just started may not have heard of it yet.
import EventLoop
import Fanout

final class Dispatchers {
    private var links: [DispatchLink] = []
    private var followed = 0

    init(_ worker: Worker) {
        links = worker.state.settings.dispatch.servers.enumerated().map {
            DispatchLink(to: $0.element, number: $0.offset, of: self, worker)
        }
    }

    func start(_ worker: Worker) {
        let me = LoopBound(self, on: worker.loop)
        let mailbox = worker.loop.mailbox
        worker.state.carriage.onChange {
            mailbox.post { loop in for link in me.value(on: loop).links { link.tellCarriage() } }
        }
        for link in links { link.dial() }
    }

    func isFollowed(_ link: DispatchLink) -> Bool { links[followed] === link }

    /// The connection is there. It is followed if no other is.
    func opened(_ link: DispatchLink) {
        guard !links[followed].isOpen, let index = links.firstIndex(where: { $0 === link }) else { return }
        followed = index
    }

    /// The connection is gone, or does not answer: another is followed, if there is one.
    func failed(_ link: DispatchLink) {
        guard isFollowed(link), let other = links.firstIndex(where: { $0 !== link && $0.isOpen }) else { return }
        followed = other
    }

    func tellDraining() { for link in links { link.tellDraining() } }

    func unwant(_ name: StreamName) { for link in links { link.unwant(name) } }

    /// Asks the followed one, and the others only when that has nothing to say.
    func ask(_ name: StreamName, failed: [String], _ reply: @escaping (RouteAnswer) -> Void) {
        let others = links.filter { $0.isOpen && !isFollowed($0) }
        ask(name, failed, [links[followed]] + others, absent: nil, reply)
    }

    private func ask(
        _ name: StreamName, _ failed: [String], _ rest: [DispatchLink], absent: RouteAnswer?,
        _ reply: @escaping (RouteAnswer) -> Void
    ) {
        guard let link = rest.first else { return reply(absent ?? .unavailable) }
        link.ask(name, failed: failed) { [self] answer in
            switch answer {
            case .parents: reply(answer)
            case .absent: ask(name, failed, Array(rest.dropFirst()), absent: absent ?? answer, reply)
            case .unavailable: ask(name, failed, Array(rest.dropFirst()), absent: absent, reply)
            }
        }
    }
}
