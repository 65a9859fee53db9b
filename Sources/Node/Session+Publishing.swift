/// What a session does that publishes, whatever it speaks: asks for the name, holds the stream, lets go of it.
import EventLoop
import Fanout

/// Why somebody may not publish.
enum PublishTurned {
    /// The request cannot be met here or anywhere: the name, its parameters, or how often it is tried.
    case unusable(String)
    case busy(String)
    case full(Turned)

    var text: String {
        switch self {
        case .unusable(let text), .busy(let text): text
        case .full(let turned): turned.text
        }
    }
}

extension Session {
    /// Asks for `name`. The answer is `publishStarts` or `publishIsRefused`; `priority` is what the encoder wrote.
    func publish(_ name: StreamName, priority text: String?) {
        self.name = name
        guard state.addresses.mayPublish(carrier.peer.host, nowMilliseconds: Clock.unixMilliseconds) else {
            state.count(error: "publish_flood")
            return refusePublish(.unusable("too many publish attempts from this address; wait a second"))
        }
        guard let priority = text.map({ UInt16($0) }) ?? UInt16(clamping: settings.publish.priority) else {
            return refusePublish(.unusable("priority= takes a whole number from 0 to 65535"))
        }
        self.priority = priority
        guard
            claimToPublish(
                name,
                {
                    state.count(error: $0.short.label)
                    refusePublish(.full($0))
                })
        else { return }
        role = .publish
        isClaiming = true
        let me = LoopBound(self, on: loop)
        let mailbox = loop.mailbox
        let publisher = Publisher(
            session: id, label: protocolName, address: "\(carrier.peer)", agent: agent,
            identity: carrier.peer.host, since: Clock.unixMilliseconds, priority: text == nil ? nil : priority
        ) { reason in mailbox.post { loop in me.value(on: loop).publishEnded(reason) } }
        state.hub.publish(name, publisher, on: worker.fanout) { loop, result in
            me.value(on: loop).claimed(result)
        }
    }

    private func claimed(_ result: Result<StreamHandle, PublishRefusal>) {
        isClaiming = false
        guard !isEnded else {
            if case .success(let handle) = result { handle.stream(on: loop).endPublish(session: id) }
            return
        }
        switch result {
        case .success(let handle):
            let stream = handle.stream(on: loop)
            self.stream = stream
            worker.publishing(handle)
            state.carriage.set(
                handle.name,
                Carriage.Entry(
                    epoch: stream.epoch, role: .publisher(priority: priority), session: id,
                    identity: carrier.peer.host, via: via))
            state.log.write(
                .info, "publish.start", session: id,
                [
                    ("stream", "\(handle.name)"), ("protocol", protocolName), ("address", "\(carrier.peer)"),
                    ("agent", agent),
                ])
            publishStarts()
            worker.startPushes(of: handle.name)
            worker.startRecording(of: handle)
            worker.startRewinding(of: handle)
        case .failure(let refusal):
            state.count(error: "publish_refused")
            refusePublish(.busy(refusal.description))
        }
    }

    func refusePublish(_ refusal: PublishTurned) {
        state.log.write(
            .warning, "publish.refused", session: id,
            [
                ("stream", name.map { "\($0)" } ?? ""), ("address", "\(carrier.peer)"), ("reason", refusal.text),
            ])
        role = .none
        publishIsRefused(refusal)
    }

    /// The stream has gone to another publisher, or an operator wants it ended.
    private func publishEnded(_ reason: PublishEnd) {
        guard !isEnded else { return }
        switch reason {
        case .replaced(let session):
            // The stream has moved on: it is not this session's to end.
            stream = nil
            if let name { state.carriage.remove(name, session: id) }
            publishIsTaken(by: session)
        case .kicked: kick("kicked")
        }
    }

    /// Leaves the stream, which lingers; the session may go on.
    func unpublish(_ reason: String) {
        guard let stream else { return }
        self.stream = nil
        stream.endPublish(session: id)
        giveClaimBack()
        state.carriage.remove(stream.name, session: id)
        state.log.write(.info, "publish.end", session: id, [("stream", "\(stream.name)"), ("reason", reason)])
        role = .none
    }
}
