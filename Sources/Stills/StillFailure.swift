/// Why there is no picture of a stream: for who asked, for the log, and for the counters.
public enum StillFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such program.
    case noProgram(String)
    case noPictures
    /// No keyframe came in time.
    case noKeyframe
    /// The stream ended before there was one.
    case ended
    /// Other streams' pictures took all the time that there was.
    case busy
    /// The program was killed.
    case tooSlow(milliseconds: Int)
    case tooLarge(bytes: Int)
    /// The program's own words, if it had any.
    case failed(String)

    public var description: String {
        switch self {
        case .noProgram(let name):
            "no ffmpeg: \(name) is not a program here, or not on the server's PATH; install ffmpeg "
                + "(apt-get install ffmpeg), or say in snapshot.ffmpeg where it is"
        case .noPictures: "the stream has no pictures"
        case .noKeyframe: "no keyframe came in time; ask again"
        case .ended: "the stream has ended"
        case .busy: "other streams' pictures are being made; ask again"
        case .tooSlow(let milliseconds):
            "ffmpeg was not done after \(milliseconds) ms and was killed; snapshot.timeout gives it more time"
        case .tooLarge(let bytes): "the picture has more than \(bytes) bytes; lower snapshot.width"
        case .failed(let words): "ffmpeg made no picture of the keyframe" + (words.isEmpty ? "" : ": \(words)")
        }
    }

    /// A word for it, in metrics.
    public var code: String {
        switch self {
        case .noProgram: "no_program"
        case .noPictures: "no_pictures"
        case .noKeyframe: "no_keyframe"
        case .ended: "ended"
        case .busy: "busy"
        case .tooSlow: "too_slow"
        case .tooLarge: "too_large"
        case .failed: "failed"
        }
    }
}
