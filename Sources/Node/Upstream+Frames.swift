/// Frames of an upstream: through the merge, into the stream, and what is learned of them on the way.
import EventLoop
import Fanout
import Operations
import RelayProtocol

extension Upstream {
    /// Whether the frame is not wanted whatever is in it.
    func refuses(_ header: RelayFrame.Header, from feed: RelayFeed) -> Bool {
        merge.refuse(header, from: feed.source) != nil
    }

    /// `clockOffset`: how far the parent's clock is ahead of ours. What it says of the frame's age is put into our
    /// terms, and told on in these: each link needs to know its own two clocks only.
    func take(
        _ header: RelayFrame.Header, _ body: Span<UInt8>, from feed: RelayFeed, at now: UInt64, clockOffset: Int64
    ) {
        var header = header
        header.wallClock &-= clockOffset
        let verdict = merge.offer(header, body: body, from: feed.source, now: now)
        if verdict != .hold { append(header, body, verdict) }
        if merge.isHolding { drainHeld() }
    }

    func drainHeld() {
        while let (frame, verdict) = merge.next(now: Clock.monotonicNanoseconds) {
            append(frame.header, frame.body.span, verdict)
        }
        stream?.flushIfDue()
        guard let deadline = merge.deadline else { return }
        let now = Clock.monotonicNanoseconds
        held.arm(after: deadline > now ? (deadline - now) / 1_000_000 + 1 : 1)
    }

    func append(_ header: RelayFrame.Header, _ body: Span<UInt8>, _ verdict: FrameGate.Verdict) {
        switch verdict {
        case .accept, .prologue: break
        case .duplicate, .fenced, .undecodable, .hold: return
        }
        guard let stream, !isClaiming else {
            if early.count < Upstream.maxEarly { early.append((RelayFrame(header: header, copying: body), verdict)) }
            return
        }
        note(header)
        do {
            try stream.append(relayed: header, body: body)
        } catch {
            state.count(error: "relay_bad_media")
            state.log.write(.warning, "relay.bad_frame", [("stream", "\(name)"), ("reason", "\(error)")])
        }
    }

    func note(_ header: RelayFrame.Header) {
        guard !header.flags.contains(.prologue) else { return }
        delays.add(Clock.unixMicroseconds - header.wallClock)
        guard let moment = resumedAt else { return }
        if header.wallClock < moment { recovered += 1 } else { resumedAt = nil }
    }

    func flush() { stream?.flushIfDue() }

    var report: UpstreamReport {
        let counters = merge.gate.counters
        let feed = feeds.first { $0.isDelivering }
        return UpstreamReport(
            parent: feed?.session?.peer?.node.name ?? "", path: path?.nodes.map(\.name) ?? [], failovers: failovers,
            framesRecovered: recovered, framesLost: counters.lost, duplicates: counters.duplicates,
            delayMedianMs: delays.milliseconds(0.5), delayP99Ms: delays.milliseconds(0.99))
    }
}
