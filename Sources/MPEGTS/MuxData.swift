import Media

/// What the map says of a data track: where it came from said it, too, but for what belongs to the program as a whole.
struct MuxData: Sendable, Equatable {
    let streamType: UInt8
    let descriptors: [UInt8]

    /// In sections, where others are in PES packets.
    var isSections: Bool { streamType == Self.splice }

    private static let splice: UInt8 = 0x86
    private static let metadata: UInt8 = 0x15
    private static let metadataDescriptor: UInt8 = 0x26
    private static let metadataPointerDescriptor: UInt8 = 0x25

    /// The most that `programDescriptor` has.
    static let longestProgramDescriptor = 17

    /// SCTE 35 §8.1: that splice information is meant. ISO/IEC 13818-1 §2.6.58: which program metadata belongs to, as
    /// players of timed ID3 look for (HTTP Live Streaming, "Timed Metadata").
    func programDescriptor(of program: UInt16) -> [UInt8] {
        switch streamType {
        case Self.splice: MuxTrack.registration(Registration.cuei)
        case Self.metadata: metadataPointer(program) ?? []
        default: []
        }
    }

    /// From the track's metadata descriptor, which begins with the same fields.
    private func metadataPointer(_ program: UInt16) -> [UInt8]? {
        let bytes = descriptors.span
        let found = Descriptors(bytes).first { $0.tag == Self.metadataDescriptor }
        guard let content = found?.content, content.count >= 4 else { return nil }
        var size = bytes.u16(at: content.lowerBound) == 0xffff ? 6 : 2
        guard content.count > size else { return nil }
        size += bytes[content.lowerBound + size] == 0xff ? 5 : 1
        // The service's id comes last.
        guard content.count > size else { return nil }
        let fields = bytes.copy(content.lowerBound..<content.lowerBound + size + 1)
        // Without a locator, and in this transport stream.
        var pointer = [Self.metadataPointerDescriptor, UInt8(fields.count + 3)] + fields + [0x1f]
        pointer.append(u16: program)
        return pointer
    }
}
