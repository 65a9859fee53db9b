/// What the disk thread has to say: for the log, the counters and the API's events.
public struct RecordingEvent: Sendable {
    public enum Kind: Sendable {
        /// A file has been begun, under its unfinished name.
        case opened(path: String)
        /// A file is complete, under its own name, and in the index.
        case finished(path: String, IndexEntry)
        /// An empty file, or one that was not wanted, is gone.
        case dropped(path: String)
        /// The recording has ended by itself; `path` is the file that it was writing, if any.
        case stopped(RecordingFailure, path: String?)
        /// A file that a crash left unfinished has been adopted.
        case recovered(path: String, IndexEntry)
        /// Retention has deleted a file.
        case deleted(path: String, bytes: Int64, RetentionPlan.Cause)
        /// Something went wrong that stops nothing.
        case warning(String)
    }

    public var app: String
    /// Empty for what is not about one stream.
    public var stream: String
    public var kind: Kind
}
