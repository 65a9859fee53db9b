//! All viewers of a run, connecting at a steady rate.

import CSystem

final class Audience {
    /// Bytes read at once; a viewer's share of a second of video at most.
    private static let readSize = 256 << 10

    let tally = Tally()
    private(set) var viewers: [Viewer] = []
    private let options: Options
    private let target: Target
    private let address: Address
    private let poller: Poller
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Audience.readSize, alignment: 64)
    private var firstConnect: UInt64 = 0

    init(_ options: Options, poller: Poller) throws(Failure) {
        self.options = options
        self.poller = poller
        target = try Target(options.url)
        address = try Address(host: target.host, port: target.port)
        viewers.reserveCapacity(options.viewers)
    }

    deinit { buffer.deallocate() }

    var isComplete: Bool { viewers.count == options.viewers }
    var playing: Int { viewers.reduce(0) { $0 + ($1.isPlaying ? 1 : 0) } }
    var refusing: Int { viewers.reduce(0) { $0 + ($1.phase == .refusing ? 1 : 0) } }

    func handle(_ index: Int, _ events: UInt32) { viewers[index].handle(events, buffer) }

    /// Connects the viewers whose time has come and says when to come again.
    func connect(at time: UInt64) throws(Failure) -> UInt64 {
        if firstConnect == 0 { firstConnect = time }
        while !isComplete {
            let due = firstConnect + nanoseconds(Double(viewers.count) / options.connectRate)
            if due > time { return due }
            viewers.append(try join(viewers.count))
        }
        return UInt64.max
    }

    /// Every so-many-th viewer refuses to read, so that the share is the same on each stream.
    private func join(_ index: Int) throws(Failure) -> Viewer {
        let refuses = Int(Double(index + 1) * options.stall) > Int(Double(index) * options.stall)
        return try newViewer(index, refuses: refuses)
    }

    private func newViewer(_ index: Int, stream: Int? = nil, refuses: Bool) throws(Failure) -> Viewer {
        try Viewer(
            index: index, target: target, stream: stream ?? index % options.streams, of: options.streams,
            address: address, refuses: refuses, tally: tally, poller: poller)
    }

    /// Churn: seats a newcomer where another viewer has left.
    func seat(_ index: Int, stream: Int) throws(Failure) {
        let viewer = try newViewer(index, stream: stream % options.streams, refuses: false)
        if index == viewers.count { viewers.append(viewer) } else { viewers[index] = viewer }
    }

    func finish(at time: UInt64) {
        for viewer in viewers { viewer.finish(at: time) }
    }
}
