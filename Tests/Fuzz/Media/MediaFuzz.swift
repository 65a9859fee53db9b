/// Fuzz entry points for FLV and for every codec configuration: any input may be refused, none may trap.
import FLV
import Media

/// Reads `data` as an FLV stream in pieces whose lengths its own bytes choose, and describes what comes out.
public func fuzzFLV(_ data: Span<UInt8>) {
    var limits = FLVReader.Limits()
    limits.tag = 1 << 16
    var reader = FLVReader(limits: limits)
    var description = StreamDescription()
    var timeline = Timeline()
    var position = 0
    while position < data.count {
        let end = min(data.count, position + 1 + Int(data[position]))
        guard (try? reader.receive(data.extracting(position..<end))) != nil else { return }
        while let frame = reader.next() {
            try? description.observe(kind: frame.kind, body: frame.payload.span)
            _ = timeline.map(kind: frame.kind, timestamp: frame.timestamp)
        }
        position = end
    }
}

/// The first byte of `data` chooses the parser, the rest is its input.
public func fuzzCodecConfigurations(_ data: Span<UInt8>) {
    guard data.count > 0 else { return }
    let input = data.extracting(1..<data.count)
    switch data[0] % 15 {
    case 0: _ = try? H264Configuration.parse(input).format
    case 1: _ = try? H265Configuration.parse(input).format
    case 2: _ = try? AV1Configuration.parse(input).format
    case 3: _ = try? VP9Configuration.parse(input).format
    case 4: _ = try? AACConfiguration.parse(input).format
    case 5: _ = try? AudioHeaders.opus(input)
    case 6: _ = try? AudioHeaders.flac(input)
    case 7: _ = try? AudioHeaders.dolby(input)
    case 8: _ = try? AudioHeaders.mp3(input)
    case 9: _ = try? VPKeyframe.vp8(input)
    case 10: _ = try? VPKeyframe.vp9(input)
    case 11: fuzzTracks(try? VideoPacket.parse(input), input)
    case 12: fuzzTracks(try? AudioPacket.parse(input), input)
    case 13: fuzzDescription(input)
    default: _ = try? StreamMetadata.parse(input)
    }
}

/// Walks the tracks of a message; the payload has to lie inside it.
private func fuzzTracks(_ first: VideoPacket?, _ body: Span<UInt8>) {
    var packet = first
    while let track = packet {
        _ = body.extracting(track.payloadOffset..<track.payloadEnd)
        packet = (try? track.next(in: body)) ?? nil
    }
}

private func fuzzTracks(_ first: AudioPacket?, _ body: Span<UInt8>) {
    var packet = first
    while let track = packet {
        _ = body.extracting(track.payloadOffset..<track.payloadEnd)
        packet = (try? track.next(in: body)) ?? nil
    }
}

private func fuzzDescription(_ body: Span<UInt8>) {
    var description = StreamDescription()
    for kind in MediaKind.allCases { try? description.observe(kind: kind, body: body) }
}
