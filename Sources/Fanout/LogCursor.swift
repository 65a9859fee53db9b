/// A reader of a log that is no viewer of its view's slab: it has its own way of writing, such as a connection shared by
/// many streams, or messages.
///
/// A call for each flush costs nothing that counts: there are few of them, or each writes at a cost far above it.
/// All calls come on the view's loop. Invariant: whoever made a cursor detaches it before letting go of it.
import StreamLog

public class LogCursor {
    /// What it counts as among the log's readers.
    public final let label: String
    final let onEnd: (ViewerEnd) -> Void
    final var missed = MissedFrames()
    /// Times that it fell off the log's tail.
    public final internal(set) var skips: UInt64 = 0
    /// Bytes of the log that have been taken care of.
    public final internal(set) var bytesOut: UInt64 = 0
    /// The view, without a count of its references. Sound: whoever made the cursor detaches it, and fan-outs hold their
    /// views until nobody reads them.
    private(set) final var viewUncounted: Unmanaged<LogView>?

    init(label: String, onEnd: @escaping (ViewerEnd) -> Void) {
        self.label = label
        self.onEnd = onEnd
    }

    deinit { precondition(view == nil, "a cursor is detached before it goes") }

    /// Whether it counts as one of those who watch.
    var isViewer: Bool { true }

    final var view: LogView? {
        get { viewUncounted?.takeUnretainedValue() }
        set { viewUncounted = newValue.map(Unmanaged.passUnretained) }
    }

    // MARK: Coming and going

    final func attach(to view: LogView) {
        view.add(self)
        self.view = view
        logGrew()
    }

    public func detach() {
        view?.remove(self)
        view = nil
    }

    // MARK: The log

    /// There is more to read.
    func logGrew() {}

    /// Bytes before `end` go away when this returns.
    func logDrops(before end: UInt64) {}

    /// The stream has ended; the view has let go of the cursor, and its bytes go away when this returns.
    func logEnded(_ reason: ViewerEnd) {
        view = nil
        onEnd(reason)
    }

    // MARK: Stats

    /// Frames of sound and picture that it never came to, where it keeps count.
    public final var framesMissed: UInt64 { missed.count }

    /// Of a cursor that stands at `offset`.
    final func stats(at offset: UInt64?) -> ViewerStats {
        var stats = ViewerStats()
        stats.bytesOut = bytesOut
        stats.skips = skips
        if let view, let offset {
            stats.lagBytes = view.head - min(view.head, offset)
            stats.lagMilliseconds = view.newestTimestamp - view.frame(around: offset).timestamp
        }
        return stats
    }
}
