/// Whether a stream's tracks have a place in the container that a viewer has asked for: asked at first, and again until
/// all of them are known.
import EventLoop
import Fanout

final class FitWatch {
    private let wanted: StreamRequest
    private unowned let session: WireSession
    private var isSettled = false
    /// The viewer is there, and ends if there is nothing for it.
    private var onNothing: ((String) -> Void)?

    init(_ wanted: StreamRequest, _ session: WireSession) {
        self.wanted = wanted
        self.session = session
    }

    /// `then` runs on the session's loop, unless this is gone by then.
    func ask(of handle: StreamHandle, _ then: @escaping (ContainerFit) -> Void) {
        let loop = session.loop
        let me = LoopBound(Weak(self), on: loop)
        let answer = LoopBound(then, on: loop)
        let (mailbox, kind) = (loop.mailbox, wanted.plainKind)
        handle.onHome(from: loop) { stream in
            let fit = stream.fit(of: kind)
            mailbox.post { loop in
                guard let watch = me.value(on: loop).object, !watch.session.isEnded else { return }
                watch.learn(fit)
                answer.value(on: loop)(fit)
            }
        }
    }

    private func learn(_ fit: ContainerFit) {
        isSettled = fit.isSettled
        guard !fit.news.isEmpty else { return }
        session.state.log.write(
            .warning, "stream.left_out", session: session.id,
            [
                ("stream", "\(wanted.name)"), ("format", wanted.container.title),
                ("codecs", fit.news.joined(separator: ",")),
            ])
    }

    /// From now on somebody watches; `nothing` is told if there is nothing to see.
    func watch(_ nothing: @escaping (String) -> Void) { onNothing = nothing }

    func askAgain() {
        guard !isSettled, let onNothing, let handle = session.state.hub.find(wanted.name) else { return }
        let title = wanted.container.title
        ask(of: handle) { fit in
            guard fit.isNothing else { return }
            onNothing("\(title) does not hold \(fit.leftOut.joined(separator: " and "))")
        }
    }
}
