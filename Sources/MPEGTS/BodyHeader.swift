import Media

/// Writes what stands before the payload of a message body: legacy FLV headers where every player knows them (H.264, AAC,
/// MP3, on the first track), Enhanced RTMP v2 for all else.
///
/// Tracks beyond the first are multitrack messages of one track each.
struct BodyHeader: Sendable {
    let track: UInt8

    /// More than any header here needs.
    static let maximumSize = 16

    private static let modeOfOneTrack: UInt8 = 0

    private func fourCC(_ codec: VideoCodec) -> UInt32 {
        switch codec {
        case .h264: 0x6176_6331
        case .h265: 0x6876_6331
        case .av1: 0x6176_3031
        case .vp9: 0x7670_3039
        case .vp8: 0x7670_3038
        case .other(let code): code
        }
    }

    private func fourCC(_ codec: AudioCodec) -> UInt32 {
        switch codec {
        case .aac: 0x6d70_3461
        case .mp3: 0x2e6d_7033
        case .opus: 0x4f70_7573
        case .ac3: 0x6163_2d33
        case .eac3: 0x6563_2d33
        default: 0
        }
    }

    func sequence(_ codec: VideoCodec, into body: inout [UInt8]) {
        if codec == .h264 && track == 0 {
            body.append(contentsOf: [0x17, 0, 0, 0, 0])
        } else {
            enhanced(frameType: 1, packetType: 0, codec, into: &body)
        }
    }

    func frame(_ codec: VideoCodec, isKeyframe: Bool, compositionTime: Int64, into body: inout [UInt8]) {
        let frameType: UInt8 = isKeyframe ? 1 : 2
        let time = UInt32(truncatingIfNeeded: compositionTime) & 0xff_ffff
        if codec == .h264 && track == 0 {
            body.append(frameType << 4 | 7)
            body.append(1)
            body.append(u24: time)
            return
        }
        let hasTime = time != 0 && (codec == .h264 || codec == .h265)
        let isShort = time == 0 && (codec == .h264 || codec == .h265)
        enhanced(frameType: frameType, packetType: isShort ? 3 : 1, codec, into: &body)
        if hasTime { body.append(u24: time) }
    }

    private func enhanced(frameType: UInt8, packetType: UInt8, _ codec: VideoCodec, into body: inout [UInt8]) {
        if track == 0 {
            body.append(0x80 | frameType << 4 | packetType)
            body.append(u32: fourCC(codec))
        } else {
            body.append(0x80 | frameType << 4 | 6)
            body.append(Self.modeOfOneTrack << 4 | packetType)
            body.append(u32: fourCC(codec))
            body.append(track)
        }
    }

    func sequence(_ codec: AudioCodec, into body: inout [UInt8]) {
        if codec == .aac && track == 0 {
            body.append(contentsOf: [0xaf, 0])
        } else {
            enhanced(packetType: 0, codec, into: &body)
        }
    }

    func frame(_ codec: AudioCodec, rate: Int, channels: Int, into body: inout [UInt8]) {
        switch codec {
        case .aac where track == 0: body.append(contentsOf: [0xaf, 1])
        case .mp3 where track == 0: body.append(Self.legacyMP3(rate: rate, channels: channels))
        default: enhanced(packetType: 1, codec, into: &body)
        }
    }

    /// The rates that a legacy header can say are 44,100 Hz and its halves; players take the real one from the frame.
    private static func legacyMP3(rate: Int, channels: Int) -> UInt8 {
        let code: UInt8 = rate >= 32_000 ? 3 : rate >= 16_000 ? 2 : 1
        return 0x22 | code << 2 | (channels > 1 ? 1 : 0)
    }

    private func enhanced(packetType: UInt8, _ codec: AudioCodec, into body: inout [UInt8]) {
        if track == 0 {
            body.append(0x90 | packetType)
            body.append(u32: fourCC(codec))
        } else {
            body.append(0x95)
            body.append(Self.modeOfOneTrack << 4 | packetType)
            body.append(u32: fourCC(codec))
            body.append(track)
        }
    }
}
