/// Data plane. One RTMP server that a stream is published to: a cursor into the log that RTMP viewers share.
///
/// The log's bytes are for message stream 1 in chunks of `ServerSession.outboundChunkSize`. A server that has given that
/// stream gets them as they are, straight from the log; metadata alone is sent anew, marked as the server's to keep. For
/// a server that has given another stream each message is copied with the number changed.
///
/// Timestamps are the log's, too: a push that begins with its stream begins near 0, one that begins later at the
/// stream's age, and one that is connected again goes on. nginx-rtmp passes them on as they are; ffmpeg as a listener,
/// and SRS for its viewers, count from the first one. From 4 h 40 min on they are extended, in every chunk, as Flash,
/// ffmpeg and nginx-rtmp write and read them.
///
/// Invariants: `offset` is at a frame's start, for what the socket leaves of a frame is kept in the connection's outbox,
/// and nothing follows before that is out. A server that falls off the log's tail goes on at the newest keyframe.
import EventLoop
import Glibc
import Media
import RTMP
import StreamLog

public final class PushOutlet: LogCursor {
    /// Frames of sound and picture that have been taken care of.
    public private(set) var frames: UInt64 = 0
    /// Bytes that went to the socket past the connection's own counter.
    public private(set) var directBytes: UInt64 = 0

    private unowned let connection: Connection
    private let messageStream: UInt32
    private var offset: UInt64?
    /// Which prologue the server has had.
    private var version: UInt32 = 0
    private var waitsForSocket = false

    /// The message stream of the log.
    private static let sharedStream: UInt32 = 1
    /// Bytes that are looked through for metadata before they are written.
    private static let longestRun: UInt64 = 256 << 10

    public init(
        _ connection: Connection, messageStream: UInt32, label: String, onEnd: @escaping (ViewerEnd) -> Void
    ) {
        self.connection = connection
        self.messageStream = messageStream
        super.init(label: label, onEnd: onEnd)
    }

    /// Whether the server has not taken all that there was.
    public var isBlocked: Bool { waitsForSocket || connection.hasOutbox }

    // MARK: The log

    override func logGrew() {
        if !isBlocked { advance() }
    }

    override func logDrops(before end: UInt64) {
        if let offset, offset < end {
            skips += 1
            missed.fell(at: offset)
            self.offset = nil
        }
        if offset == nil, let view { missed.pass(end, view) }
    }

    /// The socket takes bytes again, and nothing waits any more.
    public func writable() {
        waitsForSocket = false
        if !isBlocked { advance() }
    }

    private func advance() {
        guard let view, var at = offset ?? join(view) else { return }
        defer { offset = at }
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: LogReader.maxVectors) { vectors in
            while at < view.head, !isBlocked {
                let end = endOfRun(from: at, view)
                if end == at {
                    at = sendChanged(at, view)
                } else {
                    let batch = view.gather(from: at, to: end, into: vectors.baseAddress!)
                    at = send(vectors.baseAddress!, batch.count, from: at, view)
                }
            }
        }
    }

    /// The newest keyframe, behind what the server must know first.
    private func join(_ view: LogView) -> UInt64? {
        guard let point = view.joinPoint else { return nil }
        missed.goesOn(at: point.offset, view)
        if point.version != version {
            version = point.version
            connection.write(
                EncodedMessage.published(
                    point.prologue, on: messageStream, chunkSize: ServerSession.outboundChunkSize))
        }
        return point.offset
    }

    // MARK: Writing

    /// How far the frames go that the server can have as they are.
    private func endOfRun(from start: UInt64, _ view: LogView) -> UInt64 {
        guard messageStream == PushOutlet.sharedStream else { return start }
        var end = start
        while end < view.head, end - start < PushOutlet.longestRun, !isData(at: end, view) {
            end = view.frame(around: end).end
        }
        return end
    }

    private func isData(at offset: UInt64, _ view: LogView) -> Bool {
        // Safe: a frame begins here, and none is shorter than a message's header.
        type(at: offset, view) == MediaKind.script.rawValue
    }

    private func type(at offset: UInt64, _ view: LogView) -> UInt8 {
        view.reader.bytes(at: offset)?.load(fromByteOffset: EncodedMessage.typeOffset, as: UInt8.self) ?? 0
    }

    /// Writes from frame to frame, and returns where the next one begins.
    private func send(
        _ vectors: UnsafeMutablePointer<iovec>, _ count: Int, from start: UInt64, _ view: LogView
    ) -> UInt64 {
        let outcome =
            connection.security == nil
            ? SocketWriter.write(connection.descriptor, vectors, count) : connection.writeSealed(vectors, count)
        guard case .wrote(let written) = outcome, written > 0 else {
            // A broken socket is told of by the side that reads it.
            waitsForSocket = true
            connection.waitUntilWritable()
            return start
        }
        directBytes += UInt64(written)
        let reached = start + UInt64(written)
        let cut = view.frame(around: reached)
        if cut.start < reached, let bytes = view.reader.bytes(at: reached) {
            connection.write(Array(UnsafeRawBufferPointer(start: bytes, count: Int(cut.end - reached))))
        }
        let end = cut.start < reached ? cut.end : reached
        tally(from: start, to: end, view)
        return end
    }

    private func sendChanged(_ start: UInt64, _ view: LogView) -> UInt64 {
        let end = view.frame(around: start).end
        if let bytes = view.reader.bytes(at: start),
            let message = EncodedMessage(
                UnsafeRawBufferPointer(start: bytes, count: Int(end - start)),
                chunkSize: ServerSession.outboundChunkSize)
        {
            connection.write(message.published(on: messageStream, chunkSize: ServerSession.outboundChunkSize))
        }
        tally(from: start, to: end, view)
        return end
    }

    private func tally(from start: UInt64, to end: UInt64, _ view: LogView) {
        bytesOut += end - start
        var at = start
        while at < end {
            if !isData(at: at, view) { frames += 1 }
            at = view.frame(around: at).end
        }
    }

    public var stats: ViewerStats {
        var stats = self.stats(at: offset)
        stats.bytesOut = directBytes
        return stats
    }
}
