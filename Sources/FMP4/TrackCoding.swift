import Media

/// How the payloads of a track are coded, with what has to be known of it at each frame.
enum TrackCoding: Sendable, Equatable {
    /// Bytes of the length before each NAL unit.
    case h264(lengthSize: Int)
    case h265(lengthSize: Int)
    case av1, vp9
    /// Samples of a frame.
    case aac(samples: Int)
    case opus
    case flac
    case dolby(DolbyHead)
    case mp3(MP3Head)

    var isVideo: Bool {
        switch self {
        case .h264, .h265, .av1, .vp9: true
        case .aac, .opus, .flac, .dolby, .mp3: false
        }
    }

    func isOf(_ codec: VideoCodec) -> Bool {
        switch (self, codec) {
        case (.h264, .h264), (.h265, .h265), (.av1, .av1), (.vp9, .vp9): true
        default: false
        }
    }
}
