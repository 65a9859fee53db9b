/// What makes the bytes of a log whose frames depend on those before them: counters that go on, tracks that were learnt.
///
/// A class for each log, so that logs in other formats carry an empty reference and no more. Home loop only.
import Media
import StreamLog

protocol LogMuxer: AnyObject {
    /// Frames that the format cannot hold, or that make no sense.
    var unwritableFrames: UInt64 { get }
    /// Whether there are pictures that the format can hold.
    var hasVideo: Bool { get }
    /// What a reader is sent before it starts, where the frames do not say it, and a number that changes with it.
    var prologue: [UInt8] { get }
    var version: UInt32 { get }

    /// Another publish session follows: what the last one said of its tracks no longer holds.
    func beginSession()

    /// What was said before the log's first frame.
    func learn(_ kind: MediaKind, _ body: [UInt8])

    /// Where the frame lies; nil if it takes no bytes. `startsHere`: readers are to start at it.
    func append(
        _ kind: MediaKind, _ mark: FrameMark, _ body: UnsafeRawBufferPointer, startsHere: Bool,
        to writer: inout LogWriter
    ) -> UInt64?
}
