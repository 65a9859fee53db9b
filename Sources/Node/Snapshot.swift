/// The node's state at one moment, put together from what each loop says of itself.
import EventLoop
import Fanout
import Operations

enum Snapshot {
    struct Part: Sendable {
        var loop: LoopReport
        var sessions: [SessionReport]
        /// Streams whose home the loop is.
        var streams: [StreamReport]
        /// The loop's viewers of any stream.
        var audiences: [StreamName: LoopFanout.Audience]
        var ratesOut: [StreamName: Double]
        var links: [LinkReport]
        var pushes: [PushReport]
        var pushTotals: PushTotals
        /// Of streams that are recorded on the loop.
        var recordings: [StreamName: RecordingReport]
    }

    static func merge(_ parts: [Part], _ state: NodeState) -> NodeSnapshot {
        let counters = state.snapshot
        var node = NodeReport(version: Node.version)
        node.uptime = Double(Clock.unixMilliseconds - state.started) / 1000
        node.threads = parts.count
        node.acceptedTotal = counters.accepted
        node.errors = counters.errors
        node.draining = counters.draining
        node.fullness = Double(state.gate.fullness) / 1000
        node.memoryBytes = EventLoop.Process.residentBytes
        node.loops = parts.map(\.loop).sorted { $0.index < $1.index }
        let sessions = parts.flatMap(\.sessions).sorted { ($0.since, $0.id) > ($1.since, $1.id) }
        let streams = parts.flatMap(\.streams).map { complete($0, parts, state) }
            .sorted { ($0.app, $0.name) < ($1.app, $1.name) }
        node.sessions = sessions.count
        node.viewers = sessions.count { $0.role == "play" }
        node.publishers = sessions.count { $0.role == "publish" }
        node.streams = streams.count
        node.bytesIn = sessions.reduce(counters.bytesIn) { $0 + $1.bytesIn }
        node.bytesOut = sessions.reduce(counters.bytesOut) { $0 + $1.bytesOut }
        node.srt = sessions.reduce(into: counters.srt) { sum, session in session.srt.map { sum.add($0) } }
        node.packaging = packaging(of: streams, state.hub)
        node.recordings = state.recordings.totals
        node.pushes = parts.reduce(into: PushTotals()) { $0.add($1.pushTotals) }
        node.snapshots = state.stills.totals
        node.rewind = state.rewinding.totals
        let links = parts.flatMap(\.links).sorted { ($0.node, $0.session) < ($1.node, $1.session) }
        // Their numbers grow: the shorter one is the older.
        let pushes = parts.flatMap(\.pushes).sorted {
            ($0.app, $0.stream, $0.id.utf8.count, $0.id) < ($1.app, $1.stream, $1.id.utf8.count, $1.id)
        }
        return NodeSnapshot(node: node, streams: streams, sessions: sessions, links: links, pushes: pushes)
    }

    /// Whether there is a stream that no loop has reported.
    static func misses(_ parts: [Part], _ hub: Hub) -> Bool {
        var names: Set<String> = []
        for part in parts { for stream in part.streams { names.insert("\(stream.app)/\(stream.name)") } }
        return hub.streams.contains { !$0.isClosed && !names.contains("\($0.name)") }
    }

    private static func packaging(of streams: [StreamReport], _ hub: Hub) -> PackagingTotals {
        var totals = PackagingTotals()
        for case let packaged? in streams.map(\.packaged) {
            totals.streams += 1
            totals.bytes += packaged.bytes
        }
        for shelf in hub.endedShelves {
            totals.ended += 1
            totals.bytes += shelf.stats.bytes
        }
        return totals
    }

    /// Adds to a stream what its viewers on all loops have had.
    private static func complete(_ stream: StreamReport, _ parts: [Part], _ state: NodeState) -> StreamReport {
        guard let name = StreamName(app: stream.app, name: stream.name) else { return stream }
        var stream = stream
        stream.rewind = state.rewinding.report(of: name)
        for part in parts {
            stream.recording = part.recordings[name] ?? stream.recording
            stream.bitrateOut += part.ratesOut[name] ?? 0
            guard let audience = part.audiences[name] else { continue }
            stream.viewers.merge(audience.viewers, uniquingKeysWith: +)
            stream.bytesOut += audience.bytesOut
            stream.skips += audience.skips
            stream.stalledOut += audience.stalledOut
        }
        return stream
    }
}
