/// The audio codings that Sluice tells apart. `other` carries a FourCC.
public enum AudioCodec: Sendable, Equatable, Hashable {
    case aac
    case mp3
    case opus
    case ac3
    case eac3
    case flac
    case g711a
    case g711u
    case speex
    case pcm
    case other(UInt32)

    /// From the FourCC of an Enhanced RTMP header (E-RTMP v2, "Enhanced Audio").
    public init(fourCC: UInt32) {
        switch fourCC {
        case 0x6d70_3461: self = .aac  // mp4a
        case 0x2e6d_7033: self = .mp3  // .mp3
        case 0x4f70_7573: self = .opus  // Opus
        case 0x6163_2d33: self = .ac3  // ac-3
        case 0x6563_2d33: self = .eac3  // ec-3
        case 0x664c_6143: self = .flac  // fLaC
        default: self = .other(fourCC)
        }
    }

    /// A short name for operators and metric labels.
    public var name: String {
        switch self {
        case .aac: "aac"
        case .mp3: "mp3"
        case .opus: "opus"
        case .ac3: "ac3"
        case .eac3: "eac3"
        case .flac: "flac"
        case .g711a: "g711a"
        case .g711u: "g711u"
        case .speex: "speex"
        case .pcm: "pcm"
        case .other(let fourCC): fourCCName(fourCC)
        }
    }
}
