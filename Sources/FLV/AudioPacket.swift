import Media

/// What one audio message says before its payload: legacy FLV and Enhanced RTMP v2. Data plane: parsing allocates
/// nothing.
///
/// Of a multitrack message this is one track; `next(in:)` goes on to the following one. Positions are those of the
/// message body, and `payloadOffset <= payloadEnd <= body.count` holds.
public struct AudioPacket: Sendable, Equatable {
    /// E-RTMP v2, "AudioPacketType". A legacy message is given the type that says the same.
    public enum PacketType: UInt8, Sendable {
        case sequenceStart = 0
        case codedFrames = 1
        case sequenceEnd = 2
        case multichannelConfiguration = 4
        /// Types that the specification reserves: relayed, not understood.
        case reserved = 15
    }

    public internal(set) var codec = AudioCodec.other(0)
    public internal(set) var packetType = PacketType.reserved
    /// Sent by ffmpeg and OBS; harmless.
    public internal(set) var isEmpty = false
    public internal(set) var isEnhanced = false
    public internal(set) var isMultitrack = false
    public internal(set) var trackID: UInt8 = 0
    /// Added to the message's timestamp (ModEx), below 1,000,000.
    public internal(set) var timestampNanoseconds: UInt32 = 0
    public internal(set) var payloadOffset = 0
    public internal(set) var payloadEnd = 0
    /// What a legacy header says, in Hz; it is a formality for AAC and absent in enhanced messages.
    public internal(set) var headerSampleRate = 0
    public internal(set) var headerChannels = 0
    /// Where the next track of this message starts, and how tracks are laid out.
    var nextTrack: Int?
    var layout = Multitrack.oneTrack

    public var isSequenceHeader: Bool { packetType == .sequenceStart }
    public var isCoded: Bool { packetType == .codedFrames && !isEmpty }

    private static let enhancedFormat: UInt8 = 9
    private static let modEx: UInt8 = 7
    private static let multitrack: UInt8 = 5

    public static func parse(_ body: Span<UInt8>) throws(FLVError) -> AudioPacket {
        var packet = AudioPacket()
        packet.payloadEnd = body.count
        guard body.count > 0 else {
            packet.isEmpty = true
            return packet
        }
        if body[0] >> 4 == enhancedFormat {
            packet.isEnhanced = true
            try packet.parseEnhanced(body)
        } else {
            try packet.parseLegacy(body)
        }
        return packet
    }

    // MARK: Legacy (Adobe FLV specification 10.1, §E.4.2)

    private mutating func parseLegacy(_ body: Span<UInt8>) throws(FLVError) {
        let format = body[0] >> 4
        codec = Self.legacyCodec(format)
        payloadOffset = 1
        packetType = .codedFrames
        readHeaderFormat(body[0])
        if codec == .aac {
            guard body.count >= 2 else { throw .shortAudio }
            packetType = body[1] == 0 ? .sequenceStart : body[1] == 1 ? .codedFrames : .reserved
            payloadOffset = 2
        }
    }

    /// AAC's number in a legacy header.
    static let legacyAAC: UInt8 = 10

    private static func legacyCodec(_ format: UInt8) -> AudioCodec {
        switch format {
        case 0, 3: .pcm
        case 1: .other(0x4144_5043)  // ADPC
        case 2, 14: .mp3
        case 4, 5, 6: .other(0x4e45_4c4c)  // NELL
        case 7: .g711a
        case 8: .g711u
        case legacyAAC: .aac
        case 11: .speex
        case 13: .opus
        default: .other(0)
        }
    }

    private mutating func readHeaderFormat(_ byte: UInt8) {
        headerChannels = byte & 1 == 1 ? 2 : 1
        switch byte >> 4 {
        case 4, 11: (headerSampleRate, headerChannels) = (16_000, 1)
        case 5, 7, 8, 14: headerSampleRate = 8_000
        case 13: headerSampleRate = 48_000
        // 5.5, 11, 22 and 44 kHz are nominal: the exact rates are halves of 44,100.
        default: headerSampleRate = 44_100 >> (3 - Int(byte >> 2 & 3))
        }
    }

    // MARK: Enhanced (E-RTMP v2, "ExAudioTagHeader" and "ExAudioTagBody")

    private mutating func parseEnhanced(_ body: Span<UInt8>) throws(FLVError) {
        var position = 1
        var type = body[0] & 0xf
        while type == Self.modEx {
            guard let modifier = ModEx(body, &position) else { throw .shortAudio }
            if let nanoseconds = modifier.nanoseconds { timestampNanoseconds = nanoseconds }
            type = modifier.packetType
        }
        if type == Self.multitrack {
            guard position < body.count else { throw .shortAudio }
            isMultitrack = true
            layout = Multitrack(rawValue: body[position] >> 4) ?? .oneTrack
            type = body[position] & 0xf
            guard type != Self.multitrack else { throw .nestedMultitrack }
            position += 1
        }
        packetType = PacketType(rawValue: type) ?? .reserved
        if layout != .manyTracksManyCodecs { try readCodec(body, &position) }
        try parseTrack(body, from: position)
    }

    private mutating func readCodec(_ body: Span<UInt8>, _ position: inout Int) throws(FLVError) {
        guard position + 4 <= body.count else { throw .shortAudio }
        codec = AudioCodec(fourCC: body.u32(at: position))
        position += 4
    }

    private mutating func parseTrack(_ body: Span<UInt8>, from start: Int) throws(FLVError) {
        var position = start
        payloadEnd = body.count
        nextTrack = nil
        if isMultitrack {
            if layout == .manyTracksManyCodecs { try readCodec(body, &position) }
            guard let track = Multitrack.Track(body, &position, layout: layout) else { throw .shortAudio }
            guard track.end <= body.count else { throw .badTrackSize }
            trackID = track.id
            payloadEnd = track.end
            nextTrack = track.end < body.count ? track.end : nil
        }
        payloadOffset = position
    }

    /// The tracks that a message is of; none where it makes no sense.
    public static func tracks(of body: Span<UInt8>) -> TrackSet {
        guard body.count > 0, body[0] >> 4 == enhancedFormat else { return .first }
        var tracks = TrackSet()
        guard var packet = try? parse(body) else { return tracks }
        while true {
            tracks.insert(packet.trackID)
            guard let next = (try? packet.next(in: body)) ?? nil else { return tracks }
            packet = next
        }
    }

    /// The next track of the same multitrack message; nil after the last.
    public func next(in body: Span<UInt8>) throws(FLVError) -> AudioPacket? {
        guard let nextTrack else { return nil }
        var packet = self
        try packet.parseTrack(body, from: nextTrack)
        return packet
    }
}
