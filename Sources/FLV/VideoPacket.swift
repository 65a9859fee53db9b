import Media

/// What one video message says before its payload: legacy FLV and Enhanced RTMP v1 and v2. Data plane: parsing
/// allocates nothing.
///
/// Of a multitrack message this is one track; `next(in:)` goes on to the following one. Positions are those of the
/// message body, and `payloadOffset <= payloadEnd <= body.count` holds.
public struct VideoPacket: Sendable, Equatable {
    /// E-RTMP v2, "VideoPacketType". A legacy message is given the type that says the same.
    public enum PacketType: UInt8, Sendable {
        case sequenceStart = 0
        case codedFrames = 1
        case sequenceEnd = 2
        /// Coded frames whose composition time is 0 and left out.
        case codedFramesX = 3
        case metadata = 4
        case mpeg2TSSequenceStart = 5
        /// Types that the specification reserves: relayed, not understood.
        case reserved = 15
    }

    public enum FrameType: UInt8, Sendable {
        case unknown = 0
        case key = 1
        case inter = 2
        case disposable = 3
        case generatedKey = 4
        /// A seek command for the client, no picture.
        case command = 5
    }

    public internal(set) var codec = VideoCodec.other(0)
    public internal(set) var frameType = FrameType.unknown
    public internal(set) var packetType = PacketType.reserved
    /// Sent by ffmpeg and OBS; harmless.
    public internal(set) var isEmpty = false
    public internal(set) var isEnhanced = false
    public internal(set) var isMultitrack = false
    public internal(set) var trackID: UInt8 = 0
    /// Milliseconds from decoding to showing.
    public internal(set) var compositionTime: Int32 = 0
    /// Added to the message's timestamp (ModEx), below 1,000,000.
    public internal(set) var timestampNanoseconds: UInt32 = 0
    public internal(set) var payloadOffset = 0
    public internal(set) var payloadEnd = 0
    /// Where the next track of this message starts, and how tracks are laid out.
    var nextTrack: Int?
    var layout = Multitrack.oneTrack

    /// A picture that decoding can start at. Sequence headers carry the key frame type and are none.
    public var isKeyframe: Bool { isCoded && frameType == .key }

    public var isSequenceHeader: Bool {
        frameType != .command && (packetType == .sequenceStart || packetType == .mpeg2TSSequenceStart)
    }

    public var isCoded: Bool {
        frameType != .command && !isEmpty && (packetType == .codedFrames || packetType == .codedFramesX)
    }

    public static func parse(_ body: Span<UInt8>) throws(FLVError) -> VideoPacket {
        var packet = VideoPacket()
        packet.payloadEnd = body.count
        guard body.count > 0 else {
            packet.isEmpty = true
            return packet
        }
        packet.isEnhanced = body[0] & 0x80 != 0
        packet.frameType = FrameType(rawValue: body[0] >> 4 & 7) ?? .unknown
        if packet.isEnhanced {
            try packet.parseEnhanced(body)
        } else {
            try packet.parseLegacy(body)
        }
        return packet
    }

    // MARK: Legacy (Adobe FLV specification 10.1, §E.4.3)

    private mutating func parseLegacy(_ body: Span<UInt8>) throws(FLVError) {
        payloadOffset = 1
        codec = Self.legacyCodec(body[0] & 0xf)
        guard frameType != .command else { return }
        switch codec {
        case .h264, .h265, .av1: break
        default:
            packetType = .codedFramesX
            return
        }
        guard body.count >= 2 else { throw .shortVideo }
        packetType = body[1] <= 2 ? PacketType(rawValue: body[1]) ?? .reserved : .reserved
        if packetType == .sequenceEnd {
            payloadOffset = min(5, body.count)
            return
        }
        guard body.count >= 5 else { throw .shortVideo }
        compositionTime = Self.signed24(body, at: 2)
        payloadOffset = 5
    }

    /// Numbers of codecs in legacy headers. 12 and 13 are what Chinese CDNs agreed on before Enhanced RTMP.
    enum LegacyCodec {
        static let h264: UInt8 = 7
        static let h265: UInt8 = 12
        static let av1: UInt8 = 13
    }

    private static func legacyCodec(_ id: UInt8) -> VideoCodec {
        switch id {
        case LegacyCodec.h264: .h264
        case LegacyCodec.h265: .h265
        case LegacyCodec.av1: .av1
        case 2: .other(0x464c_5631)  // FLV1, Sorenson H.263
        case 3, 6: .other(0x4653_5631 + UInt32(id == 6 ? 1 : 0))  // FSV1, FSV2: screen video
        case 4: .other(0x5650_3646)  // VP6F
        case 5: .other(0x5650_3641)  // VP6A
        default: .other(0)
        }
    }

    // MARK: Enhanced (E-RTMP v2, "ExVideoTagHeader" and "ExVideoTagBody")

    private static let modEx: UInt8 = 7
    private static let multitrack: UInt8 = 6

    private mutating func parseEnhanced(_ body: Span<UInt8>) throws(FLVError) {
        var position = 1
        var type = body[0] & 0xf
        while type == Self.modEx {
            guard let modifier = ModEx(body, &position) else { throw .shortVideo }
            if let nanoseconds = modifier.nanoseconds { timestampNanoseconds = nanoseconds }
            type = modifier.packetType
        }
        if frameType == .command && type != PacketType.metadata.rawValue {
            payloadOffset = min(position + 1, body.count)
            return
        }
        if type == Self.multitrack {
            guard position < body.count else { throw .shortVideo }
            isMultitrack = true
            layout = Multitrack(rawValue: body[position] >> 4) ?? .oneTrack
            type = body[position] & 0xf
            guard type != Self.multitrack else { throw .nestedMultitrack }
            position += 1
        }
        packetType = type == Self.modEx ? .reserved : PacketType(rawValue: type) ?? .reserved
        if layout != .manyTracksManyCodecs { try readCodec(body, &position) }
        try parseTrack(body, from: position)
    }

    private mutating func readCodec(_ body: Span<UInt8>, _ position: inout Int) throws(FLVError) {
        guard position + 4 <= body.count else { throw .shortVideo }
        codec = VideoCodec(fourCC: body.u32(at: position))
        position += 4
    }

    private mutating func parseTrack(_ body: Span<UInt8>, from start: Int) throws(FLVError) {
        var position = start
        payloadEnd = body.count
        nextTrack = nil
        compositionTime = 0
        if isMultitrack {
            if layout == .manyTracksManyCodecs { try readCodec(body, &position) }
            guard let track = Multitrack.Track(body, &position, layout: layout) else { throw .shortVideo }
            guard track.end <= body.count else { throw .badTrackSize }
            trackID = track.id
            payloadEnd = track.end
            nextTrack = track.end < body.count ? track.end : nil
        }
        if packetType == .codedFrames && (codec == .h264 || codec == .h265) {
            guard position + 3 <= payloadEnd else { throw .shortVideo }
            compositionTime = Self.signed24(body, at: position)
            position += 3
        }
        payloadOffset = position
    }

    /// The next track of the same multitrack message; nil after the last.
    public func next(in body: Span<UInt8>) throws(FLVError) -> VideoPacket? {
        guard let nextTrack else { return nil }
        var packet = self
        try packet.parseTrack(body, from: nextTrack)
        return packet
    }

    private static func signed24(_ body: Span<UInt8>, at position: Int) -> Int32 {
        Int32(bitPattern: body.u24(at: position) << 8) >> 8
    }
}
