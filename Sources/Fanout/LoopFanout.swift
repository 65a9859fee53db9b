/// The fan-out of one loop: its views of streams, and the housekeeping that they share.
import EventLoop

public final class LoopFanout {
    public let loop: Loop
    public let hub: Hub
    private var views: [Key: Entry] = [:]
    private var gauge: LoadGauge
    private let trunks: TrunkRound

    private struct Key: Hashable {
        let stream: ObjectIdentifier
        let kind: WireKind
    }

    private struct Entry {
        let handle: StreamHandle
        let view: LogView
        let feed: LogFeed
    }

    /// How to reach a loop's fan-out from another loop.
    struct Door: Sendable {
        let mailbox: Mailbox

        func run(from loop: Loop, _ work: @escaping @Sendable (Loop) -> Void) {
            if loop.mailbox === mailbox { work(loop) } else { mailbox.post(work) }
        }
    }

    var door: Door { Door(mailbox: loop.mailbox) }

    /// A log that nobody reads any more is kept for a moment: viewers come and go. Milliseconds.
    private static let emptyViewHold: UInt64 = 5_000

    public init(on loop: Loop, hub: Hub) {
        self.loop = loop
        self.hub = hub
        trunks = TrunkRound(on: loop)
        gauge = LoadGauge(limit: hub.settings.flushMax)
    }

    /// Shows the stream to the viewer, from the newest keyframe on.
    public func attach(_ viewer: Viewer, to handle: StreamHandle, _ kind: WireKind) {
        view(of: handle, kind).add(viewer)
    }

    /// Sends the stream to a child node.
    public func attach(_ outlet: RelayOutlet) {
        outlet.attach(to: view(of: outlet.handle, .relay))
    }

    /// Shows the stream to a viewer that takes messages, from the newest keyframe on.
    public func attach(_ outlet: PacketOutlet, to handle: StreamHandle, _ kind: WireKind) {
        outlet.attach(to: view(of: handle, kind))
    }

    /// Sends the stream to a server that it is published to, from the newest keyframe on.
    public func attach(_ outlet: PushOutlet, to handle: StreamHandle) {
        outlet.attach(to: view(of: handle, WireKind(.rtmp)))
    }

    /// Shows the stream to a viewer that takes bytes when it has room for them, from the newest keyframe on.
    public func attach(_ outlet: BodyOutlet, to handle: StreamHandle, _ kind: WireKind) {
        outlet.attach(to: view(of: handle, kind))
    }

    /// Records the stream, from the newest keyframe on.
    public func attach(_ outlet: RecordOutlet, to handle: StreamHandle) {
        outlet.attach(to: view(of: handle, RecordOutlet.kind(outlet.recorder.lane.format)))
    }

    /// Looks for the stream's newest keyframe.
    public func attach(_ outlet: KeyframeOutlet, to handle: StreamHandle) {
        outlet.attach(to: view(of: handle, .frames))
    }

    private func view(of handle: StreamHandle, _ kind: WireKind) -> LogView {
        let key = Key(stream: ObjectIdentifier(handle), kind: kind)
        if let entry = views[key] { return entry.view }
        let view = LogView(on: loop, trunks: trunks)
        let feed = LogFeed(view, on: loop)
        views[key] = Entry(handle: handle, view: view, feed: feed)
        handle.onHome(from: loop) { stream in stream.subscribe(kind, feed) }
        return view
    }

    public var isIdle: Bool { views.isEmpty }

    /// To be called about once a second while there is anything to keep house for.
    public func housekeep() {
        hub.setPressure(gauge.measure(cpu: Clock.threadCPUNanoseconds, now: Clock.monotonicNanoseconds), of: loop)
        for (key, entry) in views {
            entry.view.endStalled(after: hub.settings.stallTimeout)
            guard entry.view.isUnread else { continue }
            guard entry.handle.isClosed || loop.now - entry.view.emptySince >= LoopFanout.emptyViewHold else {
                continue
            }
            views[key] = nil
            let feed = entry.feed
            let bytes = entry.view.bytesOut
            entry.handle.onHome(from: loop) { $0.unsubscribe(key.kind, feed, bytesOut: bytes) }
        }
    }

    /// Ends every viewer of this loop.
    public func endAll(_ reason: ViewerEnd) {
        for entry in views.values { entry.view.end(reason) }
    }

    public var busy: Double { gauge.busy }
    public var flushPressure: UInt64 { hub.pressure(of: loop) }

    /// What one stream's viewers on this loop have had.
    public struct Audience: Sendable {
        public var viewers: [String: Int] = [:]
        public var bytesOut: UInt64 = 0
        public var skips: UInt64 = 0
        public var stalledOut: UInt64 = 0
    }

    /// What of each stream this loop has sent; a stream may come more than once. It is asked for once a second.
    public func forEachTotal(_ visit: (StreamHandle, _ bytesOut: UInt64) -> Void) {
        for entry in views.values { visit(entry.handle, entry.view.bytesOut) }
    }

    public var audiences: [StreamName: Audience] {
        var result: [StreamName: Audience] = [:]
        for entry in views.values {
            var audience = result[entry.handle.name] ?? Audience()
            entry.view.countViewers(into: &audience.viewers)
            audience.bytesOut += entry.view.bytesOut
            audience.skips += entry.view.totals.skips
            audience.stalledOut += entry.view.totals.stalledOut
            result[entry.handle.name] = audience
        }
        return result
    }
}
