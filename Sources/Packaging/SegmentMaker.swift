/// Turns frames into the bytes of one segment after another, in one container. Home loop only.
///
/// Invariant: what a segment holds depends on its own frames and on what was learnt of the tracks, never on segments
/// before it: so it is the same on every node.
import Media
import StreamLog

protocol SegmentMaker: AnyObject {
    /// The initialisation section that players need before the bytes; empty where there is none.
    var initialization: [UInt8] { get }
    /// Changes when `initialization` does.
    var version: UInt64 { get }
    /// As MIME types say them, such as `avc1.64001f,mp4a.40.2`.
    var codecs: String { get }
    /// The audio track, where players are told of it apart.
    var sound: Sound? { get }
    /// Nothing has been added since `take`.
    var isEmpty: Bool { get }

    /// Whether it has a use for such a message; `tracks` are those of audio.
    func takes(_ kind: MediaKind, _ tracks: TrackSet) -> Bool
    /// Whether segments and parts are cut and measured by such frames: pictures where there are any.
    func leads(_ kind: MediaKind, _ tracks: TrackSet) -> Bool

    /// Whether the initialisation section knows nothing of a track that such frames may tell of.
    func lacks(_ kind: MediaKind) -> Bool
    /// Whether such a frame would tell of it.
    func wouldLearn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer) -> Bool

    func beginSession()
    func learn(_ kind: MediaKind, _ body: UnsafeRawBufferPointer)
    func beginSegment()

    /// False: the frame does not fit in any more, and what is pending is to be taken first. `time` is in milliseconds.
    func add(_ kind: MediaKind, at time: Int64, _ place: LogPlace) -> Bool

    /// What was added since the last time, as bytes. `end`: the time of the picture that follows, if it is known.
    func take(sequence: UInt32, end: Int64?) -> SharedBytes
}

/// What players are told of an audio track.
public struct Sound: Sendable, Hashable {
    /// As MIME types say it, such as `mp4a.40.2`.
    public var codec: String
    /// 0 where that is not known.
    public var channels: Int

    public init(codec: String, channels: Int) {
        self.codec = codec
        self.channels = channels
    }
}

/// Memory for what makers write: log segments that live as long as somebody holds their bytes.
struct Store {
    private var writer = LogWriter(retention: .init(milliseconds: -1, bytes: .max))

    mutating func put(_ size: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) -> SharedBytes {
        guard size > 0 else { return SharedBytes() }
        writer.append(FrameMark(size: UInt32(size), timestamp: 0, sequence: 0, flags: [])) { target in
            fill(UnsafeMutableRawBufferPointer(start: target, count: size))
        }
        return writer.newestPlace.map { SharedBytes($0) } ?? SharedBytes()
    }
}
