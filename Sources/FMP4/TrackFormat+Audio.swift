import Media

/// Sample entries of audio out of sequence headers, or out of frames of codecs that have none.
extension TrackFormat {
    /// Throws when the header makes no sense, and is nil for codecs that have no header or no place in MP4.
    static func audio(_ codec: AudioCodec, _ header: Span<UInt8>) throws(CodecError) -> TrackFormat? {
        switch codec {
        case .aac: try aac(header)
        case .opus: try opus(header)
        case .flac: try flac(header)
        default: nil
        }
    }

    /// Of a codec that needs no sequence header; nil when the frame makes no sense. Data plane: called for each frame.
    static func coding(ofFrame codec: AudioCodec, _ frame: Span<UInt8>) -> TrackCoding? {
        switch codec {
        case .mp3: MP3Head(frame).map { .mp3($0) }
        case .ac3: DolbyHead(frame, isEnhanced: false).map { .dolby($0) }
        case .eac3: DolbyHead(frame, isEnhanced: true).map { .dolby($0) }
        default: nil
        }
    }

    /// Of a coding that a frame's head said.
    static func selfDescribing(_ coding: TrackCoding) -> TrackFormat? {
        switch coding {
        case .mp3(let head): mp3(head)
        case .dolby(let head): dolby(head)
        default: nil
        }
    }

    private static func aac(_ header: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try AACConfiguration.parse(header)
        return TrackFormat(
            coding: .aac(samples: AudioFrame.aac(header, objectType: parsed.objectType)), entry: "mp4a",
            configuration: streamDescriptor(objectType: 0x40, specific: header.copy()),
            codecString: parsed.format.codecString, sampleRate: parsed.coreSampleRate,
            channels: parsed.channels > 0 ? parsed.channels : 2)
    }

    /// `mp4a` with the object type of MPEG audio: what ffmpeg and GStreamer read; `.mp3` is QuickTime's.
    private static func mp3(_ head: MP3Head) -> TrackFormat {
        TrackFormat(
            coding: .mp3(head), entry: "mp4a",
            configuration: streamDescriptor(objectType: head.isFull ? 0x6b : 0x69, specific: []),
            codecString: head.isFull ? "mp4a.6B" : "mp4a.69", sampleRate: head.sampleRate, channels: head.channels)
    }

    /// An `esds` box (ISO/IEC 14496-14 §5.6, 14496-1 §7.2.6.5). Bit rates are not said: they would be guesses.
    private static func streamDescriptor(objectType: UInt8, specific: [UInt8]) -> [UInt8] {
        var builder = BoxBuilder()
        builder.fullBox("esds") {
            $0.descriptor(0x03) {
                $0.put16(0)
                $0.put8(0)
                $0.descriptor(0x04) {
                    $0.put8(objectType)
                    $0.put8(0x15)  // an audio stream, and the reserved bit
                    $0.zeros(11)
                    if !specific.isEmpty { $0.descriptor(0x05) { $0.put(specific) } }
                }
                $0.descriptor(0x06) { $0.put8(2) }
            }
        }
        return builder.bytes
    }

    /// "Encapsulation of Opus in ISOBMFF" §4.3: the identification header of RFC 7845 §5.1 in the other byte order.
    private static func opus(_ header: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try AudioHeaders.opus(header)
        let family = header[18]
        let mapping = family == 0 ? 19 : 21 + parsed.channels
        guard header.count >= mapping else { throw .truncated("Opus header") }
        guard family != 0 || parsed.channels <= 2 else { throw .invalid("Opus header", field: "channel count") }
        var builder = BoxBuilder()
        builder.box("dOps") {
            $0.put8(0)
            $0.put8(header[9])
            $0.put([header[11], header[10]])
            $0.put32(header.u32le(at: 12))
            $0.put([header[17], header[16]])
            $0.put8(family)
            if family != 0 { $0.put(header.copy(19..<mapping)) }
        }
        return TrackFormat(
            coding: .opus, entry: "Opus", configuration: builder.bytes, codecString: "opus", sampleRate: 48_000,
            channels: parsed.channels)
    }

    /// "Encapsulation of FLAC in ISOBMFF" §3.3.2: STREAMINFO alone, as the last metadata block.
    private static func flac(_ header: Span<UInt8>) throws(CodecError) -> TrackFormat {
        let parsed = try AudioHeaders.flac(header)
        var start = header.u32(at: 0) == 0x664c_6143 ? 4 : 0
        if header.count >= start + 38 && header.u24(at: start + 1) == 34 && header[start] & 0x7f == 0 { start += 4 }
        var builder = BoxBuilder()
        builder.fullBox("dfLa") {
            $0.put32(0x8000_0022)
            $0.put(header.copy(start..<start + 34))
        }
        let depth = Int(header.u32(at: start + 10) >> 4 & 0x1f) + 1
        return TrackFormat(
            coding: .flac, entry: "fLaC", configuration: builder.bytes, codecString: "flac",
            sampleRate: parsed.sampleRate, channels: parsed.channels, sampleSize: depth)
    }

    private static func dolby(_ head: DolbyHead) -> TrackFormat {
        TrackFormat(
            coding: .dolby(head), entry: head.isEnhanced ? "ec-3" : "ac-3", configuration: head.configuration,
            codecString: head.isEnhanced ? "ec-3" : "ac-3", sampleRate: head.sampleRate, channels: head.channels)
    }
}
