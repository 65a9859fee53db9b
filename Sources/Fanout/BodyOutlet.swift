/// Data plane. One viewer that takes bytes when it has room for them, such as a stream of an HTTP/2 connection: a cursor
/// into a log, asked from the other end.
///
/// Invariants: nothing waits here but the prologue, and the rest of a frame whose log has let go of it: a viewer is moved
/// between frames only. `offset` is nil while there is no keyframe to begin at.
import EventLoop
import StreamLog

public final class BodyOutlet: LogCursor {
    private let onMore: () -> Void
    private var offset: UInt64?
    /// Of the prologue that the viewer has.
    private var version: UInt32?
    private var prologue: ArraySlice<UInt8>
    /// What goes before the bytes at `offset`.
    private var kept = SharedBytes()
    private var isOver = false

    /// What comes next: bytes of its own, or bytes of the log.
    public enum Piece {
        case own([UInt8])
        case shared(SharedBytes)
    }

    /// - Parameters:
    ///   - head: what goes before everything.
    ///   - onMore: `next` is worth a question, after it had nothing.
    ///   - onEnd: the stream is over; `next` still has what the viewer had not taken.
    public init(
        label: String, head: [UInt8], onMore: @escaping () -> Void, onEnd: @escaping (ViewerEnd) -> Void
    ) {
        self.onMore = onMore
        prologue = head[...]
        super.init(label: label, onEnd: onEnd)
    }

    // MARK: Coming and going

    override func logEnded(_ reason: ViewerEnd) {
        keepRest()
        super.logEnded(reason)
    }

    /// As if the stream were over; `onEnd` is not told.
    public func finish() {
        keepRest()
        detach()
    }

    private func keepRest() {
        if let view, let offset { kept.append(view.shared(from: offset, to: view.head)) }
        offset = nil
        isOver = true
    }

    // MARK: The log

    override func logGrew() {
        if offset == nil { join() }
        if hasMore { onMore() }
    }

    override func logDrops(before end: UInt64) {
        guard let view, let at = offset, at < end else { return }
        let frame = view.frame(around: at)
        if frame.start < at { kept.append(view.shared(from: at, to: frame.end)) }
        skips += 1
        offset = nil
        join()
    }

    /// Behind a kept frame's rest there is no place for a prologue: who has to have a new one joins when that is out.
    private func join() {
        guard !isOver, let point = view?.joinPoint else { return }
        if version != point.version {
            guard kept.count == 0 else { return }
            prologue += point.prologue
            version = point.version
        }
        offset = point.offset
    }

    private var hasMore: Bool {
        guard prologue.isEmpty, kept.count == 0 else { return true }
        guard let view, let offset else { return false }
        return offset < view.head
    }

    // MARK: The viewer

    /// Whether everything has been taken, and nothing will come.
    public var isFinished: Bool { isOver && !hasMore }

    /// The next bytes, at most `limit`, in one piece; nil if there are none at present. The log's own are held by who
    /// takes them.
    public func next(upTo limit: Int) -> Piece? {
        guard limit > 0 else { return nil }
        if !prologue.isEmpty {
            let bytes = Array(prologue.prefix(limit))
            prologue = prologue.dropFirst(bytes.count)
            if prologue.isEmpty { prologue = [] }
            return took(.own(bytes), bytes.count)
        }
        if kept.count > 0 {
            let bytes = kept[0..<min(limit, kept.count)]
            kept = kept[bytes.count..<kept.count]
            return took(.shared(bytes), bytes.count)
        }
        if offset == nil {
            join()
            if !prologue.isEmpty { return next(upTo: limit) }
        }
        guard let view, let at = offset, at < view.head else { return nil }
        let bytes = view.shared(from: at, to: min(view.head, at + UInt64(limit)))
        offset = at + UInt64(bytes.count)
        return took(.shared(bytes), bytes.count)
    }

    private func took(_ piece: Piece, _ count: Int) -> Piece {
        bytesOut += UInt64(count)
        return piece
    }

    public var stats: ViewerStats { stats(at: offset) }
}
