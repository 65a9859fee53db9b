/// The parts of an AV1 sequence header (AV1 specification §5.5) that say how large a picture is and how often one comes.
public struct AV1SequenceHeader: Sendable, Equatable {
    public var width: Int
    public var height: Int
    public var frameRate: Double?

    private static let sequenceHeaderType: UInt8 = 1

    /// Finds the sequence header among open bitstream units; nil when there is none.
    public static func find(in units: Span<UInt8>) throws(CodecError) -> AV1SequenceHeader? {
        var position = 0
        while position < units.count {
            let header = units[position]
            let hasExtension = header & 4 != 0
            position += hasExtension ? 2 : 1
            guard position <= units.count else { throw .truncated("AV1 OBU") }
            var size = units.count - position
            if header & 2 != 0 { size = try variableSize(units, &position) }
            guard size <= units.count - position else { throw .truncated("AV1 OBU") }
            if header >> 3 & 0xf == sequenceHeaderType {
                return try parse(units.extracting(position..<position + size))
            }
            position += size
        }
        return nil
    }

    /// leb128() of §4.10.5, at most 4 bytes of it: no configuration is larger.
    private static func variableSize(_ bytes: Span<UInt8>, _ position: inout Int) throws(CodecError) -> Int {
        var value = 0
        for i in 0..<4 {
            guard position < bytes.count else { throw .truncated("AV1 OBU") }
            let byte = bytes[position]
            position += 1
            value |= Int(byte & 0x7f) << (7 * i)
            if byte & 0x80 == 0 { return value }
        }
        throw .invalid("AV1 OBU", field: "size")
    }

    /// Reads sequence_header_obu() as far as the largest frame size.
    static func parse(_ unit: Span<UInt8>) throws(CodecError) -> AV1SequenceHeader {
        guard unit.count <= CodecError.maximumConfigurationSize else {
            throw .oversize("AV1 sequence header", bytes: unit.count)
        }
        var reader = BitReader(unit.copy(), in: "AV1 sequence header")
        var result = AV1SequenceHeader(width: 0, height: 0)
        try reader.skip(4)
        if try reader.flag() {  // reduced_still_picture_header
            try reader.skip(5)
        } else {
            var delayBits = 0
            if try reader.flag() {
                result.frameRate = try timing(&reader)
                if try reader.flag() {
                    delayBits = Int(try reader.bits(5)) + 1
                    try reader.skip(42)
                }
            }
            try skipOperatingPoints(&reader, delayBits: delayBits)
        }
        let widthBits = Int(try reader.bits(4)) + 1
        let heightBits = Int(try reader.bits(4)) + 1
        result.width = Int(try reader.bits(widthBits)) + 1
        result.height = Int(try reader.bits(heightBits)) + 1
        return result
    }

    /// timing_info(), §5.5.3. Without equal_picture_interval a tick says nothing of the frame rate.
    private static func timing(_ reader: inout BitReader) throws(CodecError) -> Double? {
        let units = try reader.bits(32)
        let scale = try reader.bits(32)
        guard try reader.flag() else { return nil }
        let ticks = Double(try reader.unsigned()) + 1
        return plausibleFrameRate(Double(scale) / (Double(units) * ticks))
    }

    private static func skipOperatingPoints(_ reader: inout BitReader, delayBits: Int) throws(CodecError) {
        let hasDisplayDelay = try reader.flag()
        for _ in 0...(try reader.bits(5)) {
            try reader.skip(12)
            if try reader.bits(5) > 7 { try reader.skip(1) }
            if delayBits > 0, try reader.flag() { try reader.skip(2 * delayBits + 1) }
            if hasDisplayDelay, try reader.flag() { try reader.skip(4) }
        }
    }
}
