import Media

/// Accumulates what a stream is from its frames: its codecs and formats and what its metadata claims.
///
/// The formats are those of the first track (track 0 of a multitrack stream). Coded frames of a known format cost a
/// header parse and allocate nothing. A frame that cannot be read changes nothing.
public struct StreamDescription: Sendable, Equatable {
    public private(set) var video: VideoFormat?
    public private(set) var audio: AudioFormat?
    public private(set) var metadata: StreamMetadata?

    public init() {}

    /// Takes one message's body into account.
    public mutating func observe(kind: MediaKind, body: Span<UInt8>) throws(FLVError) {
        switch kind {
        case .video: try observe(try VideoPacket.parse(body), body: body)
        case .audio: try observe(try AudioPacket.parse(body), body: body)
        case .script:
            if let new = try StreamMetadata.parse(body) { metadata = new }
        }
    }

    /// As above, for a caller that has parsed the header already.
    public mutating func observe(_ packet: VideoPacket, body: Span<UInt8>) throws(FLVError) {
        guard packet.isSequenceHeader || packet.isCoded, packet.trackID == 0 else { return }
        let payload = body.extracting(packet.payloadOffset..<packet.payloadEnd)
        do {
            if packet.isSequenceHeader {
                video = try Self.format(of: packet, payload)
            } else {
                try observeCoded(packet, payload)
            }
        } catch {
            throw .configuration(error)
        }
    }

    private static func format(of packet: VideoPacket, _ payload: Span<UInt8>) throws(CodecError) -> VideoFormat {
        // An MPEG-2 TS descriptor (AV1 alone uses it) names the codec and no more.
        guard packet.packetType == .sequenceStart else { return VideoFormat(codec: packet.codec) }
        switch packet.codec {
        case .h264: return try H264Configuration.parse(payload).format
        case .h265: return try H265Configuration.parse(payload).format
        case .av1: return try AV1Configuration.parse(payload).format
        case .vp9: return try VP9Configuration.parse(payload).format
        case .vp8, .other: return VideoFormat(codec: packet.codec)
        }
    }

    private mutating func observeCoded(_ packet: VideoPacket, _ payload: Span<UInt8>) throws(CodecError) {
        if video?.codec != packet.codec { video = VideoFormat(codec: packet.codec) }
        guard packet.isKeyframe, packet.codec == .vp8 || packet.codec == .vp9 else { return }
        let size = packet.codec == .vp8 ? try VPKeyframe.vp8(payload) : try VPKeyframe.vp9(payload)
        video?.width = size.width
        video?.height = size.height
    }

    /// As above, for a caller that has parsed the header already.
    public mutating func observe(_ packet: AudioPacket, body: Span<UInt8>) throws(FLVError) {
        guard packet.isSequenceHeader || packet.isCoded, packet.trackID == 0 else { return }
        let payload = body.extracting(packet.payloadOffset..<packet.payloadEnd)
        do {
            if packet.isSequenceHeader {
                audio = try Self.format(of: packet, payload)
            } else if audio?.codec != packet.codec {
                audio = try Self.formatOfFrame(packet, payload)
            }
        } catch {
            throw .configuration(error)
        }
    }

    private static func format(of packet: AudioPacket, _ payload: Span<UInt8>) throws(CodecError) -> AudioFormat {
        switch packet.codec {
        case .aac: try AACConfiguration.parse(payload).format
        case .opus: try AudioHeaders.opus(payload)
        case .flac: try AudioHeaders.flac(payload)
        default: AudioFormat(codec: packet.codec)
        }
    }

    /// The format of a codec whose frames describe themselves, or of a frame that came before its sequence header.
    private static func formatOfFrame(_ packet: AudioPacket, _ payload: Span<UInt8>) throws(CodecError) -> AudioFormat {
        switch packet.codec {
        case .ac3, .eac3: try AudioHeaders.dolby(payload)
        case .mp3 where packet.isEnhanced: try AudioHeaders.mp3(payload)
        case .aac: AudioFormat(codec: .aac)
        default:
            AudioFormat(codec: packet.codec, sampleRate: packet.headerSampleRate, channels: packet.headerChannels)
        }
    }
}
