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

    /// When frames came, and by whose clock they say their own times.
    struct Arrival {
        /// Nanoseconds of the monotonic clock.
        var moment: UInt64 = 0
        /// Microseconds of Unix time.
        var clock: Int64 = 0
        /// How far the parent's clock is ahead of ours. What it says of a frame's age is put into our terms, and told on in
        /// these: each link needs to know its own two clocks only.
        var offset: Int64 = 0
    }

    /// Hot.
    func take(
        _ header: RelayFrame.Header, _ body: Span<UInt8>, from feed: RelayFeed, _ arrival: Arrival, flushing: Bool
    ) {
        guard let stream, !isClaiming, merge.passes(header.number, header.flags, from: feed.source) else {
            weigh(header, body, from: feed, arrival)
            if flushing { stream?.flushIfDue() }
            return
        }
        var header = header
        header.wallClock &-= arrival.offset
        append(header, body, to: stream, arrived: arrival.clock)
        if flushing { stream.flushIfDue() }
    }

    /// What is not simply the next frame.
    private func weigh(_ header: RelayFrame.Header, _ body: Span<UInt8>, from feed: RelayFeed, _ arrival: Arrival) {
        var header = header
        header.wallClock &-= arrival.offset
        let verdict = merge.offer(header, body: body, from: feed.source, now: arrival.moment)
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
        append(header, body, to: stream, arrived: Clock.unixMicroseconds)
    }

    private func append(_ header: RelayFrame.Header, _ body: Span<UInt8>, to stream: Stream, arrived: Int64) {
        if !header.flags.contains(.prologue) { note(header.wallClock, arrived) }
        do {
            try stream.append(relayed: header, body: body, arrived: arrived)
        } catch {
            state.count(error: "relay_bad_media")
            state.log.write(.warning, "relay.bad_frame", [("stream", "\(name)"), ("reason", "\(error)")])
        }
    }

    private func note(_ wallClock: Int64, _ arrived: Int64) {
        delays.add(arrived &- wallClock)
        guard let moment = resumedAt else { return }
        if wallClock < moment { recovered += 1 } else { resumedAt = nil }
    }

    var report: UpstreamReport {
        let counters = merge.gate.counters
        let feed = feeds.first { $0.isDelivering }
        return UpstreamReport(
            parent: feed?.session?.peer?.node.name ?? "", path: path?.nodes.map(\.name) ?? [], failovers: failovers,
            framesRecovered: recovered, framesLost: counters.lost, duplicates: counters.duplicates,
            delayMedianMs: delays.milliseconds(0.5), delayP99Ms: delays.milliseconds(0.99))
    }
}
