/// A whole segment of one rendition, with what it takes to serve it later: for who keeps more than a shelf.
import HLS
import Media
import StreamLog

public struct FinishedSegment: Sendable {
    public let rendition: Rendition
    public let number: SegmentNumber
    /// Of its first frame, in microseconds of Unix time by the origin's clock.
    public let date: Int64
    /// Microseconds.
    public let duration: Int64
    /// The target duration of its playlist, in seconds.
    public let target: Int
    /// The hash that names its initialisation section, and that section; 0 and empty where there is none.
    public let initialisation: UInt64
    public let initialisationBytes: SharedBytes
    /// As RFC 6381 calls them, with commas between; empty where they are not known.
    public let codecs: String
    /// 0 and 0 where that is not known.
    public let picture: (width: Int, height: Int)
    /// Of the rendition's audio track, where it is told of apart, and what the publisher says of it.
    public let sound: Sound?
    public let label: TrackLabel
    public let form: PlaylistSettings.Form
    public let bytes: SharedBytes
}

/// Is given every finished segment, on the stream's home loop, and nil when no more will come. It must not wait. When one
/// of the main rendition comes, those of the others of the number before have come.
public typealias SegmentKeeper = @Sendable (FinishedSegment?) -> Void
