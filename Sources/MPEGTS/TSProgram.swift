import Media

/// One program, as its PMT says (ISO/IEC 13818-1 §2.4.4.8): its clock and its elementary streams.
public struct TSProgram: Sendable, Equatable {
    public struct Stream: Sendable, Equatable {
        public var pid: UInt16
        public var codec: TSCodec
        /// ISO 639-2, "eng"; empty when the PMT does not say.
        public var language = ""
        /// Opus alone: the channel configuration code of its descriptor.
        var opusChannels: UInt8 = 2
        /// Data alone: what a map has to say of it elsewhere.
        var streamType: UInt8 = 0
        var descriptors: [UInt8] = []
    }

    public var number: UInt16
    /// Whose packets carry the clock; 0x1fff when none does.
    public var clockPID: UInt16
    public var streams: [Stream]

    /// nil when the section is cut short. Streams beyond `limit` are counted in `dropped`.
    init?(_ section: PSISection, _ bytes: Span<UInt8>, limit: Int, dropped: inout UInt64) {
        let content = bytes.extracting(section.content)
        guard content.count >= 4 else { return nil }
        number = section.number
        clockPID = content.u16(at: 0) & 0x1fff
        streams = []
        var position = 4 + Int(content.u16(at: 2) & 0x0fff)
        while position + 5 <= content.count {
            let pid = content.u16(at: position + 1) & 0x1fff
            let end = position + 5 + Int(content.u16(at: position + 3) & 0x0fff)
            guard end <= content.count else { return nil }
            if streams.count < limit {
                streams.append(
                    Self.stream(pid, type: content[position], content.extracting(position + 5..<end)))
            } else {
                dropped += 1
            }
            position = end
        }
    }

    private static func stream(_ pid: UInt16, type: UInt8, _ descriptors: Span<UInt8>) -> Stream {
        var stream = Stream(pid: pid, codec: TSCodec(streamType: type, descriptors: descriptors))
        if case .data = stream.codec {
            stream.streamType = type
            stream.descriptors = carried(descriptors)
        }
        for descriptor in Descriptors(descriptors) {
            let content = descriptors.extracting(descriptor.content)
            if descriptor.tag == 0x0a && content.count >= 3 {
                let letters = content.copy(0..<3).filter { (0x61...0x7a).contains($0 | 0x20) }
                stream.language = letters.count == 3 ? String(decoding: letters, as: UTF8.self) : ""
            }
            // Opus: an extension descriptor whose own tag is 0x80, in the user-defined range.
            if descriptor.tag == 0x7f && content.count >= 2 && content[0] == 0x80 { stream.opusChannels = content[1] }
        }
        return stream
    }

    /// The descriptors that hold in another stream too: all but those of scrambling, which does not go with the data.
    private static func carried(_ descriptors: Span<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        for descriptor in Descriptors(descriptors) where descriptor.tag != scrambling {
            guard bytes.count + 2 + descriptor.content.count <= TSLimits.dataDescriptors else { break }
            bytes += descriptors.copy(descriptor.content.lowerBound - 2..<descriptor.content.upperBound)
        }
        return bytes
    }

    /// CA_descriptor (ISO/IEC 13818-1 §2.6.16).
    private static let scrambling: UInt8 = 0x09
}
