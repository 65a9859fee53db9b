/// Data plane. One viewer that takes whole messages of a few packets, such as over SRT: a cursor into a log of packets.
///
/// Invariant: `offset` is at a packet's start. A viewer whose sink is full waits for it and holds up nobody; one that
/// falls off the log's tail goes on at the newest keyframe, as packets tell of a gap themselves.
import EventLoop
import Glibc
import StreamLog

/// Where messages go.
public protocol PacketSink: AnyObject {
    /// Takes the whole message or nothing. What does not fit is offered again after `PacketOutlet.writable`.
    func send(_ message: UnsafeRawBufferPointer) -> PacketSinkOutcome
}

public enum PacketSinkOutcome: Sendable {
    case sent, full, failed
}

public final class PacketOutlet: LogCursor {
    /// Milliseconds of the loop's clock when the sink last took something, or had nothing to take.
    public private(set) var lastProgress: UInt64
    public private(set) var isBlocked = false

    private unowned let sink: any PacketSink
    private unowned let loop: Loop
    private let messageSize: Int
    private var offset: UInt64?

    /// `messageSize` is a multiple of the log's packets.
    public init(
        _ sink: any PacketSink, label: String, messageSize: Int, on loop: Loop, onEnd: @escaping (ViewerEnd) -> Void
    ) {
        self.sink = sink
        self.messageSize = messageSize
        self.loop = loop
        lastProgress = loop.now
        super.init(label: label, onEnd: onEnd)
    }

    // MARK: The log

    override func logGrew() {
        if !isBlocked { advance() }
    }

    override func logDrops(before end: UInt64) {
        guard let view else { return }
        guard let offset else { return missed.pass(end, view) }
        guard offset < end else { return }
        skips += 1
        missed.fell(at: offset)
        missed.pass(end, view)
        self.offset = join(view)
    }

    /// The sink takes messages again.
    public func writable() {
        isBlocked = false
        advance()
    }

    private func advance() {
        guard let view else { return }
        guard var offset = offset ?? join(view) else { return }
        defer { self.offset = offset }
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: LogReader.maxVectors) { vectors in
            while offset < view.head {
                let batch = view.gather(from: offset, to: view.head, into: vectors.baseAddress!)
                for vector in vectors.prefix(batch.count) {
                    let sent = send(UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len))
                    offset += UInt64(sent)
                    guard sent == vector.iov_len else { return }
                }
            }
        }
        lastProgress = loop.now
    }

    private func join(_ view: LogView) -> UInt64? {
        guard let point = view.joinPoint else { return nil }
        missed.goesOn(at: point.offset, view)
        return point.offset
    }

    /// Returns how many bytes of a run of packets the sink took.
    private func send(_ packets: UnsafeRawBufferPointer) -> Int {
        var at = 0
        while at < packets.count {
            let size = min(messageSize, packets.count - at)
            switch sink.send(UnsafeRawBufferPointer(rebasing: packets[at..<(at + size)])) {
            case .sent: at += size
            // What failed says so in its own way, and is ended then.
            case .full, .failed:
                isBlocked = true
                if at > 0 { lastProgress = loop.now }
                bytesOut += UInt64(at)
                return at
            }
        }
        bytesOut += UInt64(at)
        return at
    }

    public var stats: ViewerStats { stats(at: offset) }
}
