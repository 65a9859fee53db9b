/// Why a recorded file ended, as its index says.
public enum EndReason: String, Sendable, CaseIterable {
    /// It was as long as asked for; another follows.
    case duration
    /// It was as large as asked for; another follows.
    case size
    /// The publisher began anew; another follows.
    case session
    /// The codecs changed in a format that holds one configuration; another follows.
    case configuration
    /// The stream ended.
    case ended
    /// Somebody asked for it.
    case stopped
    /// The server ended.
    case shutdown
    /// The disk was full, slow or failing: the event of that time says more.
    case failed
    /// The server crashed while it wrote, and found the file when it started again.
    case recovered
}
