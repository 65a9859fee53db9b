/// Looks at a stream until it has a keyframe, which it takes from the frame log, in FLV, with what a decoder is told first.
///
/// It is no viewer, and counts as none; while it looks, the stream counts as read, so that one of another node stays here.
/// Whoever has it detaches it, unless it has told of the end. It tells once.
import EventLoop
import StreamLog

public final class KeyframeOutlet: LogCursor {
    /// FLV tags.
    public struct Keyframe: Sendable {
        public let prologue: [UInt8]
        /// Where a stream has no pictures, its newest sound.
        public let frame: SharedBytes
        public let epoch: UInt64
        /// Milliseconds on the stream's timeline.
        public let timestamp: Int64
    }

    private var tell: ((Keyframe?) -> Void)?

    /// `tell` is called with nil if the stream ends first. It may be called before attaching returns.
    public init(_ tell: @escaping (Keyframe?) -> Void) {
        self.tell = tell
        super.init(label: "snapshot") { _ in }
    }

    override var isViewer: Bool { false }

    public override func detach() {
        super.detach()
        tell = nil
    }

    override func logGrew() {
        guard let view, let tell, let point = view.joinPoint, point.offset < view.head else { return }
        let frame = view.shared(from: point.offset, to: view.frame(around: point.offset).end)
        detach()
        tell(Keyframe(prologue: point.prologue, frame: frame, epoch: point.epoch, timestamp: point.timestamp))
    }

    override func logEnded(_ reason: ViewerEnd) {
        super.logEnded(reason)
        let tell = tell
        self.tell = nil
        tell?(nil)
    }
}
