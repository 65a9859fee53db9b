/// The first frames of a publish session. Packaging waits for their end: what is told of the tracks among them is in the
/// first initialisation section already, because players do not take a track that comes later.
///
/// Invariant: where it ends follows from the session's frames alone: every node that has them finds the same end.
import Media
import StreamLog

struct SessionOpening {
    /// Where in the frame log.
    let start: UInt64
    private var hasVideo = false
    private var hasSound = false
    /// Of the first frame that is not only about the tracks.
    private var begun: Int64?
    private var frames = 0

    /// Milliseconds after which a kind is not waited for any more, and frames, where time stands still.
    private static let longest: Int64 = 700
    private static let mostFrames = 100

    init(start: UInt64) { self.start = start }

    /// Whether it ends with this frame, at a time by the ingest node's timeline. `tracks`: those of an audio message.
    mutating func ends(with mark: FrameMark, _ tracks: TrackSet, at time: Int64) -> Bool {
        guard !mark.flags.contains(.repeated) else { return false }
        frames += 1
        // Who comes into the midst of a session has been told of its tracks.
        guard frames > 1 || mark.sequence == 1 else { return true }
        if mark.flags.contains(.video) { hasVideo = true }
        if tracks.contains(TrackSet.first) { hasSound = true }
        if begun == nil, !mark.flags.contains(.configuration), !mark.flags.contains(.script) { begun = time }
        return hasVideo && hasSound || frames >= Self.mostFrames || begun.map { time - $0 >= Self.longest } ?? false
    }
}
