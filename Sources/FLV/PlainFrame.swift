/// What nine in ten message bodies are: one picture, or one piece of sound, of the usual kinds. Data plane: a few bytes
/// are looked at, where `VideoPacket` and `AudioPacket` read all that a header may say.
///
/// Invariant: what is told here is what these parsers tell; whatever needs more words than this is nil.
import Media

public enum PlainFrame: Sendable, Equatable {
    case keyframe
    /// A picture that decoding cannot start at.
    case picture
    case sound

    public init?(_ kind: MediaKind, _ body: Span<UInt8>) {
        // No header of such a frame is longer, so that none is cut short.
        guard body.count >= PlainFrame.longestHeader else { return nil }
        let (first, second) = (body[0], body[1])
        switch kind {
        case .video:
            let type = first >> 4 & 7
            guard type != VideoPacket.FrameType.command.rawValue,
                first & 0x80 != 0 ? PlainFrame.isEnhanced(first & 0xf) : PlainFrame.isLegacy(first & 0xf, second)
            else { return nil }
            self = type == VideoPacket.FrameType.key.rawValue ? .keyframe : .picture
        case .audio:
            guard first >> 4 == AudioPacket.legacyAAC, second == 1 else { return nil }
            self = .sound
        case .script: return nil
        }
    }

    /// That of a video frame with a codec's four letters and a composition time.
    private static let longestHeader = 8

    private static func isEnhanced(_ type: UInt8) -> Bool {
        type == VideoPacket.PacketType.codedFrames.rawValue || type == VideoPacket.PacketType.codedFramesX.rawValue
    }

    /// H.264, H.265 or AV1, whose second byte says what it is.
    private static func isLegacy(_ codec: UInt8, _ type: UInt8) -> Bool {
        guard type == VideoPacket.PacketType.codedFrames.rawValue else { return false }
        return switch codec {
        case VideoPacket.LegacyCodec.h264, VideoPacket.LegacyCodec.h265, VideoPacket.LegacyCodec.av1: true
        default: false
        }
    }
}
