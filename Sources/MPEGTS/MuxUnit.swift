import Media

/// The bytes of one access unit in a transport stream, first counted and then written, from the payload of a message body.
/// Data plane: nothing is allocated.
struct MuxUnit: Sendable {
    /// Index of the muxer's track.
    var track = 0
    var payload = 0..<0
    var pts: Int64 = 0
    var dts: Int64 = 0
    var isKeyframe = false
    /// The track's parameter sets go before it.
    var hasParameterSets = false
    /// Bytes of the access unit; 0 when the payload makes no sense.
    var size = 0

    /// An access unit delimiter that allows all kinds of slices, with its start code.
    private static let h264Delimiter: [6 of UInt8] = [0, 0, 0, 1, 0x09, 0xf0]
    private static let h265Delimiter: [7 of UInt8] = [0, 0, 0, 1, 0x46, 0x01, 0x50]

    // MARK: Counting

    mutating func count(_ track: MuxTrack, _ body: Span<UInt8>) {
        let bytes = body.extracting(payload)
        guard bytes.count > 0 else { return }
        switch track.codec {
        case .h264, .h265: countVideo(track, bytes)
        case .aac: size = track.adts == nil ? 0 : ADTSHeader.size + bytes.count
        case .opus: size = 3 + bytes.count / 255 + bytes.count
        case .mp3, .ac3, .eac3: size = bytes.count
        case .data: break
        }
        if track.codec == .aac && size > ADTSHeader.longestFrame { size = 0 }
        // A length of 0 means "not said" in video alone.
        if track.kind == .audio && size > Self.longestAudio { size = 0 }
    }

    /// Bytes that fit a PES packet which says its length.
    private static let longestAudio = 0xffff - 13

    private mutating func countVideo(_ track: MuxTrack, _ bytes: Span<UInt8>) {
        var sum = track.codec == .h264 ? 6 : 7
        var position = 0
        var isCoded = false
        var ownsParameterSets = false
        while let unit = Self.next(bytes, &position, track.lengthSize) {
            guard !Self.isDelimiter(track.codec, bytes[unit.lowerBound]) else { continue }
            if Self.isSequenceParameterSet(track.codec, bytes[unit.lowerBound]) { ownsParameterSets = true }
            isCoded = true
            sum += AnnexB.startCode.count + unit.count
        }
        guard isCoded, position == bytes.count else { return }
        hasParameterSets = (isKeyframe || track.owesParameterSets) && !ownsParameterSets
        if hasParameterSets { sum += track.parameterSets.count }
        size = sum
    }

    /// The next NAL unit, without its length; nil at the end, or where lengths are wrong (`position` then is not the end).
    private static func next(_ bytes: Span<UInt8>, _ position: inout Int, _ lengthSize: Int) -> Range<Int>? {
        var at = position
        while bytes.count - at >= lengthSize {
            var length = 0
            for i in at..<at + lengthSize { length = length << 8 | Int(bytes[i]) }
            at += lengthSize
            guard length <= bytes.count - at else { return nil }
            guard length > 0 else {
                position = at
                continue
            }
            position = at + length
            return at..<at + length
        }
        return nil
    }

    private static func isDelimiter(_ codec: MuxTrack.Codec, _ header: UInt8) -> Bool {
        codec == .h264 ? header & 0x1f == 9 : header >> 1 & 0x3f == 35
    }

    private static func isSequenceParameterSet(_ codec: MuxTrack.Codec, _ header: UInt8) -> Bool {
        codec == .h264 ? header & 0x1f == 7 : header >> 1 & 0x3f == 33
    }

    // MARK: Writing

    func put(_ track: MuxTrack, _ body: Span<UInt8>, into writer: inout PacketWriter) {
        let bytes = body.extracting(payload)
        switch track.codec {
        case .h264, .h265: putVideo(track, bytes, into: &writer)
        case .aac:
            track.adts?.put(count: bytes.count, into: &writer)
            bytes.withUnsafeBytes { writer.put($0) }
        case .opus:
            putOpusControl(bytes.count, into: &writer)
            bytes.withUnsafeBytes { writer.put($0) }
        case .mp3, .ac3, .eac3: bytes.withUnsafeBytes { writer.put($0) }
        case .data: break
        }
    }

    private func putVideo(_ track: MuxTrack, _ bytes: Span<UInt8>, into writer: inout PacketWriter) {
        if track.codec == .h264 {
            writer.put(Self.h264Delimiter, 6)
        } else {
            writer.put(Self.h265Delimiter, 7)
        }
        if hasParameterSets { track.parameterSets.withUnsafeBytes { writer.put($0) } }
        var position = 0
        while let unit = Self.next(bytes, &position, track.lengthSize) {
            guard !Self.isDelimiter(track.codec, bytes[unit.lowerBound]) else { continue }
            AnnexB.startCode.withUnsafeBytes { writer.put($0) }
            bytes.extracting(unit).withUnsafeBytes { writer.put($0) }
        }
    }

    /// opus_control_header() without trims: the size in bytes of 255, and a last one below.
    private func putOpusControl(_ count: Int, into writer: inout PacketWriter) {
        var left = count
        writer.put([0x7f, 0xe0] as [2 of UInt8], 2)
        while left >= 255 {
            writer.put([0xff] as [1 of UInt8], 1)
            left -= 255
        }
        writer.put([UInt8(left)] as [1 of UInt8], 1)
    }
}
