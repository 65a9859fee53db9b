/// An AVCDecoderConfigurationRecord, "avcC" (ISO/IEC 14496-15 §5.3.3.1): what an H.264 sequence header carries.
///
/// At least one sequence parameter set is there and readable; otherwise parsing throws.
public struct H264Configuration: Sendable, Equatable {
    /// Bytes of the length before each NAL unit of a frame: 1, 2 or 4.
    public var lengthSize: Int
    public var sequenceParameterSets: [[UInt8]]
    public var pictureParameterSets: [[UInt8]]
    public var sequence: H264SequenceParameters

    public var format: VideoFormat { sequence.format }

    public static func parse(_ record: Span<UInt8>) throws(CodecError) -> H264Configuration {
        guard record.count >= 7 else { throw .truncated("avcC") }
        guard record.count <= CodecError.maximumConfigurationSize else {
            throw .oversize("avcC", bytes: record.count)
        }
        guard record[0] == 1 else { throw .invalid("avcC", field: "version") }
        let lengthSize = Int(record[4] & 3) + 1
        guard lengthSize != 3 else { throw .invalid("avcC", field: "NAL unit length size") }

        var position = 6
        let sequences = try parameterSets(record, &position, count: Int(record[5] & 0x1f))
        guard let first = sequences.first else { throw .invalid("avcC", field: "count of SPS") }
        // Some hardware encoders leave out the PPS count and send the PPS in band.
        var pictures: [[UInt8]] = []
        if position < record.count {
            position += 1
            pictures = try parameterSets(record, &position, count: Int(record[position - 1]))
        }
        return H264Configuration(
            lengthSize: lengthSize, sequenceParameterSets: sequences, pictureParameterSets: pictures,
            sequence: try .parse(nalUnit: first.span))
    }

    private static func parameterSets(
        _ record: Span<UInt8>, _ position: inout Int, count: Int
    ) throws(CodecError) -> [[UInt8]] {
        var sets: [[UInt8]] = []
        for _ in 0..<count {
            guard position + 2 <= record.count else { throw .truncated("avcC") }
            let end = position + 2 + Int(record.u16(at: position))
            guard end <= record.count else { throw .truncated("avcC") }
            sets.append(record.copy(position + 2..<end))
            position = end
        }
        return sets
    }
}
