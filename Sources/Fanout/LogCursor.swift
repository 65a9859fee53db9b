/// A reader of a log that is no viewer: it has its own way of writing, such as a connection shared by many streams.
///
/// A call for each flush costs nothing that counts: there are few of them, or each writes at a cost far above it.
/// All calls come on the view's loop.
import StreamLog

protocol LogCursor: AnyObject {
    /// What it counts as among the log's readers.
    var label: String { get }

    /// Whether it counts as one of those who watch.
    var isViewer: Bool { get }

    /// Bytes written from this log.
    var bytesOut: UInt64 { get }

    /// There is more to read.
    func logGrew()

    /// Bytes before `end` go away when this returns.
    func logDrops(before end: UInt64)

    /// The stream has ended; the view has let go of the cursor, and its bytes go away when this returns.
    func logEnded(_ reason: ViewerEnd)
}

extension LogCursor {
    var isViewer: Bool { true }
}
