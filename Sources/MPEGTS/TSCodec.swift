import Media

/// What an elementary stream holds, as its stream type and descriptors in the PMT say.
public enum TSCodec: Sendable, Equatable, Hashable {
    case video(VideoCodec)
    /// AAC is ADTS (0x0f).
    case audio(AudioCodec)
    /// AAC in LATM (0x11).
    case latm
    case data(TSDataKind)
    /// A stream type that is passed over.
    case unsupported(UInt8)

    /// As `ISO/IEC 13818-1` table 2-34, the registrations of SMPTE, and ETSI EN 300 468 for private data.
    public init(streamType: UInt8, descriptors: Span<UInt8>) {
        switch streamType {
        case 0x03, 0x04: self = .audio(.mp3)
        case 0x0f: self = .audio(.aac)
        case 0x11: self = .latm
        case 0x15: self = .data(.id3)
        case 0x1b: self = .video(.h264)
        case 0x24: self = .video(.h265)
        case 0x81: self = .audio(.ac3)
        case 0x87: self = .audio(.eac3)
        case 0x86: self = .data(.scte35)
        case 0x06: self = Self.privateData(descriptors)
        default: self = .unsupported(streamType)
        }
    }

    private static func privateData(_ descriptors: Span<UInt8>) -> TSCodec {
        var result = TSCodec.data(.privateData)
        for descriptor in Descriptors(descriptors) {
            switch descriptor.tag {
            case 0x05 where descriptor.content.count >= 4:
                switch descriptors.u32(at: descriptor.content.lowerBound) {
                case Registration.opus: return .audio(.opus)
                case Registration.ac3: return .audio(.ac3)
                case Registration.eac3: return .audio(.eac3)
                case Registration.hevc: return .video(.h265)
                // The mapping of AV1 is a draft still, and differs between those who follow it.
                case Registration.av1: return .unsupported(0x06)
                case Registration.id3: return .data(.id3)
                default: break
                }
            case 0x6a: return .audio(.ac3)
            case 0x7a: return .audio(.eac3)
            case 0x7c: return .latm
            case 0x56: result = .data(.teletext)
            case 0x59: result = .data(.subtitles)
            default: break
            }
        }
        return result
    }

    var mediaKind: MediaKind? {
        switch self {
        case .video: .video
        case .audio, .latm: .audio
        case .data, .unsupported: nil
        }
    }

    /// A short name for operators.
    public var name: String {
        switch self {
        case .video(let codec): codec.name
        case .audio(let codec): codec.name
        case .latm: "aac (LATM)"
        case .data(let kind): kind.rawValue
        case .unsupported(let type): "stream type \(type)"
        }
    }
}

/// Data that is carried beside audio and video.
public enum TSDataKind: String, Sendable, Equatable, Hashable {
    /// Splice information sections (SCTE 35).
    case scte35
    /// Timed metadata (as in HTTP Live Streaming).
    case id3
    /// ETSI EN 300 472.
    case teletext
    /// DVB subtitles, ETSI EN 300 743.
    case subtitles
    case privateData = "private"
}

/// The names in registration descriptors (ISO/IEC 13818-1 §2.6.8).
enum Registration {
    static let opus: UInt32 = 0x4f70_7573
    static let ac3: UInt32 = 0x4143_2d33
    static let eac3: UInt32 = 0x4541_4333
    static let hevc: UInt32 = 0x4845_5643
    static let av1: UInt32 = 0x4156_3031
    static let id3: UInt32 = 0x4944_3320
    static let cuei: UInt32 = 0x4355_4549
}
