import FLV
import Media

/// One elementary stream that a muxer writes: its PID, its counter, and what its frames need that message bodies lack.
struct MuxTrack: Sendable {
    enum Codec: Sendable, Equatable {
        case h264, h265, aac, mp3, ac3, eac3
        case opus(channels: UInt8)
        case data(MuxData)
    }

    let kind: MediaKind
    /// Of multitrack messages; 0 of all others.
    let id: UInt8
    var pid: UInt16
    var codec: Codec
    var streamID: UInt8
    /// The continuity counter of its last packet.
    var counter: UInt8 = 15
    /// The newest decoding time, in 90 kHz; nil before the first frame.
    var latest: Int64?

    /// With start codes.
    var parameterSets: [UInt8] = []
    /// They have to come with the next frame, keyframe or not.
    var owesParameterSets = false
    /// Bytes of the length before each NAL unit of a body.
    var lengthSize = 4
    var adts: ADTSHeader?

    init(_ kind: MediaKind, id: UInt8, pid: UInt16, codec: Codec, index: Int) {
        self.kind = kind
        self.id = id
        self.pid = pid
        self.codec = codec
        streamID = Self.streamID(codec, index)
    }

    /// Codecs without a stream id of their own are private streams 1.
    static func streamID(_ codec: Codec, _ index: Int) -> UInt8 {
        switch codec {
        case .h264, .h265: 0xe0 | UInt8(index & 0xf)
        case .aac, .mp3: 0xc0 | UInt8(index & 0x1f)
        case .ac3, .eac3, .opus, .data: 0xbd
        }
    }

    var streamType: UInt8 {
        switch codec {
        case .h264: 0x1b
        case .h265: 0x24
        case .aac: 0x0f
        case .mp3: 0x03
        case .ac3: 0x81
        case .eac3: 0x87
        case .opus: 0x06
        case .data(let data): data.streamType
        }
    }

    var descriptors: [UInt8] {
        switch codec {
        case .h264, .aac, .mp3: []
        case .h265: Self.registration(Registration.hevc)
        case .ac3: Self.registration(Registration.ac3)
        case .eac3: Self.registration(Registration.eac3)
        case .opus(let channels): Self.registration(Registration.opus) + [0x7f, 2, 0x80, channels]
        case .data(let data): data.descriptors
        }
    }

    static func registration(_ name: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0x05, 4]
        bytes.append(u32: name)
        return bytes
    }

    /// Takes a sequence header's payload; nil leaves the track as it is, because the muxer cannot write such a stream.
    mutating func configure(_ payload: Span<UInt8>) -> Bool {
        switch codec {
        case .h264:
            guard let record = try? H264Configuration.parse(payload) else { return false }
            setParameterSets(record.sequenceParameterSets + record.pictureParameterSets, record.lengthSize)
        case .h265:
            guard let record = try? H265Configuration.parse(payload) else { return false }
            setParameterSets(record.parameterSets, record.lengthSize)
        case .aac:
            guard let header = ADTSHeader(payload) else { return false }
            adts = header
        case .opus, .mp3, .ac3, .eac3, .data: break
        }
        return true
    }

    private mutating func setParameterSets(_ sets: [[UInt8]], _ lengthSize: Int) {
        self.lengthSize = lengthSize
        var bytes: [UInt8] = []
        for set in sets where !set.isEmpty { bytes += AnnexB.startCode + set }
        guard bytes != parameterSets else { return }
        owesParameterSets = latest != nil
        parameterSets = bytes
    }

    /// The channel configuration code of "Opus in MPEG-2 TS" §4.3: the count, where the mapping is the usual one.
    static func opusChannels(_ header: Span<UInt8>) -> UInt8 {
        guard header.count >= 19, header[9] >= 1, header[9] <= 8 else { return 2 }
        return header[9]
    }
}
