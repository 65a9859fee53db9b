/// Counts the frames that a slow reader never comes to: those from where it fell off its log to where it goes on.
///
/// They are counted while they are still there, a segment at a time, and only for a reader that has fallen off: nobody
/// else pays for it. Invariant: every frame before `from` that belongs to the gap is in `count`.
import StreamLog

struct MissedFrames {
    /// Of sound and picture.
    private(set) var count: UInt64 = 0
    private var from: UInt64?

    /// The reader stands at `offset`, and will not read on from there.
    mutating func fell(at offset: UInt64) { from = from ?? offset }

    /// What lies before `offset` is missed; the bytes may go away after this.
    mutating func pass(_ offset: UInt64, _ view: LogView) {
        guard var at = from, at < offset else { return }
        // Another loop's view of the log may begin later.
        at = max(at, view.tail)
        view.forEachRun(from: at) { segment, range in
            for index in range where segment.base + UInt64(segment.marks[index].offset) < offset {
                if !segment.marks[index].flags.contains(.script) { count += 1 }
            }
        }
        from = offset
    }

    /// The reader goes on at `offset`.
    mutating func goesOn(at offset: UInt64, _ view: LogView) {
        pass(offset, view)
        from = nil
    }
}
