/// Data plane. One viewer as the fan-out sees it: a socket and a cursor, in a slab that a flush walks in order.
///
/// Every field is trivial: walking the slab retains nothing.
import StreamLog

struct ViewerSlot {
    enum State: UInt8 {
        /// No keyframe to start at yet.
        case waiting
        /// Caught up, at a frame's start, socket takes bytes.
        case live
        /// Behind the head: the socket was full, and writability is being waited for.
        case blocked
        /// Fell off the tail inside a frame: writes the rest of it from a pinned segment, then starts anew.
        case finishing
        /// The socket is broken: ended at the end of this pass over the slots.
        case failed
    }

    var descriptor: Int32
    /// What goes to the socket goes through TLS.
    var isSealed = false
    var state = State.waiting
    /// Which prologue this viewer has had.
    var version: UInt32 = 0
    var skips: UInt32 = 0
    var offset: UInt64 = 0
    /// In `finishing`: where the half-written frame ends.
    var frameEnd: UInt64 = 0
    /// In `finishing`: the segment that holds the frame, with a count of our own.
    var pinned: Unmanaged<Segment>?
    var bytes: UInt64 = 0
    /// Milliseconds of the loop's clock when the socket last took a byte.
    var lastProgress: UInt64
    let viewer: Unmanaged<Viewer>
}
